/** The entries in a guest of one kernel: booted once, each run in turn. */
import { mkdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.ts';
import type { Entry } from './entries.ts';
import { consoleTail, type GuestEnd, runGuest } from './guest.ts';
import { sharedFolder } from './initrd.ts';
import { workFolder } from './places.ts';
import type { Kernel } from './prepare.ts';
import { type Ended, type Result, readKernelLog } from './result.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What an entry came to, and how long it took in the guest. */
export interface Run extends Result {
	readonly name: string;
	readonly seconds: number;
}

export interface KernelRun {
	readonly release: string;
	/** From the start of the emulator to the first command, by the guest's clock. */
	readonly bootSeconds: number | undefined;
	readonly runs: readonly Run[];
}

/** Modules that nothing in the guest loads by itself when it is asked for a device or a family. */
const modules = 'veth sch_ingress cls_bpf fou fou6 vrf 8021q';

const bootSeconds = 120;
const consoleLines = 15;

/** The guest's process 1: each entry in turn, what it left beside the others', and off. */
function commandOf(entries: readonly Entry[]): string {
	const shared = sharedFolder;
	const now = 'cut -d" " -f1 /proc/uptime';
	return [
		`export PATH='${process.env.PATH}' HOME=/root TMPDIR=/tmp NO_COLOR=1 BUNDLE=${shared}/bundle`,
		'export COMMAND_UNDER_TEST=$BUNDLE/src/cli/main.mjs',
		`${now} > ${shared}/booted`,
		`cd '${root}'`,
		`modprobe -a ${modules}`,
		...entries.flatMap(({ name, command, probe, budgetSeconds }) => [
			`${now} > ${shared}/${name}.start`,
			...(probe === undefined ? [] : [`${probe} > ${shared}/${name}.why`]),
			`if test -s ${shared}/${name}.why; then false`,
			`else timeout -k 10 ${budgetSeconds} sh -c '${command.replaceAll("'", `'\\''`)}' \\`,
			`	> ${shared}/${name}.out 2> ${shared}/${name}.err < /dev/null`,
			`fi; echo $? $(${now}) > ${shared}/${name}.status`,
		]),
		`dmesg > ${shared}/log`,
		'echo o > /proc/sysrq-trigger',
		'sleep 60',
		'',
	].join('\n');
}

export interface RunOptions {
	readonly entries: readonly Entry[];
	readonly signal: AbortSignal;
	/** Told of each entry when it is done. */
	readonly onRun?: (run: Run) => void;
}

/** @throws EF_NO_TOOL, EF_TOOL_FAILED if there is no guest; what goes wrong in it is in the result */
export async function runKernel(kernel: Kernel, { entries, signal, onRun }: RunOptions): Promise<KernelRun> {
	const folder = workFolder();
	const shared = join(folder, 'shared');
	const read = (name: string): string | undefined => {
		try {
			return readFileSync(join(shared, name), 'utf8');
		} catch {
			return undefined;
		}
	};
	try {
		mkdirSync(shared);
		await bundle([...new Set(entries.flatMap(({ sources }) => sources))], join(shared, 'bundle'));
		const told = new Set<string>();
		const watcher = watch(shared, (_, file) => {
			const entry = entries.find(({ name }) => file === `${name}.status`);
			const run = entry === undefined || told.has(entry.name) ? undefined : finished(entry, read);
			if (run === undefined) return;
			told.add(run.name);
			onRun?.(run);
		});
		let end: GuestEnd;
		try {
			const budgets = entries.reduce((sum, { budgetSeconds }) => sum + budgetSeconds, 0);
			const timeoutSeconds = bootSeconds + budgets;
			end = await runGuest(kernel, { folder, command: commandOf(entries), timeoutSeconds, signal });
		} finally {
			watcher.close();
		}
		const lastWords = consoleTail(folder, consoleLines);
		const log = read('log');
		const booted = read('booted');
		return {
			release: kernel.release,
			bootSeconds: booted === undefined ? undefined : Number(booted),
			runs: [
				...entries.map((entry) => finished(entry, read) ?? unfinished(entry, end, lastWords, read)),
				...(log === undefined ? [] : [{ name: 'log', seconds: 0, ...readKernelLog(log) }]),
			],
		};
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** What an entry came to; undefined if it has not ended. */
function finished(entry: Entry, read: (name: string) => string | undefined): Run | undefined {
	const { name } = entry;
	const [status, at] = read(`${name}.status`)?.trim().split(' ').map(Number) ?? [];
	if (status === undefined || at === undefined) return undefined;
	const why = read(`${name}.why`)?.trim() ?? '';
	if (why !== '') return { name, seconds: 0, passed: 0, failed: [], skipped: [why] };
	const ended: Ended = { status, stdout: read(`${name}.out`) ?? '', stderr: read(`${name}.err`) ?? '' };
	return { name, seconds: at - Number(read(`${name}.start`)), ...entry.read(ended) };
}

/** The guest ended before the entry did: it is the one that was under way, or one of those after it. */
function unfinished(
	{ name }: Entry,
	end: GuestEnd,
	lastWords: readonly string[],
	read: (name: string) => string | undefined,
): Run {
	const none = { name, seconds: 0, passed: 0 };
	if (read('booted') !== undefined && read(`${name}.start`) === undefined) {
		return { ...none, failed: [], skipped: ['the guest had ended'] };
	}
	const what = end === 'timeout' ? 'the guest hung and was ended' : 'the guest ended by itself';
	return { ...none, failed: [[`${what}; its console's last lines:`, ...lastWords].join('\n')], skipped: [] };
}
