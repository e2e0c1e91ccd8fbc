/**
 * What `trace` costs a host that drops 500,000 packets a second: how much less the kernel forwards meanwhile,
 * what a drop costs, and whether every drop is counted.
 *
 * One processor does it all, the drops, the forwarding and the command, which is as hard as it can be: on a
 * host with more of them, most of the forwarding has nothing to do with it. Times are this thread's own on the
 * processor, not the clock's: what else the machine has to do is left out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { EncapForwardError } from '../src/error.ts';
import { attachXdp } from '../src/kernel/attach.ts';
import { requireKernelAccess } from '../src/kernel/capabilities.ts';
import { check, koffi } from '../src/kernel/library.ts';
import type { Benchmark, Figure } from './benchmark.ts';
import { command, missingCommand } from './command.ts';
import { type Flood, openFlood } from './flood.ts';
import { onProcessor } from './processor.ts';
import { openRig, type Rig } from './rig.ts';
import { median, spread } from './statistics.ts';

const rounds = 9;
const dropsPerSecond = 500_000;
/** Of this thread's time. */
const phaseSeconds = 0.5;
const sliceSeconds = 0.02;
const framesPerBatch = 1000;
const warmUpDrops = 20_000;
const warmUpMilliseconds = 2500;

/** How many different packets the flood has, and what it stands for. */
const floods = [
	{ name: '64 flows', kinds: 64 },
	{ name: 'every packet another', kinds: 1 << 30 },
] as const;

const processor = availableParallelism() - 1;

const time = new BigInt64Array(2); // struct timespec
const threadClock = 3; // CLOCK_THREAD_CPUTIME_ID
const clock: (id: number, time: BigInt64Array) => number = koffi()
	.load(null)
	.func('int clock_gettime(int id, void *time)');

/** How long this thread has been on a processor, in seconds. */
function ownTime(): number {
	check(clock(threadClock, time), "read the thread's clock");
	return Number(time[0]) + Number(time[1]) / 1e9;
}

