/** The entries in guests of one kernel: each guest is booted once, and takes the next entry that none has taken. */
import { mkdirSync, readFileSync, readlinkSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.ts';
import type { Entry } from './entries.ts';
import { consoleTail, runGuest } from './guest.ts';
import { sharedFolder } from './initrd.ts';
import { workFolder } from './places.ts';
import type { Kernel } from './prepare.ts';
import { type Result, readKernelLog } from './result.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What an entry came to, and how long it took in the guest. */
export interface Run extends Result {
	readonly name: string;
	readonly seconds: number;
}

export interface KernelRun {
	readonly release: string;
	/** From the start of the emulator to the first command, by the guest's clock: the slowest of them. */
	readonly bootSeconds: number | undefined;
	readonly runs: readonly Run[];
}

/** What became of a guest. */
interface Guest {
	readonly what: string;
	/** Its console's last lines. */
	readonly lastWords: readonly string[];
	/** Undefined if it did not come as far as its first command. */
	readonly bootSeconds: number | undefined;
	/** The kernel's, if it came to its end. */
	readonly log: string | undefined;
}

/** Modules that nothing in the guest loads by itself when it is asked for a device or a family. */
const modules = 'veth sch_ingress cls_bpf fou fou6 vrf 8021q';

const bootSeconds = 120;
const consoleLines = 15;

/** A guest's process 1: each entry that is still to be taken, what it left beside the others', and off. */
function commandOf(entries: readonly Entry[], guest: number): string {
	const shared = sharedFolder;
	const now = 'cut -d" " -f1 /proc/uptime';
	return [
		`export PATH='${process.env.PATH}' HOME=/root TMPDIR=/tmp NO_COLOR=1 BUNDLE=${shared}/bundle`,
		'export COMMAND_UNDER_TEST=$BUNDLE/src/cli/main.mjs',
		`${now} > ${shared}/booted.${guest}`,
		`cd '${root}'`,
		`modprobe -a ${modules}`,
		...entries.flatMap(({ name, command, probe, budgetSeconds }) => [
			// The first to make the link has it.
			`if ln -s ${guest} ${shared}/${name}.taken 2> /dev/null; then`,
			`${now} > ${shared}/${name}.start`,
			...(probe === undefined ? [] : [`${probe} > ${shared}/${name}.why`]),
			`if test -s ${shared}/${name}.why; then false`,
			`else timeout -k 10 ${budgetSeconds} sh -c '${command.replaceAll("'", `'\\''`)}' \\`,
			`	> ${shared}/${name}.out 2> ${shared}/${name}.err < /dev/null`,
			`fi; echo $? $(${now}) > ${shared}/${name}.status`,
			'fi',
		]),
		`dmesg > ${shared}/log.${guest}`,
		'echo o > /proc/sysrq-trigger',
		'sleep 60',
		'',
	].join('\n');
}

export interface RunOptions {
	readonly entries: readonly Entry[];
	/** How many guests share the entries; each keeps little more than one processor busy. */
	readonly guests: number;
	readonly signal: AbortSignal;
	/** Told of each entry when it is done. */
	readonly onRun?: (run: Run) => void;
}

/** @throws EF_NO_TOOL, EF_TOOL_FAILED if there is no guest; what goes wrong in it is in the result */
export async function runKernel(kernel: Kernel, options: RunOptions): Promise<KernelRun> {
	const { entries, guests: count, signal, onRun } = options;
	const folder = workFolder();
	const shared = join(folder, 'shared');
	try {
		mkdirSync(shared);
		await bundle([...new Set(entries.flatMap(({ sources }) => sources))], join(shared, 'bundle'));
		const told = new Set<string>();
		const watcher = watch(shared, (_, file) => {
			const entry = entries.find(({ name }) => file === `${name}.status`);
			const run = entry === undefined || told.has(entry.name) ? undefined : finished(entry, shared);
			if (run === undefined) return;
			told.add(run.name);
			onRun?.(run);
		});
		let guests: readonly Guest[];
		try {
			guests = await together(count, signal, (guest, signal) =>
				runOne(kernel, { guest, entries, folder, shared, signal }),
			);
		} finally {
			watcher.close();
		}
		const boots = guests.flatMap((guest) => guest.bootSeconds ?? []);
		const logs = guests.flatMap(({ log }) => log ?? []);
		return {
			release: kernel.release,
			bootSeconds: boots.length < count ? undefined : Math.max(...boots),
			runs: [
				...entries.map((entry) => finished(entry, shared) ?? unfinished(entry, shared, guests)),
				...(logs.length > 0 ? [{ name: 'log', seconds: 0, ...readKernelLog(logs.join('\n')) }] : []),
			],
		};
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** So many side by side: when one fails, the others are ended and waited for, and its error is thrown. */
async function together<Result>(
	count: number,
	signal: AbortSignal,
	start: (number: number, signal: AbortSignal) => Promise<Result>,
): Promise<readonly Result[]> {
	const failure = new AbortController();
	const either = AbortSignal.any([signal, failure.signal]);
	const all = Array.from({ length: count }, (_, number) => start(number, either));
	for (const each of all) each.catch((error) => failure.abort(error));
	await Promise.allSettled(all);
	either.throwIfAborted();
	return Promise.all(all);
}

interface GuestPlace {
	readonly guest: number;
	readonly entries: readonly Entry[];
	readonly folder: string;
	readonly shared: string;
	readonly signal: AbortSignal;
}

async function runOne(
	kernel: Kernel,
	{ guest, entries, folder, shared, signal }: GuestPlace,
): Promise<Guest> {
	const own = join(folder, `guest-${guest}`);
	mkdirSync(own);
	const budgets = entries.reduce((sum, { budgetSeconds }) => sum + budgetSeconds, 0);
	const end = await runGuest(kernel, {
		folder: own,
		shared,
		command: commandOf(entries, guest),
		timeoutSeconds: bootSeconds + budgets,
		signal,
	});
	const booted = read(shared, `booted.${guest}`);
	return {
		what: end === 'timeout' ? 'the guest hung and was ended' : 'the guest ended by itself',
		lastWords: consoleTail(own, consoleLines),
		bootSeconds: booted === undefined ? undefined : Number(booted),
		log: read(shared, `log.${guest}`),
	};
}

function read(shared: string, name: string): string | undefined {
	try {
		return readFileSync(join(shared, name), 'utf8');
	} catch {
		return undefined;
	}
}

/** Which guest has taken an entry. */
function takerOf({ name }: Entry, shared: string): number | undefined {
	try {
		return Number(readlinkSync(join(shared, `${name}.taken`)));
	} catch {
		return undefined;
	}
}

/** What an entry came to; undefined if it has not ended. */
function finished(entry: Entry, shared: string): Run | undefined {
	const { name } = entry;
	const [status, at] = read(shared, `${name}.status`)?.trim().split(' ').map(Number) ?? [];
	if (status === undefined || at === undefined) return undefined;
	const why = read(shared, `${name}.why`)?.trim() ?? '';
	if (why !== '') return { name, seconds: 0, passed: 0, failed: [], skipped: [why] };
	const [stdout = '', stderr = ''] = [read(shared, `${name}.out`), read(shared, `${name}.err`)];
	const seconds = at - Number(read(shared, `${name}.start`));
	return { name, seconds, ...entry.read({ status, stdout, stderr }) };
}

/** A guest ended before the entry did that it had taken, or none lived to take it. */
function unfinished(entry: Entry, shared: string, guests: readonly Guest[]): Run {
	const none = { name: entry.name, seconds: 0, passed: 0 };
	const taker = takerOf(entry, shared);
	if (taker === undefined && guests.some((guest) => guest.bootSeconds !== undefined)) {
		return { ...none, failed: [], skipped: ['the guest had ended'] };
	}
	const failed = guests
		.slice(taker ?? 0, (taker ?? 0) + 1)
		.map(({ what, lastWords }) => [`${what}; its console's last lines:`, ...lastWords].join('\n'));
	return { ...none, failed, skipped: [] };
}
