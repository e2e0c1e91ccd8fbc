/** The datapath's programs run on single frames, with what they returned and counted. */
import { type Datapath, loadDatapath, objectPath } from '../../src/datapath/datapath.ts';
import type { outcomes } from '../../src/datapath/layout.ts';
import { attachXdp } from '../../src/kernel/attach.ts';
import { inNamespace, type Namespace } from '../../src/kernel/namespace.ts';
import { type BpfObject, loadObject } from '../../src/kernel/object.ts';
import { testRun } from '../../src/kernel/test-run.ts';
import { parseMac } from '../../src/packet/address.ts';
import type { Forwarding, Hook } from '../../src/scenario/scenario.ts';
import type { Decapsulation } from '../../src/tunnel/decapsulation.ts';
import type { Tunnel } from '../../src/tunnel/tunnel.ts';
import { macs, type Network } from './network.ts';

export type OutcomeName = (typeof outcomes)[number];

export interface Ran {
	readonly verdict: 'pass' | 'drop' | 'redirect';
	/** The frame as the program left it. */
	readonly frame: Uint8Array;
	/** The one outcome it was counted under. */
	readonly outcome: OutcomeName;
}

export interface Programs {
	run(hook: Hook, frame: Uint8Array): Ran;
	/** Set both programs' tunnels, and let what they remember of others run out. */
	setTunnels(tunnels: readonly Tunnel[]): void;
	/** Set both programs' decapsulations. */
	setDecapsulations(decapsulations: readonly Decapsulation[]): void;
	close(): void;
}

/** Longer than the kernel's longest tick of 10 ms, for which the datapath remembers a way. */
export function outliveMemory(): void {
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 15);
}

/** enum xdp_action and TC_ACT_*, of linux/bpf.h and linux/pkt_cls.h; TC_ACT_UNSPEC is -1. */
export const verdicts: Readonly<Record<Hook, Readonly<Record<number, Ran['verdict']>>>> = {
	xdp: { 1: 'drop', 2: 'pass', 4: 'redirect' },
	tc: { 4294967295: 'pass', 2: 'drop', 7: 'redirect' },
};

/** struct xdp_md or struct __sk_buff of a frame that comes in by a device. */
export function contextOf(hook: Hook, device: number, length: number): Uint8Array {
	const words = new Uint32Array(hook === 'xdp' ? 6 : 48);
	if (hook === 'xdp') {
		words[1] = length; // data_end
		words[3] = device; // ingress_ifindex
	} else {
		words[9] = device; // ingress_ifindex
		words[10] = device; // ifindex
	}
	return new Uint8Array(words.buffer);
}

/** What the counters have grown by since they were read. @throws unless it is one packet of so many bytes */
export function counted(
	after: ReturnType<Datapath['outcomes']>,
	before: ReturnType<Datapath['outcomes']>,
	bytes: number,
): OutcomeName {
	const grown = [...after]
		.map(([outcome, now]) => {
			const { packets = 0n, bytes: octets = 0n } = before.get(outcome) ?? {};
			return { outcome, packets: now.packets - packets, bytes: now.bytes - octets };
		})
		.filter(({ packets }) => packets !== 0n);
	const [only] = grown;
	if (grown.length !== 1 || only === undefined || only.packets !== 1n || only.bytes !== BigInt(bytes)) {
		throw new Error(
			`counted otherwise than once, with ${bytes} bytes: ${grown.map(({ outcome }) => outcome)}`,
		);
	}
	return only.outcome;
}

/** A device that has no XDP program has no receive queue that a test run could come from: it has one until this is closed. */
export function openReceiveQueue(namespace: Namespace, device: number): BpfObject {
	const observer = loadObject(objectPath('observer'));
	inNamespace(namespace, () => attachXdp(device, observer.program('observe')));
	return observer;
}

/** Both programs of one way of forwarding, run as if frames came in by veth0, which must have an XDP program. */
export function openPrograms(network: Network, forwarding: Forwarding): Programs {
	const datapaths = {
		xdp: loadDatapath({ hook: 'xdp', forwarding }),
		tc: loadDatapath({ hook: 'tc', forwarding }),
	};
	const device = network.device('veth0');
	// By its address XDP tells whose a frame is, as the kernel does for TC.
	const address = parseMac(macs.veth0) ?? new Uint8Array();
	for (const datapath of Object.values(datapaths))
		datapath.setDevices([{ index: device, address, xdp: true, egress: true }]);
	return {
		run: (hook, frame) => {
			const datapath = datapaths[hook];
			const program = datapath.programs.find((each) => each.hook === hook)?.program ?? -1;
			const before = datapath.outcomes(hook);
			const context = contextOf(hook, device, frame.length);
			const result = inNamespace(network.router, () => testRun(program, { data: frame, context }));
			const verdict = verdicts[hook][result.returnValue];
			if (verdict === undefined) throw new Error(`${hook} returned ${result.returnValue}`);
			return { verdict, frame: result.data, outcome: counted(datapath.outcomes(hook), before, frame.length) };
		},
		setTunnels: (tunnels) => {
			for (const datapath of Object.values(datapaths)) datapath.setTunnels(tunnels);
			outliveMemory();
		},
		setDecapsulations: (decapsulations) => {
			for (const datapath of Object.values(datapaths)) datapath.setDecapsulations(decapsulations);
		},
		close: () => {
			for (const datapath of Object.values(datapaths)) datapath.close();
		},
	};
}
