/**
 * The example's network as a measuring rig, in two namespaces of its own: frames generated in the host
 * leave by host0, cross the router from veth0 to veth1, and end in a sink at host1.
 */
import { fileURLToPath } from 'node:url';
import { deviceNumbers, numberOf } from '../src/engines/linux/devices.ts';
import { buildHosts, type Namespaces } from '../src/engines/linux/standing.ts';
import { attachXdp } from '../src/kernel/attach.ts';
import { lookupMap, possibleCpus } from '../src/kernel/map.ts';
import { anonymousNamespace, closeNamespace, inNamespace, type Namespace } from '../src/kernel/namespace.ts';
import { type BpfObject, loadObject } from '../src/kernel/object.ts';
import { testRun, testRunFlags } from '../src/kernel/test-run.ts';
import type { Scenario } from '../src/scenario/scenario.ts';
import { generatedFrame, manyDestination, rigScenario } from './rig-scenario.ts';

/** Where a contestant is attached. */
export interface Place {
	/** The namespace to be in. */
	readonly router: Namespace;
	/** veth0's ifindex. */
	readonly ingress: number;
	/** Of bench/rate.bpf.c, with its constants set for this rig. */
	readonly programs: BpfObject;
}

/** enum expected of rate.bpf.c */
const arrivals = ['plain', 'ip', 'vxlan'] as const;

export interface RigOptions {
	/** Whether the example's sysctls are opened, which the way up the stack needs. */
	readonly open: boolean;
	/** How frames should arrive: as they are, or in which tunnel over IPv4. */
	readonly expected: (typeof arrivals)[number];
	/** To how many inner destinations frames go, each to one drawn by lot; to one if not given. */
	readonly destinations?: number;
	/** Attach the contestant; called in the router. A veth needs a program there to take redirected frames. */
	readonly attach: (place: Place) => void;
}

export interface Run {
	/** How many frames arrived as they should. */
	readonly delivered: number;
	/** From the first sent to the last arrived. */
	readonly seconds: number;
}

export interface Rig {
	/**
	 * Send so many frames and wait for them.
	 * @param patience for how many milliseconds nothing may arrive before what is missing counts as lost
	 */
	run(frames: number, patience?: number): Run;
	close(): void;
}

/** On a machine that has nothing else to do. */
const usualPatience = 20;

/** Build the rig with one contestant in it. */
export function openRig({ open, expected, destinations = 0, attach }: RigOptions): Rig {
	const scenario = rigScenario(open);
	const numbers = {
		router: deviceNumbers(scenario.router, 'router'),
		host: deviceNumbers(scenario.host, 'host'),
	};
	const router = anonymousNamespace();
	const host = anonymousNamespace();
	let programs: BpfObject | undefined;
	const close = (): void => {
		programs?.close();
		closeNamespace(router);
		closeNamespace(host);
	};
	try {
		build(scenario, { router, host });
		programs = loadObject(fileURLToPath(new URL('rate.o', import.meta.url)), {
			constants: {
				generator_device: numberOf(numbers.host, 'host0'),
				redirect_device: numberOf(numbers.router, 'veth1'),
				expected: arrivals.indexOf(expected),
				destinations,
			},
		});
		const place = { router, ingress: numberOf(numbers.router, 'veth0'), programs };
		// Both ends of both links have a program: without one a veth drops what is redirected to its peer.
		const attachIn = (namespace: Namespace, device: number, program: number): void =>
			inNamespace(namespace, () => attachXdp(device, program));
		attachIn(host, numberOf(numbers.host, 'host0'), programs.program('generate'));
		attachIn(host, numberOf(numbers.host, 'host1'), programs.program('sink'));
		attachIn(router, numberOf(numbers.router, 'veth1'), programs.program('pass'));
		inNamespace(router, () => attach(place));
		const generator = programs.program('generate');
		const sunk = sinkCounter(programs.map('sunk'));
		const data = generatedFrame(scenario, destinations > 0 ? manyDestination(0) : undefined);
		const options = { data, flags: testRunFlags.liveFrames };
		return {
			run: (frames, patience = usualPatience) =>
				inNamespace(host, () =>
					measure(frames, patience, () => testRun(generator, { ...options, repeat: frames }), sunk),
				),
			close,
		};
	} catch (error) {
		close();
		throw error;
	}
}

/** What the generator has sent has not all arrived: the clock stops at the last change of the sink's count. */
function measure(frames: number, patience: number, send: () => void, sunk: () => number): Run {
	const before = sunk();
	const start = performance.now();
	send();
	let delivered = sunk() - before;
	let last = performance.now();
	while (delivered < frames && performance.now() - last < patience) {
		const now = sunk() - before;
		if (now === delivered) continue;
		delivered = now;
		last = performance.now();
	}
	return { delivered, seconds: (last - start) / 1000 };
}

/** Reads how many of the frames expected the sink has counted, on all processors. */
function sinkCounter(map: number): () => number {
	const counts = new BigUint64Array(new ArrayBuffer(8 * possibleCpus()));
	const bytes = new Uint8Array(counts.buffer);
	const expected = new Uint8Array(4); // SUNK_EXPECTED
	return () => {
		lookupMap(map, expected, bytes);
		return Number(counts.reduce((sum, count) => sum + count, 0n));
	};
}

function build(scenario: Scenario, namespaces: Namespaces): void {
	const sides = buildHosts(scenario, namespaces);
	for (const side of ['router', 'host'] as const) {
		sides[side].set(scenario[side], true);
		sides[side].close();
	}
}
