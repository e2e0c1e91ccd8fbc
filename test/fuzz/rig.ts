/** Where the fuzzer runs frames: both programs, tunnels of every kind, and a router with ways of every sort. */
import { type Datapath, loadDatapath } from '../../src/datapath/datapath.ts';
import { outcomeCountLayout, outcomes } from '../../src/datapath/layout.ts';
import { lookupMap, possibleCpus } from '../../src/kernel/map.ts';
import { inNamespace } from '../../src/kernel/namespace.ts';
import { type PreparedRun, prepareTestRun } from '../../src/kernel/test-run.ts';
import { parseMac } from '../../src/packet/address.ts';
import type { Hook } from '../../src/scenario/scenario.ts';
import type { Decapsulation } from '../../src/tunnel/decapsulation.ts';
import type { Tunnel } from '../../src/tunnel/tunnel.ts';
import { addressBytes } from '../support/journeys.ts';
import { macs, openNetwork } from '../support/network.ts';
import { contextOf, type OutcomeName, openReceiveQueue, verdicts } from '../support/programs.ts';
import { type Aims, longest } from './frames.ts';

/** What became of a frame at one hook. */
export interface Fate {
	readonly verdict: 'pass' | 'drop' | 'redirect';
	/** Every outcome it was counted under: one, or something is wrong. */
	readonly outcomes: readonly OutcomeName[];
	/** As the program left it; holds until the next run at this hook. */
	readonly frame: Uint8Array;
}

export interface FuzzRig {
	readonly aims: Aims;
	/** Run work in the router's namespace, where frames are to be run. */
	inside<T>(work: () => T extends PromiseLike<unknown> ? never : T): T;
	run(hook: Hook, frame: Uint8Array): Fate;
	/** Whether BPF_PROG_TEST_RUN takes such a frame at a hook: at TC no half IP header (bpf_prog_test_run_skb). */
	takes(hook: Hook, frame: Uint8Array): boolean;
	close(): void;
}

/** Behind the last byte or word of an address, one tunnel each; 1 is host1, whose address is known. */
const kinds = [
	{ encapsulation: 'ip' },
	{ encapsulation: 'ip', ttl: 'inherit', dscp: 46 },
	{ encapsulation: 'gre' },
	{ encapsulation: 'gre', key: 0xfe020304 },
	{ encapsulation: 'gue' },
	{ encapsulation: 'vxlan', vni: 0x123456 },
	{ encapsulation: 'vxlan', vni: 1, port: 8472, ttl: 1, dscp: 0 },
	{ encapsulation: 'geneve', vni: 0 },
] as const;

/** Where the outer packets go: on, too far, nowhere, and to whom nobody knows. */
const ends = [
	{ source: '10.11.2.2', destination: '10.11.2.1' },
	{ source: 'fc00:dead:cafe:2::2', destination: 'fc00:dead:cafe:2::1' },
	{ source: '10.11.2.0/24', destination: '10.11.2.1' },
	{ source: 'fc00:dead:cafe:2::/64', destination: 'fc00:dead:cafe:2::1' },
	{ source: '10.11.2.2', destination: '10.11.2.99' }, // no such neighbour
	{ source: 'fc00:dead:cafe:2::2', destination: 'fc00:dead:cafe:2::99' },
	{ source: '10.11.2.2', destination: '10.20.0.1' }, // locked MTU 1000
	{ source: '10.11.2.2', destination: '10.21.0.1' }, // blackhole
	{ source: '10.11.2.2', destination: '203.0.113.1' }, // no route
	{ source: '10.11.2.2', destination: '10.11.1.2' }, // the router itself
] as const;

const ways = [
	'neigh replace 10.11.2.1 lladdr 02:00:00:00:02:01 dev veth1 nud permanent',
	'neigh replace fc00:dead:cafe:2::1 lladdr 02:00:00:00:02:01 dev veth1 nud permanent',
	'route add 10.20.0.0/16 via 10.11.2.1 mtu lock 1000',
	'route add blackhole 10.21.0.0/16',
] as const;

const aimed = kinds.flatMap((kind, first) =>
	ends.map((end, second) => ({ ...kind, ...end, first: first + 1, second: second + 1 })),
);

const tunnels: readonly Tunnel[] = aimed.flatMap(({ first, second, ...tunnel }) => [
	{ match: `10.${first}.${second}.0/24`, ...tunnel },
	{ match: `2001:db8:${first}:${second}::/64`, ...tunnel },
	...(tunnel.destination.includes(':') && 'vni' in tunnel
		? [{ match: `2001:db8:${first}:${second}:f::/80`, ...tunnel, udpChecksum: 'zero' } as const]
		: [{ match: `10.${first}.${second}.128/25`, ...tunnel } as const]),
]);

const localEnds = ['10.11.1.2', 'fc00:dead:cafe:1::2'] as const;

/** Where tunnels end: at the router, every kind. */
const decapsulations: readonly Decapsulation[] = localEnds.flatMap((local) => [
	{ encapsulation: 'ip', local },
	{ encapsulation: 'gre', local },
	{ encapsulation: 'gre', local, key: 7 },
	{ encapsulation: 'gue', local },
	...[0, 1, 7, 0x123456].flatMap((vni) => [
		{ encapsulation: 'vxlan', local, vni } as const,
		{ encapsulation: 'geneve', local, vni } as const,
	]),
]);

