/** The lab in the model is the lab on the running kernel: each cell, each sighting of the packet, each byte. */
import { release } from 'node:os';
import { expect, test } from 'vitest';
import { datapathObjects } from '../../../src/datapath/object-bytes.ts';
import { openLinuxEngine } from '../../../src/engines/linux/engine.ts';
import { openDatapaths } from '../../../src/engines/model/datapath.ts';
import { openModelEngine } from '../../../src/engines/model/engine.ts';
import type { Journey } from '../../../src/journey/journey.ts';
import { cellKey, chooseCells, dimensions, quickOrder } from '../../../src/lab/cells.ts';
import { exampleScenario } from '../../../src/scenario/example.ts';
import { requires } from '../../needs.ts';

/** All that must be the same of a journey, the packet's sightings with their bytes in order. */
function essence({ outcome, sightings }: Journey): unknown {
	return {
		outcome: outcome.kind === 'forwarded' ? { ...outcome, frame: hex(outcome.frame) } : outcome,
		sightings: sightings
			.filter(({ packet }) => packet)
			.map(({ after: _, frame, ...rest }) => ({ ...rest, frame: hex(frame) })),
	};
}

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('hex');
}

test('every cell, both inner families, is the same in the model as on the running kernel', {
	...requires('root', 'ip'),
	timeout: 120_000,
}, async () => {
	const model = openModelEngine({ kernel: release(), datapaths: openDatapaths(datapathObjects()) });
	const linux = openLinuxEngine();
	try {
		const cells = quickOrder(chooseCells({ inner: dimensions.inner }));
		expect(cells).toHaveLength(576);
		const ends = new Set<string>();
		for (const cell of cells) {
			const scenario = exampleScenario(cell, crypto.getRandomValues(new Uint8Array(32)));
			const seen = await linux.run(scenario);
			ends.add(seen.outcome.kind);
			expect(essence(await model.run(scenario)), cellKey(cell)).toEqual(essence(seen));
		}
		expect(ends).toEqual(new Set(['forwarded', 'dropped']));
	} finally {
		linux.close();
	}
});

test('other kernels have other reasons, and the same causes', async () => {
	const [cell] = chooseCells({ outer: ['ipv4'], forwarding: ['stack'], source: ['local'], acceptLocal: [0] });
	if (cell === undefined) throw new Error('no cell is left');
	const scenario = exampleScenario(cell, new Uint8Array(32).fill(7));
	const reasons = await Promise.all(
		['5.10.0', '5.15.0', '6.1.0', '6.12.0', '6.13.0', '7.2.0'].map(async (kernel) => {
			const { outcome } = await openModelEngine({ kernel, datapaths: openDatapaths(datapathObjects()) }).run(
				scenario,
			);
			return outcome.kind === 'dropped' ? `${kernel} ${outcome.reason} ${outcome.cause}` : outcome.kind;
		}),
	);
	expect(reasons).toEqual([
		'5.10.0 NOT_SPECIFIED source-is-local',
		'5.15.0 NOT_SPECIFIED source-is-local',
		'6.1.0 NOT_SPECIFIED source-is-local',
		'6.12.0 NOT_SPECIFIED source-is-local',
		'6.13.0 IP_LOCAL_SOURCE source-is-local',
		'7.2.0 IP_LOCAL_SOURCE source-is-local',
	]);
});
