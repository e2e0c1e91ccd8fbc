/**
 * How many packets a second are delivered, held against a bare redirect from veth0 to veth1.
 *
 * Everything runs on one processor, to which the generator is kept: a veth's NAPI is polled where it is
 * scheduled, so generator, router and sink take turns, 64 frames at a time. No queue ever overflows, every
 * frame sent arrives, and what is measured is the work of a frame, not two processors contending for a
 * queue. It is stable: half of the rounds lie within 2 % of the median. With the router on a processor of its own
 * (threaded NAPI) most frames are lost to a full queue and rounds differ by 10 % and more. It is strict as
 * well: there, cold caches cost a bare redirect four times as much, and ratios come out higher.
 */
import { availableParallelism } from 'node:os';
import { type Datapath, loadDatapath } from '../src/datapath/datapath.ts';
import { EncapForwardError } from '../src/error.ts';
import type { DatapathOutcome } from '../src/journey/cause.ts';
import { attachTc, attachXdp } from '../src/kernel/attach.ts';
import { requireKernelAccess } from '../src/kernel/capabilities.ts';
import { ipBatch } from '../src/kernel/ip.ts';
import type { Forwarding } from '../src/scenario/scenario.ts';
import type { Benchmark, Figure, Target } from './benchmark.ts';
import { onProcessor } from './processor.ts';
import { openRig, type Rig } from './rig.ts';
import {
	manyTunnelsRoute,
	rigScenario,
	rigTunnel,
	manyTunnels as tunnelsOf,
	vxlanDeviceCommands,
} from './rig-scenario.ts';
import { median, spread } from './statistics.ts';

/** Many and short: what others do on the machine meanwhile meets few of them. */
const rounds = 301;
const framesPerRound = 10_000;
const manyTunnels = 100_000;
const warmUpFrames = 20_000;

const asVxlanDevice: Target = { limit: '>=', value: 5 };

interface Contestant {
	readonly name: string;
	readonly rig: Rig;
	/** Delivered frames a second, by round. */
	readonly rates: number[];
	/** Throws unless every one of the frames sent went the way intended. */
	verify(sent: number): void;
	close(): void;
}

/** Only redirected: what every way of forwarding has to do at least. */
function bareRedirect(): Contestant {
	const rig = openRig({
		open: false,
		expected: 'plain',
		attach: ({ ingress, programs }) => attachXdp(ingress, programs.program('redirect')),
	});
	return { name: 'bare redirect', rig, rates: [], verify: () => {}, close: rig.close };
}

/**
 * A header of constants pushed and redirected: what encapsulating takes at the very least.
 * @param far whether each packet reads somewhere in as much memory as the many tunnels take, as it must
 */
function barePush(far: boolean): Contestant {
	const rig = openRig({
		open: false,
		expected: 'ip',
		destinations: far ? manyTunnels : 0,
		attach: ({ ingress, programs }) => attachXdp(ingress, programs.program(far ? 'push_far' : 'push')),
	});
	const name = far ? 'bare push, memory read at random' : 'bare push';
	return { name, rig, rates: [], verify: () => {}, close: rig.close };
}

/** The kernel routes the packet, which nobody encapsulates. */
function kernelRouting(): Contestant {
	const rig = openRig({
		open: false,
		expected: 'plain',
		attach: ({ ingress, programs }) => attachXdp(ingress, programs.program('pass')),
	});
	return { name: 'kernel routing', rig, rates: [], verify: () => {}, close: rig.close };
}

/** The kernel's own VXLAN device, or why there is none. */
function vxlanDevice(): Contestant | { readonly why: string } {
	const scenario = rigScenario(false);
	try {
		const rig = openRig({
			open: false,
			expected: 'vxlan',
			attach: ({ ingress, programs }) => {
				ipBatch(vxlanDeviceCommands(scenario));
				attachXdp(ingress, programs.program('pass'));
			},
		});
		return { name: 'VXLAN device', rig, rates: [], verify: () => {}, close: rig.close };
	} catch (error) {
		if (!(error instanceof EncapForwardError && /type vxlan/.test(error.message))) throw error;
		return { why: error.message };
	}
}

/**
 * Our datapath, as it is attached when it forwards for real.
 * @param options `ends`: with many tunnels, each packet another's: to how many outer destinations they lead
 */
