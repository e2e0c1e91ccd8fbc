/** How long the whole lab takes, how much memory, and whether it always says the same. */
import { fileURLToPath } from 'node:url';
import { EncapForwardError } from '../src/error.ts';
import { cellKey, chooseCells } from '../src/lab/cells.ts';
import type { LabJson } from '../src/lab/json.ts';
import type { Benchmark, Figure, Target } from './benchmark.ts';
import { command, missingCommand, spawnNode } from './command.ts';
import { median } from './statistics.ts';

const runs = 20;
const hook: string = fileURLToPath(new URL('peak-memory.cjs', import.meta.url));

interface LabRun {
	readonly seconds: number;
	readonly peakBytes: number;
	/** What became of each cell and why. */
	readonly results: ReadonlyMap<string, string>;
}

function runLab(): LabRun {
	const { milliseconds, stdout, extra } = spawnNode(['--require', hook, command, 'lab', '--json']);
	const { cells } = JSON.parse(stdout) as LabJson;
	const wanted = chooseCells().length;
	if (cells.length !== wanted) {
		throw new EncapForwardError(
			'EF_BUG',
			`the benchmark lab is void: ${cells.length} of ${wanted} cells reported`,
		);
	}
	const results = cells.map(
		(cell) => [cellKey(cell), `${cell.outcome} ${cell.cause} ${cell.reason}`] as const,
	);
	return { seconds: milliseconds / 1000, peakBytes: Number(extra), results: new Map(results) };
}

/** The cells that one run reports otherwise than another. */
function differences(one: LabRun, other: LabRun): string[] {
	return [...one.results]
		.filter(([cell, result]) => other.results.get(cell) !== result)
		.map(([cell, result]) => `${cell}: ${other.results.get(cell)}, then ${result}`);
}

export const lab: Benchmark = (progress) => {
	const missing = missingCommand();
	const done: LabRun[] = [];
	for (let run = 1; missing === undefined && run <= runs; run++) {
		progress(`run ${run} of ${runs}`);
		done.push(runLab());
	}
	const figure = (
		name: string,
		unit: string,
		target: Target,
		measure: () => number,
		note: string | undefined = missing,
	): Figure => ({
		name: 'lab',
		figure: name,
		unit,
		value: missing === undefined ? measure() : null,
		target,
		...(note === undefined ? {} : { note }),
	});
	const seconds = done.map((run) => run.seconds);
	const unlike = done.map((run) => differences(run, done[0] ?? run));
	return [
		figure('wall time, median', 's', { limit: '<=', value: 3 }, () => median(seconds)),
		figure('wall time, longest', 's', { limit: '<=', value: 3 }, () => Math.max(...seconds)),
		figure('peak resident memory', 'MB', { limit: '<=', value: 150 }, () => {
			return Math.max(...done.map((run) => run.peakBytes)) / 1e6;
		}),
		figure(
			'runs that say the same of every cell',
			'runs',
			{ limit: '>=', value: runs },
			() => unlike.filter((cells) => cells.length === 0).length,
			unlike.flat()[0] ?? missing,
		),
	];
};
