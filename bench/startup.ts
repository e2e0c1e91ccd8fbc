/** How long the command takes to start, held against Node itself. */
import type { Benchmark, Target } from './benchmark.ts';
import { command, missingCommand, spawnNode } from './command.ts';
import { median, spread } from './statistics.ts';

const pairs = 20;
const warmUps = 2;
const target: Target = { limit: '<=', value: 2 };

const figures = ['ratio of medians', 'median of ratios'] as const;

export const startup: Benchmark = (progress) => {
	const figure = (index: 0 | 1, value: number | null, note: string) => ({
		name: 'startup',
		figure: `--version / node -e 0, ${figures[index]}`,
		value,
		unit: 'ratio',
		target,
		note,
	});
	const missing = missingCommand();
	if (missing !== undefined) return [figure(0, null, missing), figure(1, null, missing)];

	const version: number[] = [];
	const empty: number[] = [];
	for (let pair = -warmUps; pair < pairs; pair++) {
		progress(`pair ${Math.max(pair + 1, 0)} of ${pairs}`);
		const ours = spawnNode([command, '--version']).milliseconds;
		const node = spawnNode(['-e', '0']).milliseconds;
		if (pair < 0) continue;
		version.push(ours);
		empty.push(node);
	}
	const ratios = version.map((milliseconds, pair) => milliseconds / (empty[pair] ?? Number.NaN));
	const medians = [version, empty].map((values) => `${median(values).toFixed(0)} ms`).join(' / ');
	return [figure(0, median(version) / median(empty), medians), figure(1, median(ratios), spread(ratios))];
};