function ours(
	forwarding: Forwarding,
	intended: DatapathOutcome,
	{ ends = 0, encapsulation = 'ip' }: { ends?: number; encapsulation?: 'ip' | 'vxlan' } = {},
): Contestant {
	const open = forwarding === 'stack';
	const destinations = ends === 0 ? 0 : manyTunnels;
	const scenario = rigScenario(open);
	const datapath = loadDatapath({ hook: 'xdp', forwarding, tunnels: Math.max(destinations, 1) });
	datapath.setTunnels(
		ends === 0 ? [rigTunnel(scenario, encapsulation)] : tunnelsOf(scenario, destinations, ends),
	);
	const rig = openRig({
		open,
		expected: encapsulation,
		destinations,
		attach: ({ ingress }) => {
			if (ends > 0) ipBatch([manyTunnelsRoute(scenario)]);
			for (const { hook, program } of datapath.programs) {
				if (hook === 'xdp') attachXdp(ingress, program);
				else attachTc(ingress, program);
			}
		},
	});
	const close = (): void => {
		rig.close();
		datapath.close();
	};
	const kind = encapsulation === 'ip' ? forwarding : `${forwarding}, ${encapsulation}`;
	const name = ends === 0 ? kind : `${kind}, 100,000 tunnels to ${ends} ends`;
	return {
		name,
		rig,
		rates: [],
		verify: (sent) => verifyOutcomes(name, datapath, intended, sent),
		close,
	};
}

/** What the namespaces themselves send now and then: multicast listener reports. */
const housekeeping: readonly DatapathOutcome[] = ['link-local', 'neighbour-discovery'];

function verifyOutcomes(name: string, datapath: Datapath, intended: DatapathOutcome, sent: number): void {
	const outcomes = [...datapath.outcomes('xdp')].filter(([outcome]) => !housekeeping.includes(outcome));
	if (outcomes.length === 1 && outcomes[0]?.[0] === intended && outcomes[0][1].packets === BigInt(sent))
		return;
	const met = outcomes.map(([outcome, { packets }]) => `${outcome} ${packets}`).join(', ') || 'none';
	throw new EncapForwardError(
		'EF_BUG',
		`the benchmark rate is void: of ${name}, ${sent} frames should be ${intended}, but outcomes are: ${met}`,
	);
}

function run({ name, rig, verify }: Contestant, frames: number, sent: number): number {
	const { delivered, seconds } = rig.run(frames);
	verify(sent);
	if (delivered !== frames) {
		throw new EncapForwardError(
			'EF_BUG',
			`the benchmark rate is void: of ${name}, ${delivered} of ${frames} frames arrived`,
		);
	}
	return delivered / seconds;
}

/** The median of what one contestant's rate is of another's in the same round. */
function ratio(one: Contestant, other: Contestant, target?: Target): Figure {
	const ratios = one.rates.map((rate, round) => rate / (other.rates[round] ?? Number.NaN));
	return {
		name: 'rate',
		figure: `${one.name} / ${other.name}`,
		value: median(ratios),
		unit: 'ratio',
		...(target === undefined ? {} : { target }),
		note: `${spread(ratios)}; ${one.name} ${(median(one.rates) / 1e6).toFixed(2)} million/s`,
	};
}

function missing(figure: string, note: string, target: Target): Figure {
	return { name: 'rate', figure, value: null, unit: 'ratio', target, note };
}

export const rate: Benchmark = (progress) => {
	requireKernelAccess();
	const contestants: Contestant[] = [];
	const enter = (contestant: Contestant): Contestant => {
		contestants.push(contestant);
		return contestant;
	};
	try {
		const bare = enter(bareRedirect());
		const push = enter(barePush(false));
		const far = enter(barePush(true));
		const fib = enter(ours('fib', 'forwarded'));
		const few = enter(ours('fib', 'forwarded', { ends: 100 }));
		const many = enter(ours('fib', 'forwarded', { ends: manyTunnels }));
		const stack = enter(ours('stack', 'to-stack'));
		const kernel = enter(kernelRouting());
		const vxlan = enter(ours('fib', 'forwarded', { encapsulation: 'vxlan' }));
		const device = vxlanDevice();
		if ('rig' in device) enter(device);
		onProcessor(availableParallelism() - 1, () => {
			for (const contestant of contestants) run(contestant, warmUpFrames, warmUpFrames);
			for (let round = 1; round <= rounds; round++) {
				progress(`round ${round} of ${rounds}`);
				for (const contestant of contestants) {
					const sent = warmUpFrames + round * framesPerRound;
					contestant.rates.push(run(contestant, framesPerRound, sent));
				}
			}
		});
		return [
			ratio(fib, bare, { limit: '>=', value: 0.9 }),
			ratio(few, bare, { limit: '>=', value: 0.6 }),
			ratio(many, bare),
			ratio(push, bare),
			ratio(far, bare),
			ratio(fib, push),
			ratio(few, far),
			ratio(stack, bare),
			ratio(kernel, bare),
			ratio(fib, stack, { limit: '>=', value: 4 }),
			ratio(fib, kernel, { limit: '>=', value: 3 }),
			'rig' in device
				? ratio(vxlan, device, asVxlanDevice)
				: missing('fib, vxlan / VXLAN device', device.why, asVxlanDevice),
		];
	} finally {
		for (const contestant of contestants) contestant.close();
	}
};
