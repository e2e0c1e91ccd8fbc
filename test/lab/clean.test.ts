/** The host is sacred: whatever becomes of a lab, nothing of it remains and nothing else has changed. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { requires } from '../needs.ts';
import { run, start } from '../support/command.ts';
import { bpfGone, hostState, ourBpf } from '../support/host.ts';

const name = `ef-test-${process.pid}`;

function later(milliseconds: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

describe('the host before and after', requires('root', 'ip', 'bpftool'), () => {
	let before: ReturnType<typeof hostState>;
	let bpfBefore: string[];

	beforeEach(() => {
		before = hostState();
		bpfBefore = ourBpf();
	});

	afterAll(() => {
		run(['lab', 'down', '--name', name]);
	});

	const unchanged = async (): Promise<void> => {
		expect(hostState()).toEqual(before);
		expect(await bpfGone(bpfBefore)).toEqual([]);
	};

	test('a whole lab', async () => {
		expect(run(['lab', '--json']).status).toBe(0);
		await unchanged();
	});

	test('a lab whose expectation fails', async () => {
		expect(run(['lab', '--outer', 'ipv4', '--forwarding', 'stack', '--expect', 'forwarded']).status).toBe(1);
		await unchanged();
	});

	test('Ctrl-C at any moment', { timeout: 120_000 }, async () => {
		for (const moment of [60, 120, 180, 250, 350, 500, 700]) {
			const { child, ended } = start(['lab']);
			await later(moment);
			child.kill('SIGINT');
			// Before the command listens, the signal ends the process itself; after the lab, it is done.
			expect([130, 0, null]).toContain(await ended);
		}
		await unchanged();
	});

	test('kill -9 at any moment', { timeout: 120_000 }, async () => {
		for (const moment of [60, 120, 180, 250, 350, 500, 700]) {
			const { child, ended } = start(['lab']);
			await later(moment);
			child.kill('SIGKILL');
			await ended;
		}
		await unchanged();
	});

	test('lab up killed at any moment is cleared by the next command', { timeout: 120_000 }, async () => {
		for (const moment of [100, 150, 180, 200, 220, 240, 260, 280, 300, 350]) {
			const { child, ended } = start(['lab', 'up', '--name', name]);
			await later(moment);
			child.kill('SIGKILL');
			await ended;
			// Where the kill came after the end, the lab is up, and that is what was asked for.
			run(['lab', 'down', '--name', name]);
			expect(hostState().namespaces).toBe(before.namespaces);
			expect(hostState().notes).toBe(before.notes);
		}
		await unchanged();
	});

	test('up and down, each twice', async () => {
		expect(run(['lab', 'up', '--name', name]).status).toBe(0);
		expect(run(['lab', 'up', '--name', name, '--forwarding', 'fib']).status).toBe(0);
		expect(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })).toContain(`${name}-router`);
		expect(run(['lab', 'down', '--name', name]).stdout).toContain('is removed');
		const again = run(['lab', 'down', '--name', name]);
		expect(again.status).toBe(0);
		expect(again.stdout).toContain('nothing to remove');
		await unchanged();
	});

	test('down after somebody deleted a namespace by hand', async () => {
		run(['lab', 'up', '--name', name]);
		execFileSync('ip', ['netns', 'delete', `${name}-host`]);
		expect(run(['lab', 'ping', '--name', name, '--count', '1']).stderr).toContain('EF_NOT_UP');
		expect(run(['lab', 'down', '--name', name]).status).toBe(0);
		await unchanged();
	});

	test('a namespace that is not ours is refused and left alone', () => {
		execFileSync('ip', ['netns', 'add', `${name}-host`]);
		try {
			const refused = run(['lab', 'up', '--name', name]);
			expect(refused.status).toBe(1);
			expect(refused.stderr).toContain('EF_EXISTS');
			run(['lab', 'down', '--name', name]);
			expect(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })).toContain(`${name}-host`);
		} finally {
			execFileSync('ip', ['netns', 'delete', `${name}-host`]);
		}
		expect(hostState()).toEqual(before);
	});

	test('two labs at once do not disturb each other', async () => {
		const outcomes = (json: string): unknown[] =>
			(
				JSON.parse(json) as { cells: { outcome: string; reason: string | null; cause: string | null }[] }
			).cells.map(({ outcome, reason, cause }) => [outcome, reason, cause]);
		const alone = outcomes(run(['lab', '--json']).stdout);
		const { execFile } = await import('node:child_process');
		const { commandFile } = await import('../support/command.ts');
		const both = await Promise.all(
			[1, 2].map(
				() =>
					new Promise<string>((resolve, reject) => {
						execFile(
							process.execPath,
							[commandFile, 'lab', '--json'],
							{ maxBuffer: 1 << 26 },
							(error, stdout) => (error ? reject(error) : resolve(stdout)),
						);
					}),
			),
		);
		for (const json of both) expect(outcomes(json)).toEqual(alone);
		await unchanged();
	});
});
