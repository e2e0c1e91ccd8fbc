/** The host is left as it was: whatever becomes of a lab, nothing of it remains and nothing else has changed. */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, statSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { requires } from '../needs.ts';
import { type Ended, ended, errorCode, runCommand, startCommand, uniqueName } from '../support/command.ts';
import { type HostState, hostState, newBpf, ourBpf, processesIn } from '../support/host.ts';

/** So many moments spread over a time, none of them the same in two runs. */
function moments(count: number, milliseconds: number): number[] {
	return Array.from({ length: count }, (_, index) =>
		Math.round(((index + Math.random()) * milliseconds) / count),
	);
}

/** As much of the lab as has all that it sets up. */
const part = ['lab', '--outer', 'ipv4', '--hook', 'xdp'];

/** End a command with a signal after a time, if it has not ended by itself. */
async function endAfter(
	options: readonly string[],
	milliseconds: number,
	signal: NodeJS.Signals,
): Promise<Ended['status']> {
	const child = startCommand(options);
	const timer = setTimeout(() => child.kill(signal), milliseconds);
	const { status } = await ended(child);
	clearTimeout(timer);
	return status;
}

function namespaces(): string {
	return execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
}

async function outcomesOf(options: readonly string[]): Promise<string[]> {
	const { stdout } = await runCommand([...options, '--json']);
	const { cells } = JSON.parse(stdout) as {
		cells: Record<'outcome' | 'reason' | 'where' | 'cause', string>[];
	};
	return cells.map(({ outcome, reason, where, cause }) => `${outcome} ${reason} ${where} ${cause}`);
}

