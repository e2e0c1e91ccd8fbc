/** How many scenarios a second the kernel and the model of it are both asked about, and how often they disagree. */
import { openEngines, runDifferential } from '../test/differential/differential.ts';
import type { Benchmark } from './benchmark.ts';

const seed = 1;
const count = 1000;

export const differential: Benchmark = async (progress) => {
	const engines = openEngines();
	try {
		const { scenarios, seconds, disagreements, refused } = await runDifferential(engines, {
			seed,
			count,
			onScenario: (done) => progress(`scenario ${done} of ${count}`),
		});
		const figure = { name: 'differential', unit: '1/s', value: Math.round(scenarios / seconds) };
		return [
			{ ...figure, figure: 'scenarios through both engines' },
			{
				name: 'differential',
				figure: 'disagreements',
				unit: `of ${scenarios}`,
				value: disagreements.length + refused.length,
				target: { limit: '<=', value: 0 },
			},
		];
	} finally {
		engines.close();
	}
};
