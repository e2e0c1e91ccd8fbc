/** What the command says and answers when it is misused, or when its output goes nowhere. */
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { requires } from '../needs.ts';
import { commandPath, ended, errorCode, runCommand, startCommand, uniqueName } from '../support/command.ts';

test.each([
	[['lab', '--hook', 'xpd'], 'EF_USAGE', 'did you mean xdp?'],
	[['lab', '--outer', 'ipx'], 'EF_USAGE', 'ipv4 or ipv6'],
	[['lba'], 'EF_USAGE', 'did you mean lab?'],
	[['lab', '--huk', 'tc'], 'EF_USAGE', 'did you mean --hook?'],
	[['lab', 'up', '--hook', 'xdp', '--hook', 'tc'], 'EF_CONTRADICTION', '--hook'],
	[['lab', 'up', '--rp-filter', '0', '--rp-filter', '2'], 'EF_CONTRADICTION', '--rp-filter'],
	[['lab', 'ping', '--count', 'many'], 'EF_USAGE', '--count'],
])('%j is bad usage', async (options, code, part) => {
	const [run, asJson] = await Promise.all([runCommand(options), runCommand([...options, '--json'])]);
	expect([run.status, errorCode(run)]).toEqual([2, code]);
	expect(run.stderr).toContain(part);
	expect(run.stderr.split('\n')).toHaveLength(2);
	expect([asJson.status, asJson.stdout]).toEqual([2, '']);
	expect(JSON.parse(asJson.stderr)).toMatchObject({
		error: { code, message: expect.stringContaining(part) },
	});
});

test('--version and --help are no errors, and no command at all shows the help', async () => {
	for (const options of [['--version'], ['--help'], ['lab', '--help'], []]) {
		const { status, stdout, stderr } = await runCommand(options);
		expect([status, stderr]).toEqual([0, '']);
		expect(stdout).not.toBe('');
	}
});

