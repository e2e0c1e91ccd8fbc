/**
 * How many scenarios the model tries a second, on one processor: random ones and the lab's cells, each whole:
 * steps, sightings, bytes. Once on hosts made ready before, as when a search changes the packet, and once with
 * hosts and tunnels of its own for each, so that nothing made ready for one serves another. It is the
 * processor's time that counts, which others on the machine take less of.
 */
import { datapathObjects } from '../src/datapath/object-bytes.ts';
import { openDatapaths } from '../src/engines/model/datapath.ts';
import { openModelEngine } from '../src/engines/model/engine.ts';
import { chooseCells, dimensions, quickOrder } from '../src/lab/cells.ts';
import { exampleScenario } from '../src/scenario/example.ts';
import { randomScenario } from '../src/scenario/random/scenario.ts';
import type { Scenario } from '../src/scenario/scenario.ts';
import type { Benchmark, Figure } from './benchmark.ts';
import { median } from './statistics.ts';

const rounds = 15;
const warmUp = 3;
const scenarios = 2000;
const seed = 1;

/** The same scenario as if it were another. */
function renewed(scenario: Scenario): Scenario {
	const { router, host, datapath } = scenario;
	return {
		...scenario,
		router: { ...router },
		host: { ...host },
		...(datapath === undefined ? {} : { datapath: { ...datapath, tunnels: [...datapath.tunnels] } }),
	};
}

const sets: Readonly<Record<string, () => readonly Scenario[]>> = {
	'random scenarios': () =>
		Array.from({ length: scenarios }, (_, number) => randomScenario(seed, number, { forceForwarding: true })),
	'random scenarios without a datapath': () =>
		Array.from({ length: scenarios }, (_, number) => {
			const { datapath: _datapath, ...rest } = randomScenario(seed, number, { forceForwarding: true });
			return rest;
		}),
	'cells of the lab': () =>
		quickOrder(chooseCells({ inner: dimensions.inner })).map((cell) =>
			exampleScenario(cell, crypto.getRandomValues(new Uint8Array(32))),
		),
};

export const model: Benchmark = (progress) => {
	const engine = openModelEngine({ datapaths: openDatapaths(datapathObjects()) });
	return Object.entries(sets).flatMap(([name, make]) => {
		const list = make();
		const measure = (hosts: string, next: () => readonly Scenario[]): Figure => {
			const rates: number[] = [];
			for (let round = -warmUp; round < rounds; round++) {
				progress(`${name}, ${hosts}, round ${round + warmUp + 1} of ${rounds + warmUp}`);
				const scenarios = next();
				const before = process.cpuUsage();
				for (const scenario of scenarios) engine.try(scenario);
				const { user, system } = process.cpuUsage(before);
				if (round >= 0) rates.push(list.length / ((user + system) / 1e6));
			}
			const [low, high] = [Math.min(...rates), Math.max(...rates)].map(Math.round);
			return {
				name: 'model',
				figure: `${name}, ${hosts}`,
				value: Math.round(median(rates)),
				unit: '1/s',
				target: { limit: '>=', value: 20_000 },
				note: `${rounds} rounds, ${low} to ${high}`,
			};
		};
		return [measure('hosts made ready', () => list), measure('hosts of its own', () => list.map(renewed))];
	});
};
