/**
 * `npm run fuzz [-- [--seed N] [--frames N]]`: random frames through both hooks, without end unless told how
 * many. Exit status: 0 nothing was found, 1 something was, 2 bad usage.
 */
import { parseArgs } from 'node:util';
import { type Finding, fuzz } from './fuzz.ts';

function numberOf(text: string | undefined, otherwise: number): number {
	if (text === undefined) return otherwise;
	const number = Number(text);
	if (Number.isSafeInteger(number) && number > 0) return number;
	console.error(`"${text}" is no whole number above 0`);
	process.exit(2);
}

function findingText({ index, frame, problem }: Finding): string {
	const bytes = Buffer.from(frame).toString('hex');
	const shown = bytes.length > 400 ? `${bytes.slice(0, 400)}… (${frame.length} bytes)` : bytes;
	return `frame ${index}: ${problem}\n  ${shown}`;
}

const { values } = parseArgs({ options: { seed: { type: 'string' }, frames: { type: 'string' } } });
const seed = numberOf(values.seed, 1 + Math.floor(Math.random() * 0x7fffffff));
const frames = numberOf(values.frames, Number.MAX_SAFE_INTEGER);
let interrupted = false;
process.on('SIGINT', () => {
	interrupted = true;
});
const start = performance.now();
const result = fuzz({
	seed,
	frames,
	progress: (done) => {
		const rate = Math.round(done / ((performance.now() - start) / 1000));
		if (process.stderr.isTTY)
			process.stderr.write(`\r\u001b[Kseed ${seed}: ${done} frames, ${rate} a second`);
		return !interrupted;
	},
});
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
for (const finding of result.findings) console.log(findingText(finding));
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(`seed ${seed}: ${result.frames} frames in ${seconds} s, ${result.findings.length} findings`);
for (const [outcome, count] of [...result.outcomes].sort())
	console.log(`${String(count).padStart(10)} ${outcome}`);
process.exitCode = result.findings.length === 0 ? 0 : 1;