describe('on the running kernel', requires('root', 'ip'), () => {
	const one = ['--hook', 'xdp', '--outer', 'ipv4', '--forwarding', 'stack', '--source', 'local'];
	const dropped = [...one, '--rp-filter', '0', '--accept-local', '0', '--neighbour', 'known'];
	const forwarded = [...one, '--rp-filter', '0', '--accept-local', '1', '--neighbour', 'known'];

	test.each([
		[forwarded, 'forwarded', 0],
		[dropped, 'dropped', 0],
		[forwarded, 'dropped', 1],
		[dropped, 'forwarded', 1],
	] as const)('--expect: %j %s gives %i', async (options, expected, status) => {
		const run = await runCommand(['lab', ...options, '--expect', expected]);
		expect(run.status).toBe(status);
		// The result is told in any case.
		expect(run.stdout).toContain('1 cell in ');
		if (status === 0) expect(run.stderr).toBe('');
		else expect(run.stderr).toMatch(/^encap-forward: expected .* \[EF_EXPECTATION\]\n$/);
	});

	test('the example as an object, as documented', async () => {
		const { status, stdout, stderr } = await runCommand(['lab', ...dropped, '--json']);
		expect([status, stderr]).toEqual([0, '']);
		expect(stdout.endsWith('\n') && stdout.trim().includes('\n')).toBe(false);
		const { cells, ...head } = JSON.parse(stdout);
		expect(Object.keys(head)).toEqual(['engine', 'kernel', 'elapsedMs']);
		expect(cells).toEqual([
			{
				hook: 'xdp',
				outer: 'ipv4',
				inner: 'ipv6',
				forwarding: 'stack',
				source: 'local',
				rpFilter: 0,
				acceptLocal: 0,
				neighbour: 'known',
				outcome: 'dropped',
				reason: expect.stringMatching(/^(IP_LOCAL_SOURCE|NOT_SPECIFIED)$/),
				where: 'ip_rcv_finish_core',
				cause: 'source-is-local',
				explanation: expect.stringContaining('10.11.2.2'),
				fix: [{ sysctl: 'net.ipv4.conf.veth0.accept_local', from: 0, to: 1 }],
			},
		]);
	});

	test('a capture file that cannot be written is found out before anything is tried', async () => {
		const run = await runCommand(['lab', '--pcap', '/nonexistent/lab.pcapng']);
		expect([run.status, errorCode(run)]).toEqual([1, 'EF_FILE']);
		expect(run.stderr).toContain('/nonexistent/lab.pcapng: ENOENT');
	});

	test('a failed run leaves no capture file, and one that was there as it was', async () => {
		const folder = mkdtempSync(join(tmpdir(), 'lab-'));
		try {
			const env = { ...process.env, ENCAP_FORWARD_LIBBPF: '/nonexistent' };
			writeFileSync(join(folder, 'kept.pcapng'), 'before');
			for (const name of ['lab.pcapng', 'kept.pcapng']) {
				const run = await runCommand(['lab', '--engine', 'linux', '--pcap', join(folder, name)], { env });
				expect([run.status, errorCode(run)]).toEqual([1, 'EF_NO_LIBBPF']);
			}
			expect(readdirSync(folder)).toEqual(['kept.pcapng']);
			expect(readFileSync(join(folder, 'kept.pcapng'), 'utf8')).toBe('before');
		} finally {
			rmSync(folder, { recursive: true });
		}
	});

	test('a capture file on a full disk, or that is no file', async () => {
		const full = await runCommand(['lab', ...dropped, '--pcap', '/dev/full']);
		expect([full.status, errorCode(full)]).toEqual([1, 'EF_FILE']);
		expect(full.stderr).toContain('/dev/full: ENOSPC');
		expect(await runCommand(['lab', ...dropped, '--pcap', '/dev/null'])).toMatchObject({
			status: 0,
			stderr: '',
		});
		const folder = await runCommand(['lab', '--pcap', tmpdir()]);
		expect([folder.status, errorCode(folder)]).toEqual([1, 'EF_FILE']);
	});

	test('a reader that goes away ends it with a word on stderr', async () => {
		for (const options of [
			['lab', '--hook', 'tc'],
			['lab', '--hook', 'xdp', '--json', '--journey'],
		]) {
			const child = startCommand(options);
			const end = ended(child);
			child.stdout?.destroy();
			const { status, stderr } = await end;
			expect(status).toBe(1);
			expect(stderr).toMatch(/EF_OUTPUT/);
			expect(stderr.trim().split('\n')).toHaveLength(1);
		}
	});

	test('a full disk under stdout is an error', async () => {
		const full = openSync('/dev/full', 'w');
		for (const options of [['lab', ...dropped], ['--version'], ['lab', '--help']]) {
			const { status, stderr } = await runCommand(options, { stdio: ['ignore', full, 'pipe'] });
			expect({ options, status, stderr }).toEqual({
				options,
				status: 1,
				stderr: expect.stringMatching(/^encap-forward: .*ENOSPC.* \[EF_OUTPUT\]\n$/),
			});
		}
	});

	test('a closed stderr does not stop the result', async () => {
		const child = startCommand(['lab', ...dropped]);
		const end = ended(child);
		child.stderr?.destroy();
		expect((await end).stdout).toContain('1 cell in ');
	});

	test('a lab that is not up, and names that cannot be', async () => {
		const name = uniqueName();
		const ping = await runCommand(['lab', 'ping', '--name', name]);
		expect([ping.status, errorCode(ping)]).toEqual([1, 'EF_NOT_UP']);
		expect(ping.stderr).toContain(`lab up --name ${name}`);
		const down = await runCommand(['lab', 'down', '--name', name]);
		expect([down.status, down.stderr]).toEqual([0, '']);
		const named = (command: string, bad: string) => runCommand(['lab', command, '--name', bad]);
		const runs = [
			...['../x', 'a b', '', 'x'.repeat(65), 'ä'].map((bad) => named('up', bad)),
			named('ping', '../x'),
			named('down', '../x'),
		];
		for (const run of await Promise.all(runs)) expect([run.status, errorCode(run)]).toEqual([2, 'EF_USAGE']);
	});
});

describe('at a terminal', requires('root', 'ip'), () => {
	const options = 'lab --hook tc --outer ipv4 --forwarding stack --source local';
	const escapeCharacter = String.fromCharCode(0x1b);

	/** What a terminal gets to see, stdout and stderr together (script(1)). */
	async function seen(environment: Readonly<Record<string, string>>): Promise<string> {
		const line = `${process.execPath} ${commandPath} ${options}`;
		// Node.js shows no colours where CI is set.
		const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...others } = process.env;
		const env = { ...others, ...environment };
		const child = spawn('script', ['-qec', line, '/dev/null'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
		const { status, stdout } = await ended(child);
		expect(status).toBe(0);
		return stdout;
	}

	test('there is progress, which is gone in the end, and colour', async () => {
		const text = await seen({ TERM: 'xterm' });
		expect(text).toMatch(/\d+ of 12 cells/);
		expect(text.lastIndexOf(`\r${escapeCharacter}[2K`)).toBeGreaterThan(text.lastIndexOf('of 12 cells'));
		expect(text).toContain(`${escapeCharacter}[32m✓`);
	});

	test.each([{ TERM: 'xterm', NO_COLOR: '1' }, { TERM: 'dumb' }])('%j: no colour', async (environment) => {
		const text = await seen(environment);
		const sequences = text.split(escapeCharacter).slice(1);
		expect(sequences.filter((sequence) => /^\[[0-9;]*m/.test(sequence))).toEqual([]);
		if (environment.TERM === 'dumb') expect(sequences).toEqual([]);
		expect(text).toContain('✗ IP_');
	});

	test('what is no terminal gets neither', async () => {
		const { stdout, stderr } = await runCommand(options.split(' '), {
			env: { ...process.env, TERM: 'xterm' },
		});
		expect(stderr).toBe('');
		expect(stdout).not.toContain(escapeCharacter);
	});
});