describe('the host before and after', requires('root', 'ip', 'ping', 'bpftool'), () => {
	let before: HostState;
	let bpfBefore: readonly string[];
	/** How long the commands take here, so that moments are spread over all of it. */
	const takes = { lab: 0, up: 0 };
	let name: string;

	const down = (): Promise<Ended> => runCommand(['lab', 'down', '--name', name]);
	const up = (...more: readonly string[]): Promise<Ended> =>
		runCommand(['lab', 'up', '--name', name, ...more]);

	beforeAll(async () => {
		name = uniqueName();
		for (const [command, options] of [
			['lab', part],
			['up', ['lab', 'up', '--name', name]],
		] as const) {
			const begin = performance.now();
			expect(await runCommand(options)).toMatchObject({ status: 0, stderr: '' });
			takes[command] = performance.now() - begin;
		}
		expect(await down()).toMatchObject({ status: 0 });
	});
	beforeEach(() => {
		before ??= hostState();
		bpfBefore ??= ourBpf();
		name = uniqueName();
	});
	afterEach(async () => {
		if (existsSync(`/run/encap-forward/${name}.json`)) await down();
		const [after, bpfAfter] = [hostState(), await newBpf(bpfBefore)];
		const expected = before;
		// What one test leaves behind is not held against the next.
		before = after;
		bpfBefore = [...bpfBefore, ...bpfAfter];
		expect(after).toEqual(expected);
		expect(bpfAfter).toEqual([]);
	});

	test('a whole lab, and one whose expectation fails', async () => {
		expect(await runCommand(['lab', '--journey'])).toMatchObject({ status: 0 });
		expect(await runCommand(['lab', '--outer', 'ipv4', '--expect', 'forwarded'])).toMatchObject({
			status: 1,
		});
	});

	test('Ctrl-C at any moment of a lab', async () => {
		for (const moment of moments(3, takes.lab)) {
			// Before the command listens the signal itself ends it; after the lab it is done.
			expect(['SIGINT', 130, 0]).toContain(await endAfter(part, moment, 'SIGINT'));
		}
	});

	test('kill -9 at any moment of a lab', async () => {
		for (const moment of moments(3, takes.lab)) await endAfter(part, moment, 'SIGKILL');
		expect(await newBpf(bpfBefore)).toEqual([]);
	});

	test('lab up killed at any moment, then lab down', async () => {
		for (const moment of moments(5, takes.up)) {
			const status = await endAfter(['lab', 'up', '--name', name], moment, 'SIGKILL');
			expect(await down()).toMatchObject({ status: 0, stderr: '' });
			expect({ moment, status, ...hostState() }).toMatchObject(before);
		}
	});

	test('lab up killed at any moment, then another lab, or lab up again', async () => {
		const after = [part, ['lab', 'up', '--name', name]];
		for (const [index, moment] of moments(4, takes.up).entries()) {
			const status = await endAfter(['lab', 'up', '--name', name], moment, 'SIGKILL');
			expect(await runCommand(after[index % 2] ?? [])).toMatchObject({ status: 0, stderr: '' });
			await down();
			expect({ moment, status, ...hostState() }).toMatchObject(before);
		}
	});

	test('a name that was cut short on its way, a file without a namespace, is removed', async () => {
		expect(await up()).toMatchObject({ status: 0 });
		const file = `/run/netns/${name}-host`;
		// As `ip netns` leaves it when its process dies between making the file and mounting the namespace on it.
		execFileSync('umount', ['-l', file]);
		expect(await down()).toMatchObject({ status: 0, stderr: '' });
		const left = existsSync(file);
		if (left) rmSync(file);
		expect(left).toBe(false);
	});

	test('Ctrl-C at any moment of lab up and lab down', async () => {
		for (const moment of moments(3, takes.up)) {
			await endAfter(['lab', 'up', '--name', name], moment, 'SIGINT');
			await endAfter(['lab', 'down', '--name', name], moment, 'SIGINT');
			await down();
			expect(namespaces()).toBe(before.namespaces);
		}
	});

	test('lab down killed at any moment is taken up again', async () => {
		for (const moment of moments(3, takes.up)) {
			expect(await up()).toMatchObject({ status: 0 });
			await endAfter(['lab', 'down', '--name', name], moment, 'SIGKILL');
			expect(await down()).toMatchObject({ status: 0, stderr: '' });
			expect(namespaces()).toBe(before.namespaces);
		}
	});

	test('up and down, each twice', async () => {
		expect(await up()).toMatchObject({ status: 0, stderr: '' });
		expect(await up('--forwarding', 'fib')).toMatchObject({ status: 0, stderr: '' });
		expect(namespaces()).toContain(`${name}-router`);
		expect((await down()).stdout).toContain('is removed');
		const again = await down();
		expect([again.status, again.stderr]).toEqual([0, '']);
		expect(again.stdout).toContain('nothing to remove');
	});

	test('the same name by two at once: the one that loses says so', async () => {
		const both = await Promise.all([up(), up()]);
		const [won, lost] = both.toSorted((a, b) => Number(a.status) - Number(b.status));
		expect(won).toMatchObject({ status: 0 });
		if (lost?.status !== 0) expect(['EF_BUSY', 'EF_EXISTS']).toContain(lost && errorCode(lost));
		expect(await runCommand(['lab', 'ping', '--name', name, '--count', '1'])).toMatchObject({ status: 0 });
	});

	test('a ping that is ended leaves the lab up; one that is killed leaves nothing and keeps nobody from it', async () => {
		expect(await up()).toMatchObject({ status: 0 });
		const namespace = statSync(`/run/netns/${name}-host`).ino;
		const ping = ['lab', 'ping', '--name', name];
		expect(await endAfter(ping, 700, 'SIGINT')).toBe(0);
		expect(await endAfter(ping, 700, 'SIGKILL')).toBe('SIGKILL');
		expect(await runCommand([...ping, '--count', '1'])).toMatchObject({ status: 0 });
		await down();
		// The program that the killed one ran is to go, too.
		const left = processesIn(namespace);
		for (const pid of left) process.kill(pid);
		expect(left).toEqual([]);
	});

	test('one ping at a time', async () => {
		expect(await up()).toMatchObject({ status: 0 });
		const ping = ['lab', 'ping', '--name', name, '--count', '2'];
		const both = await Promise.all([runCommand(ping), runCommand(ping)]);
		const [won, lost] = both.toSorted((a, b) => Number(a.status) - Number(b.status));
		expect(won?.status).toBe(0);
		expect(lost && errorCode(lost)).toBe('EF_BUSY');
	});

	test('lab down after somebody deleted a namespace by hand', async () => {
		for (const side of ['host', 'router']) {
			expect(await up()).toMatchObject({ status: 0 });
			execFileSync('ip', ['netns', 'delete', `${name}-${side}`]);
			const ping = await runCommand(['lab', 'ping', '--name', name, '--count', '1']);
			expect([ping.status, errorCode(ping)]).toEqual([1, 'EF_NOT_UP']);
			expect(await down()).toMatchObject({ status: 0, stderr: '' });
			expect(namespaces()).toBe(before.namespaces);
		}
	});

	test('a namespace of the same name that is not ours is refused and left alone', async () => {
		const others = `${name}-host`;
		execFileSync('ip', ['netns', 'add', others]);
		try {
			const refused = await up();
			expect([refused.status, errorCode(refused)]).toEqual([1, 'EF_EXISTS']);
			expect(await down()).toMatchObject({ status: 0 });
			expect(namespaces()).toContain(others);
			// Neither is one that took the place of ours.
			execFileSync('ip', ['netns', 'delete', others]);
			expect(await up()).toMatchObject({ status: 0 });
			execFileSync('ip', ['netns', 'delete', others]);
			execFileSync('ip', ['netns', 'add', others]);
			expect(await down()).toMatchObject({ status: 0 });
			expect(namespaces()).toContain(others);
		} finally {
			execFileSync('ip', ['netns', 'delete', others]);
		}
	});

	test('two labs at once, beside one by hand, come to the same as one alone', async () => {
		const alone = await outcomesOf(part);
		expect(await up()).toMatchObject({ status: 0 });
		const both = await Promise.all([outcomesOf(part), outcomesOf(part)]);
		expect(both).toEqual([alone, alone]);
		const ping = await runCommand(['lab', 'ping', '--name', name, '--count', '1', '--json']);
		expect(JSON.parse(ping.stdout)).toMatchObject({
			sequence: 1,
			outcome: 'dropped',
			cause: 'source-is-local',
		});
	});

	test('nothing is pinned', () => {
		expect(existsSync('/sys/fs/bpf/encap-forward')).toBe(false);
	});
});
