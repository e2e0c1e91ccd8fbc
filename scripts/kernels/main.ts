/**
 * `npm run test:kernels [-- [--only NAME,…] [VERSION…]]`: what entries.ts lists, run in guests with other
 * kernels. Exit status: 0 all passed or were skipped, 1 something failed or a kernel could not be tried,
 * 2 bad usage, 130 interrupted.
 */
import { parseArgs } from 'node:util';
import { EncapForwardError } from '../../src/error.ts';
import { type Entry, entries } from './entries.ts';
import { openKernels } from './kernels.ts';
import { defaultKernels } from './release.ts';
import { runKernel } from './run.ts';
import { kernelNotes, kernelTable, type Row, totals } from './table.ts';

/** Of one kernel: 2 GB of memory and a processor each. */
const guestsAtOnce = 2;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());

function usage(message: string): EncapForwardError {
	return new EncapForwardError('EF_USAGE', message);
}

function readArguments(): { readonly chosen: readonly Entry[]; readonly kernels: readonly string[] } {
	let parsed: ReturnType<typeof parse>;
	try {
		parsed = parse();
	} catch (error) {
		throw usage((error as Error).message);
	}
	const names = parsed.values.only?.split(',') ?? entries.map(({ name }) => name);
	const wrong = names.find((name) => !entries.some((entry) => entry.name === name));
	if (wrong !== undefined) {
		throw usage(`there is no "${wrong}" to run; there are: ${entries.map(({ name }) => name).join(', ')}`);
	}
	const kernels = parsed.positionals.length > 0 ? parsed.positionals : defaultKernels;
	return { chosen: entries.filter(({ name }) => names.includes(name)), kernels };
}

function parse() {
	return parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });
}

async function main(): Promise<void> {
	const { chosen, kernels } = readArguments();
	const { signal } = stop;
	const say = (text: string): void => console.error(text);
	const archive = await openKernels(say, signal);
	const rows: Row[] = [];
	for (const asked of kernels) {
		const start = performance.now();
		const seconds = (): number => (performance.now() - start) / 1000;
		try {
			const kernel = await archive.prepare(asked);
			say(`${asked}: ${kernel.release}, ready after ${seconds().toFixed(1)} s`);
			const ran = await runKernel(kernel, {
				entries: chosen,
				guests: Math.min(guestsAtOnce, chosen.length),
				signal,
				onRun: ({ name, passed, failed, skipped, seconds }) =>
					say(
						`${asked}: ${name}: ${passed} passed, ${failed.length} failed, ${skipped.length} skipped, ${seconds.toFixed(0)} s`,
					),
			});
			rows.push({ asked, ran, seconds: seconds() });
		} catch (error) {
			if (!(error instanceof EncapForwardError)) throw error;
			rows.push({ asked, ran: { error: `${error.message} [${error.code}]` }, seconds: seconds() });
			say(`${asked}: ${error.message} [${error.code}]`);
		}
	}
	const { passed, failed, skipped } = totals(rows);
	console.log(kernelTable(rows));
	for (const note of kernelNotes(rows)) console.log(note);
	console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
	process.exitCode = failed > 0 ? 1 : 0;
}

try {
	await main();
} catch (error) {
	if (stop.signal.aborted) {
		console.error('test:kernels: interrupted; what it had started is ended and removed [EF_INTERRUPTED]');
		process.exitCode = 130;
	} else if (error instanceof EncapForwardError) {
		console.error(`test:kernels: ${error.message} [${error.code}]`);
		process.exitCode = error.code === 'EF_USAGE' ? 2 : 1;
	} else throw error;
}
