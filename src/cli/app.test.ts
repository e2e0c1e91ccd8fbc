/** The command line as far as it goes without the kernel, in this process. */
import { run } from '@stricli/core';
import { expect, test } from 'vitest';
import { plain } from '../lab/table.ts';
import { packageVersion } from '../version.ts';
import { buildApp, completeArguments } from './app.ts';
import type { Context } from './context.ts';
import { asOurs } from './error-text.ts';

interface Ran {
	readonly stdout: string;
	readonly stderr: string;
	/** Codes and messages of what failed. */
	readonly failures: readonly string[];
}

async function runApp(...options: readonly string[]): Promise<Ran> {
	const written = { stdout: '', stderr: '' };
	const failures: string[] = [];
	const stream = (name: 'stdout' | 'stderr') => ({
		write: (text: string): void => {
			written[name] += text;
		},
	});
	const process = { stdout: stream('stdout'), stderr: stream('stderr') };
	const context: Context = {
		process,
		signal: new AbortController().signal,
		output: {
			lines: (lines) => process.stdout.write(lines.map((line) => `${line}\n`).join('')),
			json: (value) => process.stdout.write(`${JSON.stringify(value)}\n`),
			message: (text) => process.stderr.write(`${text}\n`),
			progress: () => undefined,
			style: plain,
		},
	};
	const app = buildApp((error) => {
		const { code, message } = asOurs(error);
		failures.push(`${code} ${message}`);
	});
	await run(app, completeArguments(options), context);
	return { stdout: written.stdout, stderr: written.stderr.trim(), failures };
}

test('--version is the package’s', async () => {
	expect(await runApp('--version')).toEqual({ stdout: `${packageVersion()}\n`, stderr: '', failures: [] });
});

test('--help names every command, and each command every option', async () => {
	expect((await runApp('--help')).stdout).toContain('lab');
	const lab = (await runApp('lab', '--help')).stdout;
	for (const command of ['up', 'ping', 'down']) expect(lab).toMatch(new RegExp(`\\b${command}\\b`));
	const options = (await runApp('lab', 'run', '--help')).stdout;
	for (const option of [
		...['hook', 'outer', 'inner', 'forwarding', 'source', 'rp-filter', 'accept-local', 'neighbour'],
		...['journey', 'pcap', 'expect', 'json'],
	]) {
		expect(options).toContain(`--${option}`);
	}
	expect((await runApp('lab', 'ping', '--help')).stdout).toContain('--count');
});

test.each([
	[['labb'], 'there is no command "labb"; did you mean lab?'],
	[['lab', '--huk', 'xdp'], 'there is no option --huk; did you mean --hook?'],
	[['lab', '--hook', 'xpd'], '--hook takes xdp or tc, not "xpd"; did you mean xdp?'],
	[['lab', '--outer', 'ipv5'], '--outer takes ipv4 or ipv6, not "ipv5"'],
	[['lab', '--hook'], 'hook'],
	[['lab', '--rp-filter', '3'], '--rp-filter takes 0, 1 or 2, not "3"'],
	[
		['lab', '--expect', 'forward'],
		'--expect takes forwarded or dropped, not "forward"; did you mean forwarded?',
	],
	[['lab', 'upp'], 'did you mean up'],
	[['lab', 'ping', '--count', '0'], '--count: "0" is not a number from 1 on'],
	[['lab', 'ping', '--count', '1e3'], '"1e3" is not a number'],
	[['lab', 'ping', '--count', '-1'], 'count'],
	[['lab', 'down', 'extra'], 'extra'],
	[['lab', '--pcap'], 'pcap'],
])('%j is refused in one line', async (options, part) => {
	const { stdout, stderr, failures } = await runApp(...options);
	expect(failures).toHaveLength(1);
	expect(failures[0]).toMatch(/^EF_USAGE [^\n]+$/);
	expect(failures[0]).toContain(part);
	expect([stdout, stderr]).toEqual(['', '']);
});

test('the word run may be left out', () => {
	expect(completeArguments(['lab'])).toEqual(['lab', 'run']);
	expect(completeArguments(['lab', '--json'])).toEqual(['lab', 'run', '--json']);
	for (const given of [[], ['lab', 'up'], ['lab', '--help'], ['--version'], ['lib', '--json']]) {
		expect(completeArguments(given)).toEqual(given);
	}
});

test('a lab cannot be two at once', async () => {
	const { failures } = await runApp('lab', 'up', '--outer', 'ipv4', '--outer', 'ipv6');
	expect(failures).toEqual([
		expect.stringMatching(/^EF_CONTRADICTION --outer is given with different values/),
	]);
});
