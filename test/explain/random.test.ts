/**
 * Random routers, standing on the running kernel: what their snapshot says is what they were made of. The
 * judge is the model, which is told of each router twice: by the scenario and by the snapshot.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Hosts, openHosts } from '../../src/engines/linux/hosts.ts';
import { openPrograms, type Programs } from '../../src/engines/linux/programs.ts';
import { openWatch, type Watch } from '../../src/engines/linux/watch.ts';
import { openModelEngine } from '../../src/engines/model/engine.ts';
import { hostOf } from '../../src/explain/host.ts';
import { parseSnapshot } from '../../src/explain/parse-snapshot.ts';
import type { Snapshot } from '../../src/explain/snapshot.ts';
import { snapshotHere } from '../../src/explain/take-snapshot.ts';
import type { Journey } from '../../src/journey/journey.ts';
import { anonymousNamespace, inNamespace } from '../../src/kernel/namespace.ts';
import { randomScenario, worldSize } from '../../src/scenario/random/scenario.ts';
import type { Host, Scenario } from '../../src/scenario/scenario.ts';
import { requires } from '../needs.ts';

const seed = 20261125;
const worlds = 8;
const perWorld = 8;

describe('a random router', requires('root', 'ip'), () => {
	let watch: Watch;
	let programs: Programs;
	beforeAll(() => {
		watch = openWatch();
		programs = openPrograms(watch.sightings);
	});
	afterAll(() => {
		programs.close();
		watch.close();
	});

	const model = openModelEngine();

	/** What cannot be seen is taken from the scenario. */
	const asSeen = (scenario: Scenario, snapshot: Snapshot): Host => {
		const { everHadRules = false } = scenario.router;
		return { everHadRules, ...hostOf(snapshot) };
	};

	test.for(Array.from({ length: worlds }, (_, world) => world))('%i', { timeout: 240_000 }, (world) => {
		let hosts: Hosts | undefined;
		try {
			for (let number = world * worldSize; number < world * worldSize + perWorld; number++) {
				const { datapath: _, ...scenario } = randomScenario(seed, number, { forceForwarding: false });
				if (hosts?.fits(scenario) !== true) {
					hosts?.close();
					const namespaces = { router: anonymousNamespace(), host: anonymousNamespace() };
					hosts = openHosts(scenario, namespaces, watch, programs);
				}
				hosts.set(scenario, true);
				const taken = inNamespace(hosts.namespaces.router, () => JSON.stringify(snapshotHere()));
				const snapshot = parseSnapshot(taken, `scenario ${number}`);
				const seen = model.try({ ...scenario, router: asSeen(scenario, snapshot) });
				const said = model.try(scenario);
				const places = ({ steps = [] }: Journey) => steps.map(({ where, device }) => [where, device]);
				expect([number, seen.outcome, places(seen)]).toEqual([number, said.outcome, places(said)]);
				expect(seen.traces).toEqual(said.traces);
			}
		} finally {
			hosts?.close();
		}
	});
});
