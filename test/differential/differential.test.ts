/** The differential test's budget in the gate, and that it finds and shrinks what is wrong. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/engines/engine.ts';
import type { Journey } from '../../src/journey/journey.ts';
import { requires } from '../needs.ts';
import { type Engines, openEngines, runDifferential, shrinkDisagreement } from './differential.ts';
import { parseScenario, scenarioJson } from './scenario-json.ts';
import { disagreementText } from './text.ts';

/** Scenarios of each seed: half of them the same in every run, half of them new. */
const budget = 500;

describe('the model and the kernel', { ...requires('root', 'ip'), timeout: 300_000 }, () => {
	let engines: Engines;
	beforeAll(() => {
		engines = openEngines();
	});
	afterAll(() => engines.close());

	test.for([1, Date.now() % 2 ** 32])('agree on random scenarios, seed %i', async (seed) => {
		const { disagreements, refused } = await runDifferential(engines, { seed, count: budget, most: 1 });
		const [first] = disagreements;
		const shown =
			first && `number ${first.number}:\n${disagreementText(await shrinkDisagreement(engines, first))}`;
		expect(shown, `seed ${seed}`).toBeUndefined();
		expect(refused, `seed ${seed}`).toEqual([]);
	});

	test('a model that lets in what rp_filter drops is found out, by a scenario that is small', async () => {
		const wrong: Engines = { ...engines, model: withoutReversePath(engines.model) };
		const { disagreements } = await runDifferential(wrong, { seed: 1, count: 500, most: 1 });
		const [found] = disagreements;
		expect(found).toBeDefined();
		if (found === undefined) return;
		const { scenario, linux } = await shrinkDisagreement(wrong, found);
		expect(linux.outcome).toMatchObject({ kind: 'dropped', cause: 'reverse-path' });
		const { router, datapath, links } = scenario;
		expect(datapath).toBeUndefined();
		expect(router.rules ?? []).toEqual([]);
		expect(router.neighbours).toEqual([]);
		expect(links.length).toBeLessThanOrEqual(2);
		// It takes rp_filter, what forwards, and a way to go.
		expect(Object.keys(router.sysctls).length).toBeLessThanOrEqual(2);
		expect(Object.keys(router.sysctls).some((name) => name.endsWith('.rp_filter'))).toBe(true);
		expect((router.routes ?? []).length).toBeLessThanOrEqual(2);
		// And it can be run again from its JSON.
		const again = parseScenario(scenarioJson(scenario));
		expect(again).toEqual(scenario);
		expect((await engines.linux.run(again)).outcome).toEqual(linux.outcome);
	});
});

function withoutReversePath(model: Engine): Engine {
	return {
		...model,
		run: async (scenario) => {
			const journey = await model.run(scenario);
			const { outcome } = journey;
			if (outcome.kind !== 'dropped' || outcome.cause !== 'reverse-path') return journey;
			return {
				...journey,
				outcome: { kind: 'vanished', afterMilliseconds: 0 },
			} satisfies Journey;
		},
	};
}
