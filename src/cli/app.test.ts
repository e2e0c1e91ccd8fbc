/** The command line as far as it goes without the kernel, in this process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '@stricli/core';
import { expect, onTestFinished, test } from 'vitest';
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
			renew: undefined,
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
	const help = (await runApp('--help')).stdout;
	for (const command of ['lab', 'check', 'up', 'status', 'reload', 'down', 'metrics'])
		expect(help).toContain(command);
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
	[['up'], 'config'],
	[['metrics', '--listen', '9810'], '"9810" is no ADDRESS:PORT'],
])('%j is refused in one line', async (options, part) => {
	const { stdout, stderr, failures } = await runApp(...options);
	expect(failures).toHaveLength(1);
	expect(failures[0]).toMatch(/^EF_USAGE [^\n]+$/);
	expect(failures[0]).toContain(part);
	expect([stdout, stderr]).toEqual(['', '']);
});

/** A folder of its own with these files, for as long as the test runs. */
function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
	const folder = mkdtempSync(join(tmpdir(), 'encap-forward-'));
	onTestFinished(() => rmSync(folder, { recursive: true }));
	for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
	return folder;
}

const configuration = `interfaces: [eth0, eth1]
egress: [eth1]
tunnels:
  - { match: 10.0.0.0/8, encapsulation: ip, source: 192.0.2.1, destination: 192.0.2.2 }
tunnelFiles:
  - { file: many.txt, encapsulation: vxlan, source: "2001:db8::1" }
decapsulate:
  - { encapsulation: gre, local: 192.0.2.1, key: 7 }
`;

test('check says in words what a configuration says', async () => {
	const many = Array.from(
		{ length: 1500 },
		(_, index) => `11.0.${index >> 8}.${index & 255} 2001:db8::2 vni=${index}`,
	);
	const folder = folderOf({ 'a.yaml': configuration, 'many.txt': many.join('\n') });
	const file = join(folder, 'a.yaml');
	expect(await runApp('check', file)).toEqual({
		stdout: `${file} is valid.
  interfaces     eth0, eth1
  hook           XDP with TC behind it where the device takes XDP, TC alone elsewhere
  XDP mode       by the driver where it can, by the kernel elsewhere
  egress         eth1
  tunnels        1,501
                 1 ip, IPv4 in IPv4
                 1,500 vxlan, IPv4 in IPv6
  tunnel files   many.txt
  decapsulation  gre at 192.0.2.1 key 7
`,
		stderr: '',
		failures: [],
	});
	expect(JSON.parse((await runApp('check', file, '--json')).stdout)).toEqual({
		file,
		tunnels: {
			count: 1501,
			kinds: [
				{ encapsulation: 'ip', inner: 'ipv4', outer: 'ipv4', count: 1 },
				{ encapsulation: 'vxlan', inner: 'ipv4', outer: 'ipv6', count: 1500 },
			],
		},
		configuration: expect.objectContaining({ hook: 'automatic', egress: ['eth1'] }),
	});
});

test('check names the place of a mistake, in the configuration and in the files it names', async () => {
	const folder = folderOf({
		'a.yaml': configuration,
		'many.txt': '10.0.0.0/8 2001:db8::2 vni=1\n',
		'b.yaml': 'x',
	});
	expect((await runApp('check', join(folder, 'a.yaml'))).failures).toEqual([
		`EF_CONFIGURATION ${folder}/many.txt:1:1: match: 10.0.0.0/8 has a tunnel already, at ${folder}/a.yaml:4:14; remove one`,
	]);
	expect((await runApp('check', join(folder, 'b.yaml'))).failures).toEqual([
		`EF_CONFIGURATION ${folder}/b.yaml:1:1: "x" is text; give a mapping of members such as interfaces and tunnels`,
	]);
	expect((await runApp('check', join(folder, 'none.yaml'))).failures).toEqual([
		`EF_FILE cannot read the configuration file ${folder}/none.yaml: ENOENT; correct its name or its permissions`,
	]);
	expect((await runApp('check', folder)).failures).toEqual([expect.stringMatching(/^EF_FILE .*: EISDIR/)]);
	expect((await runApp('check')).failures).toEqual([expect.stringMatching(/^EF_USAGE /)]);
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
