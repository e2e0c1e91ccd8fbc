/** What a guest may not do, how it is ended, and that nothing of it stays. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Entry } from '../../scripts/kernels/entries.ts';
import { consoleTail, runGuest } from '../../scripts/kernels/guest.ts';
import { openKernels } from '../../scripts/kernels/kernels.ts';
import { workFolder } from '../../scripts/kernels/places.ts';
import type { Kernel } from '../../scripts/kernels/prepare.ts';
import { readStatus } from '../../scripts/kernels/result.ts';
import { runKernel } from '../../scripts/kernels/run.ts';
import { requires } from '../needs.ts';
import { ended } from '../support/command.ts';

const needed = requires('root', 'qemu-system-x86_64', 'virtiofsd', 'busybox', 'depmod', 'xz', 'zstd');
const timeout = 300_000;

function entry(name: string, command: string, budgetSeconds = 60): Entry {
	return { name, sources: [], command, budgetSeconds, read: readStatus, inGate: false };
}

/** Processes whose words have this text among them. */
function processesWith(text: string): readonly string[] {
	return readdirSync('/proc').flatMap((pid) => {
		try {
			const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
			return /^\d+$/.test(pid) && pid !== String(process.pid) && words.includes(text) ? [words] : [];
		} catch {
			return [];
		}
	});
}

/** The work folders in a folder for temporary files. */
function left(folder: string): readonly string[] {
	return readdirSync(folder).filter((name) => name.startsWith('encap-forward-kernels-'));
}

describe('a guest', needed, () => {
	const { signal } = new AbortController();
	let kernel: Kernel;
	beforeAll(async () => {
		kernel = await (await openKernels(console.warn, signal)).prepare('6.12');
	}, timeout);

	test('a program that fails, one that takes too long, a host that cannot be written to', {
		timeout,
	}, async () => {
		const file = join(tmpdir(), `written-by-a-guest-${process.pid}`);
		const run = await runKernel(kernel, {
			guests: 1,
			signal,
			entries: [
				entry('fails', 'echo why >&2; exit 3'),
				entry('endless', 'sleep 1000', 2),
				entry('writes', `echo text > ${file} && cat ${file}`),
				entry('mounts', `mkdir /host && mount -t virtiofs root /host && ! touch /host${file}`),
				entry('kernel', `uname -r | grep -Fx ${kernel.release}`),
			],
		});
		expect(run.runs.map(({ name, passed }) => [name, passed])).toEqual([
			['fails', 0],
			['endless', 0],
			['writes', 1],
			['mounts', 1],
			['kernel', 1],
			['log', 1],
		]);
		expect(run.runs[0]?.failed).toEqual(['it ended with status 3\nwhy']);
		expect(run.runs[1]?.failed[0]).toContain('it took longer than its budget');
		expect(existsSync(file)).toBe(false);
	});

	test('a kernel that panics: what it said last, and what was not run', { timeout }, async () => {
		const run = await runKernel(kernel, {
			guests: 1,
			signal,
			entries: [
				entry('before', 'true'),
				entry('panics', 'echo c > /proc/sysrq-trigger; sleep 60'),
				entry('after', 'true'),
			],
		});
		const [before, panics, after, ...others] = run.runs;
		expect(before?.passed).toBe(1);
		expect(panics?.failed[0]).toMatch(
			/^the guest ended by itself; its console's last lines:\n[\s\S]*Kernel panic/,
		);
		expect(after?.skipped).toEqual(['the guest had ended']);
		expect(others).toEqual([]);
	});

	test('a kernel that hangs is ended', { timeout }, async () => {
		const folder = workFolder();
		const shared = join(folder, 'shared');
		mkdirSync(shared);
		try {
			const command = 'echo last words > /dev/console; sleep 1000';
			const end = await runGuest(kernel, { folder, shared, command, timeoutSeconds: 60, signal });
			expect(end).toBe('timeout');
			expect(consoleTail(folder, 1)).toEqual(['last words']);
			expect(processesWith(folder)).toEqual([]);
		} finally {
			rmSync(folder, { recursive: true });
		}
	});
});

describe('the command', needed, () => {
	const script = fileURLToPath(new URL('../../scripts/kernels/main.ts', import.meta.url));
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), 'encap-forward-test-'));
	});
	afterAll(() => rmSync(folder, { recursive: true }));
	const start = (words: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess =>
		spawn(process.execPath, ['--import', 'tsx', script, ...words], {
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, TMPDIR: folder, ...env },
		});

	/** Start it, and wait until its guest is under way. */
	const underWay = async (): Promise<ChildProcess> => {
		const child = start(['--only', 'lab', '6.12']);
		child.stderr?.setEncoding('utf8');
		for (let said = ''; !said.includes('ready after'); )
			said += String(await once(child.stderr ?? child, 'data'));
		while (!processesWith(folder).some((words) => words.includes('qemu-system'))) {
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		return child;
	};
	/** The kernel ends the others when their parent has gone: a moment later. */
	const gone = async (): Promise<void> => {
		while (processesWith(folder).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
	};

	test('Ctrl-C leaves nothing', { timeout }, async () => {
		const child = await underWay();
		const end = ended(child);
		child.kill('SIGINT');
		expect((await end).status).toBe(130);
		await gone();
		expect(left(folder)).toEqual([]);
	});

	test('kill -9 leaves a folder, which the next run clears', { timeout }, async () => {
		const child = await underWay();
		const end = ended(child);
		child.kill('SIGKILL');
		expect((await end).status).toBe('SIGKILL');
		await gone();
		expect(left(folder)).toHaveLength(1);
		const next = await underWay();
		expect(left(folder)).toHaveLength(1);
		const last = ended(next);
		next.kill('SIGTERM');
		await last;
		expect(left(folder)).toEqual([]);
	});

	test('a kernel there is none of has its row, and the status says so', { timeout }, async () => {
		const { status, stdout } = await ended(start(['2.4']));
		expect(stdout).toMatch(/^\| 2\.4 +\| not tried /m);
		expect(stdout).toMatch(/^2\.4: FAILED Debian has no kernel "2\.4"; it has: newest, .* \[EF_USAGE\]$/m);
		expect(stdout).toMatch(/\n0 passed, 1 failed, 0 skipped\n$/);
		expect(status).toBe(1);
	});

	test.for([
		['--only', 'nothing'],
		['--what', '6.1'],
	])('bad usage: %j', async (words) => {
		const { status, stdout, stderr } = await ended(start(words));
		expect(stderr).toMatch(/^test:kernels: .* \[EF_USAGE\]\n$/);
		expect(stdout).toBe('');
		expect(status).toBe(2);
	});

	test('without qemu', async () => {
		const { status, stderr } = await ended(start(['6.1'], { PATH: join(folder, 'nowhere') }));
		expect(stderr).toMatch(
			/^test:kernels: the program "qemu-system-x86_64" is not here; .* \[EF_NO_TOOL\]\n$/,
		);
		expect(status).toBe(1);
	});
});
