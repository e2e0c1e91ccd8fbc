/**
 * `npm run bench [-- [--json] [name…]]`: runs benchmarks and prints each figure with the limit it is held
 * to. Exit status: 0 all limits are kept, 1 one is not or a benchmark failed, 2 bad usage.
 */
import { EncapForwardError } from '../src/error.ts';
import { type Benchmark, type Figure, isReached } from './benchmark.ts';
import { differential } from './differential.ts';
import { engine } from './engine.ts';
import { explaining } from './explain.ts';
import { lab } from './lab.ts';
import { million } from './million.ts';
import { model } from './model.ts';
import { rate } from './rate.ts';
import { figureJson, figureTable } from './render.ts';
import { startup } from './startup.ts';
import { streaming } from './stream.ts';
import { trace } from './trace.ts';

const benchmarks: Readonly<Record<string, Benchmark>> = {
	rate,
	million,
	stream: streaming,
	startup,
	lab,
	engine,
	model,
	explain: explaining,
	trace,
	differential,
};

function readNames(options: readonly string[]): readonly string[] {
	const wrong = options.find((option) => option !== '--json' && !Object.hasOwn(benchmarks, option));
	if (wrong !== undefined) {
		const known = Object.keys(benchmarks).join(', ');
		throw new EncapForwardError('EF_USAGE', `there is no benchmark "${wrong}"; there are: ${known}`);
	}
	const names = options.filter((option) => option !== '--json');
	return names.length > 0 ? names : Object.keys(benchmarks);
}

/** Progress overwrites itself on a terminal and is left out elsewhere. */
function showProgress(text: string): void {
	if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

async function runAll(names: readonly string[], asJson: boolean): Promise<readonly Figure[]> {
	const all: Figure[] = [];
	for (const name of names) {
		const figures = (await benchmarks[name]?.((message) => showProgress(`${name}: ${message}`))) ?? [];
		showProgress('');
		if (!asJson) console.log(`${figureTable(figures)}\n`);
		all.push(...figures);
	}
	return all;
}

const options = process.argv.slice(2);
const asJson = options.includes('--json');
try {
	const figures = await runAll(readNames(options), asJson);
	if (asJson) console.log(JSON.stringify(figures.map(figureJson), null, '\t'));
	process.exitCode = figures.every((figure) => isReached(figure) !== false) ? 0 : 1;
} catch (error) {
	showProgress('');
	if (!(error instanceof EncapForwardError)) throw error;
	console.error(`${error.code}: ${error.message}${error.detail === undefined ? '' : `\n${error.detail}`}`);
	process.exitCode = error.code === 'EF_USAGE' ? 2 : 1;
}