/** Addresses that nobody may forward to, and one that no tunnel matches. */
const others = {
	ipv4: ['127.0.0.1', '224.0.0.1', '255.255.255.255', '169.254.1.1', '0.0.0.0', '192.0.2.1', '10.11.1.2'],
	ipv6: ['::', '::1', 'ff02::1', 'fe80::1', '2001:db9::1', 'fc00:dead:cafe:1::2'],
} as const;

/** So often that whatever the seed some frames carry a packet for the neighbour that is known. */
const knownOften = (address: string): readonly string[] => Array<string>(32).fill(address);

export const aims: Aims = {
	macs: [macs.veth0, macs.host0, 'ff:ff:ff:ff:ff:ff', '33:33:00:00:00:01', '02:00:00:00:99:99'].map(
		(mac) => parseMac(mac) ?? new Uint8Array(6),
	),
	ipv4: [
		...aimed.flatMap(({ first, second }) => [`10.${first}.${second}.7`, `10.${first}.${second}.200`]),
		...others.ipv4,
		...knownOften('10.11.2.1'),
		...['10.11.2.77', '10.20.0.1', '10.21.0.1'],
	].map(addressBytes),
	ipv6: [
		...aimed.flatMap(({ first, second }) => [
			`2001:db8:${first}:${second}::7`,
			`2001:db8:${first}:${second}:f::7`,
		]),
		...others.ipv6,
		...knownOften('fc00:dead:cafe:2::1'),
		'fc00:dead:cafe:2::77',
	].map(addressBytes),
	senders: ['10.11.1.1', '10.11.1.9', 'fc00:dead:cafe:1::1', 'fc00:dead:cafe:1::9'].map(addressBytes),
	ends: localEnds.map(addressBytes),
};

/**
 * Reads under which outcomes a hook has counted since the last time. Those met last are asked first, up to the
 * one that was met; all are asked now and then, so that what was counted besides is found, if a little later.
 */
function outcomeReader(map: number): () => readonly OutcomeName[] {
	const cpus = possibleCpus();
	const values = new Uint8Array(outcomeCountLayout.size * cpus);
	const view = new DataView(values.buffer);
	const all = outcomes.map((outcome, number) => ({
		outcome,
		key: new Uint8Array(new Uint32Array([number]).buffer),
		count: 0,
	}));
	/** How often since the last time; a count is far below what a number holds. */
	const grown = (each: (typeof all)[number]): number => {
		lookupMap(map, each.key, values);
		let now = 0;
		for (let cpu = 0; cpu < cpus; cpu++)
			now += view.getUint32(cpu * outcomeCountLayout.size + outcomeCountLayout.packets.offset, true);
		const more = now - each.count;
		each.count = now;
		return more;
	};
	let reads = 0;
	return () => {
		if (++reads % everyOutcome === 0)
			return all.flatMap((each) => Array<OutcomeName>(grown(each)).fill(each.outcome));
		const at = all.findIndex((each) => grown(each) !== 0);
		const [met] = at < 0 ? [] : all.splice(at, 1);
		if (met === undefined) return [];
		all.unshift(met);
		return [met.outcome];
	};
}

/** After so many frames all outcomes are asked. */
const everyOutcome = 500;

interface Runner {
	readonly prepared: PreparedRun;
	readonly read: ReturnType<typeof outcomeReader>;
}

function openRunner(hook: Hook, datapath: Datapath, device: number): Runner {
	const program = datapath.programs.find((each) => each.hook === hook)?.program ?? -1;
	const context = contextOf(hook, device, 0);
	const prepared = prepareTestRun(program, { most: longest, contextBytes: context.length });
	prepared.context.set(context);
	return { prepared, read: outcomeReader(datapath.outcomeMap(hook)) };
}

/** Of a frame with its fixed IP header. */
function leastBytes(frame: Uint8Array): number {
	if (frame[12] === 0x08 && frame[13] === 0x00) return 34;
	return frame[12] === 0x86 && frame[13] === 0xdd ? 54 : 14;
}

export function openFuzzRig(): FuzzRig {
	const network = openNetwork();
	const closers = [network.close];
	const close = (): void => {
		for (const each of closers.toReversed()) each();
	};
	try {
		for (const way of ways) network.ip(way);
		const device = network.device('veth0');
		closers.push(openReceiveQueue(network.router, device).close);
		const runners = {} as Record<Hook, Runner>;
		for (const hook of ['xdp', 'tc'] as const) {
			const datapath = loadDatapath({ hook, forwarding: 'fib' });
			closers.push(datapath.close);
			datapath.setTunnels(tunnels);
			datapath.setDecapsulations(decapsulations);
			datapath.setDevices([
				{ index: device, address: aims.macs[0] ?? new Uint8Array(), xdp: true, egress: true },
				{ index: network.device('veth1'), xdp: true, egress: true },
			]);
			runners[hook] = openRunner(hook, datapath, device);
		}
		return {
			aims,
			takes: (hook, frame) => hook === 'xdp' || frame.length >= leastBytes(frame),
			inside: (work) => inNamespace(network.router, work),
			run: (hook, frame) => {
				const { prepared, read } = runners[hook];
				prepared.frame.set(frame);
				// data_end of struct xdp_md
				if (hook === 'xdp') new DataView(prepared.context.buffer).setUint32(4, frame.length, true);
				const { returnValue, data } = prepared.run(frame.length);
				const verdict = verdicts[hook][returnValue];
				if (verdict === undefined) throw new Error(`${hook} returned ${returnValue}`);
				return { verdict, outcomes: read(), frame: data };
			},
			close,
		};
	} catch (error) {
		close();
		throw error;
	}
}
