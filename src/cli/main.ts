#!/usr/bin/env node
/** The command `encap-forward`: from the process to a command and back to an exit status. */
import { run } from '@stricli/core';
import { EncapForwardError } from '../error.ts';
import { buildApp, completeArguments } from './app.ts';
import type { Context } from './context.ts';
import { asOurs, errorText, exitStatus } from './error-text.ts';
import { openOutput } from './output.ts';

const { stdout, stderr, env, argv } = process;
const options = argv.slice(2);
const asJson = options.includes('--json');
const stop = new AbortController();
let failure: EncapForwardError | undefined;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
	process.on(signal, () => stop.abort());
}
// A reader that goes away, such as `head`, ends the work; the first such error is the one to tell.
stdout.on('error', (cause: NodeJS.ErrnoException) => {
	const why = cause.code === 'EPIPE' ? 'its reader has gone (EPIPE)' : cause.code;
	failure ??= new EncapForwardError('EF_OUTPUT', `cannot write to stdout: ${why}`, { cause });
	stop.abort();
});
stderr.on('error', () => stop.abort());

const fail = (error: unknown): void => {
	failure ??= asOurs(error);
};
const context: Context = { process, output: openOutput({ stdout, stderr, env }), signal: stop.signal };
// Failures come to `fail`: what the argument scanner would write of them is left out.
const quietStderr = { write: (text: string) => void (text.trim() === '' || stderr.write(text)) };
await run(buildApp(fail), completeArguments(options), {
	...context,
	process: { stdout, stderr: quietStderr, env },
});
await new Promise<void>((resolve) => stdout.write('', () => resolve()));
if (failure !== undefined) {
	stderr.write(`${errorText(failure, asJson)}\n`);
	process.exitCode = exitStatus(failure);
}