/** How long the threads of a process have been on processors, in seconds: the first number of their schedstat. */
function processTime(process: number): number {
	const threads = readdirSync(`/proc/${process}/task`);
	const timeOf = (thread: string): number =>
		Number(readFileSync(`/proc/${process}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e9;
	return threads.reduce((sum, thread) => sum + timeOf(thread), 0);
}

interface Phase {
	/** Frames forwarded in a second of this thread's, drops included. */
	readonly rate: number;
	/** Frames forwarded in a second that had no drops. */
	readonly bareRate: number;
	readonly dropped: number;
	/** Nanoseconds that one drop took. */
	readonly perDrop: number;
}

/** For a time, so many drops in each slice of it, and for the rest of the slice, forwarding. */
function phase(flood: Flood, rig: Rig): Phase {
	return onProcessor(processor, () => {
		const drops = dropsPerSecond * sliceSeconds;
		const start = ownTime();
		let [forwarded, dropped, dropping, now] = [0, 0, 0, start];
		for (let slice = 1; now - start < phaseSeconds; slice++) {
			flood.drop(drops);
			const after = ownTime();
			dropping += after - now;
			dropped += drops;
			for (now = after; now < start + slice * sliceSeconds; now = ownTime()) {
				forwarded += rig.run(framesPerBatch).delivered;
			}
		}
		const seconds = now - start;
		return {
			rate: forwarded / seconds,
			bareRate: forwarded / (seconds - dropping),
			dropped,
			perDrop: (dropping * 1e9) / dropped,
		};
	});
}

interface Line {
	readonly type: string;
	readonly packets: number;
	readonly notShown: number;
}

interface Tracing {
	/** Seconds it was on a processor so far. */
	time(): number;
	/** End it: what it counted in all. */
	end(): Promise<Line>;
}

/** The command itself; resolves when it watches. */
async function startTracing(namespace: number): Promise<Tracing> {
	const words = [command, 'trace', '--netns', `inode:${namespace}`, '--json'];
	const child: ChildProcess = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
	let last: Line | undefined;
	const lines = createInterface({ input: child.stdout ?? process.stdin });
	const closed = once(child, 'close');
	const first = once(lines, 'line');
	lines.on('line', (line) => {
		last = JSON.parse(line) as Line;
	});
	await Promise.race([first, closed]);
	return {
		time: () => processTime(child.pid ?? 0),
		end: async () => {
			child.kill('SIGINT');
			await closed;
			if (last?.type === 'summary') return last;
			throw new EncapForwardError(
				'EF_TOOL_FAILED',
				'the benchmark trace is void: the command ended without a summary',
			);
		},
	};
}

/** The kernel routes what is forwarded. */
function openForwarding(): Rig {
	return openRig({
		open: false,
		expected: 'plain',
		attach: ({ ingress, programs }) => attachXdp(ingress, programs.program('pass')),
	});
}

async function measure(
	{ name, kinds }: (typeof floods)[number],
	progress: (message: string) => void,
): Promise<Figure[]> {
	const [falls, costs, shares, lost]: [number[], number[], number[], number[]] = [[], [], [], []];
	const [untraced, bare]: [number[], number[]] = [[], []];
	const rig = openForwarding();
	const flood = openFlood(kinds);
	try {
		phase(flood, rig); // warms up
		for (let round = 1; round <= rounds; round++) {
			progress(`${name}, round ${round} of ${rounds}`);
			const without = phase(flood, rig);
			const tracing = await startTracing(flood.namespace);
			// What it does once is not what it takes: the kernel's symbols are read when the table is first emptied.
			flood.drop(warmUpDrops);
			await setTimeout(warmUpMilliseconds);
			const [before, wall] = [tracing.time(), performance.now()];
			const traced = phase(flood, rig);
			const share = ((tracing.time() - before) / (performance.now() - wall)) * 1000;
			const { packets, notShown } = await tracing.end();
			// What the command itself takes of the processor would have gone into forwarding.
			falls.push(1 - (traced.rate - share * traced.bareRate) / without.rate);
			costs.push(traced.perDrop - without.perDrop);
			shares.push(share);
			untraced.push(without.perDrop);
			bare.push(without.rate);
			lost.push(warmUpDrops + traced.dropped - packets - notShown);
		}
	} finally {
		flood.close();
		rig.close();
	}
	const figure = (title: string, rest: Omit<Figure, 'name' | 'figure'>): Figure => ({
		name: 'trace',
		figure: `${title}, ${name}`,
		...rest,
	});
	return [
		figure('forwarding rate falls by', {
			value: median(falls),
			unit: 'ratio',
			target: { limit: '<=', value: 0.1 },
			note: `${spread(falls)}; of ${(median(bare) / 1e6).toFixed(2)} million/s`,
		}),
		figure('a drop takes longer by', {
			value: median(costs),
			unit: 'ns',
			note: `${spread(costs)}; without trace it takes ${median(untraced).toFixed(0)} ns`,
		}),
		figure('the command takes of a processor', {
			value: median(shares),
			unit: 'ratio',
			note: spread(shares),
		}),
		// What the kernel sends of its own accord (neighbour discovery) is counted too: never less than was dropped.
		figure('drops neither shown nor counted as not shown', {
			value: Math.max(0, ...lost),
			unit: 'packets',
			target: { limit: '<=', value: 0 },
		}),
	];
}

export const trace: Benchmark = async (progress) => {
	requireKernelAccess();
	const missing = missingCommand();
	if (missing !== undefined) {
		const target = { limit: '<=', value: 0.1 } as const;
		return [
			{
				name: 'trace',
				figure: 'forwarding rate falls by',
				value: null,
				unit: 'ratio',
				target,
				note: missing,
			},
		];
	}
	const figures: Figure[] = [];
	for (const flood of floods) figures.push(...(await measure(flood, progress)));
	return figures;
};
