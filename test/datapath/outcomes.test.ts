/** Every outcome of bpf/outcome.h brought about on a device, and read back from the counters by its name. */
import { release } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Datapath, loadDatapath } from '../../src/datapath/datapath.ts';
import type { DatapathDevice } from '../../src/datapath/device-map.ts';
import { outcomes } from '../../src/datapath/layout.ts';
import type { OutcomeCount } from '../../src/datapath/outcome-count.ts';
import { parseKernel } from '../../src/engines/model/kernel.ts';
import { EncapForwardError } from '../../src/error.ts';
import { attachTc, attachXdp } from '../../src/kernel/attach.ts';
import { inNamespace } from '../../src/kernel/namespace.ts';
import { testRun } from '../../src/kernel/test-run.ts';
import { parseMac } from '../../src/packet/address.ts';
import { encodeArp } from '../../src/packet/arp.ts';
import { concatenate } from '../../src/packet/bytes.ts';
import { internetChecksum } from '../../src/packet/checksum.ts';
import { encodeEthernet } from '../../src/packet/ethernet.ts';
import { encodeIcmpv6 } from '../../src/packet/icmpv6.ts';
import { encodeIpv4 } from '../../src/packet/ipv4.ts';
import { encodeIpv6 } from '../../src/packet/ipv6.ts';
import { etherType, ipProtocol } from '../../src/packet/protocol.ts';
import type { Forwarding, Hook } from '../../src/scenario/scenario.ts';
import type { Tunnel } from '../../src/tunnel/tunnel.ts';
import { requires } from '../needs.ts';
import { addressBytes } from '../support/journeys.ts';
import { macs, type Network, openNetwork } from '../support/network.ts';
import { type OutcomeName, outliveMemory } from '../support/programs.ts';

interface Case {
	readonly what: string;
	readonly outcome: OutcomeName;
	/** Both if not given. */
	readonly hooks?: readonly Hook[];
	/** By the FIB if not given. */
	readonly forwarding?: Forwarding;
	/** Where the tunnels lead; to host1 by IPv4 if not given. */
	readonly destination?: string;
	/** What to do to the router before; the network is the case's own then. */
	readonly prepare?: (network: Network) => void;
	/** What the datapath is told of veth1; nothing if not given. */
	readonly egress?: Pick<DatapathDevice, 'xdp' | 'egress'>;
	/** Whether it is told that checksums of what comes in by veth0 may be unfinished. */
	readonly unfinished?: boolean;
	/** Whether tunnels end at 10.11.1.2. */
	readonly decapsulate?: boolean;
	readonly frame: Uint8Array;
}

const noSource =
	'bpf_fib_lookup looks for a source address only if told to (BPF_FIB_LOOKUP_SRC), which we never do';

/** Outcomes that nothing here brings about, and why. */
const outOfReach: Partial<Record<OutcomeName, string>> = {
	'no-source': noSource,
	'no-checksum':
		'it takes more than 9216 bytes without a checksum of their own, and no link here carries them',
};

const ethernet = {
	destination: parseMac(macs.veth0) ?? new Uint8Array(),
	source: parseMac(macs.host0) ?? new Uint8Array(),
};

interface Ends {
	readonly from?: string;
	readonly to?: string;
	readonly hops?: number;
	readonly bytes?: number;
	readonly protocol?: number;
}

function ipv4({
	from = '10.11.1.1',
	to = '10.11.1.2',
	hops = 64,
	bytes = 64,
	protocol = 253,
}: Ends = {}): Uint8Array {
	const addresses = { source: addressBytes(from), destination: addressBytes(to) };
	const packet = encodeIpv4({ ttl: hops, protocol, ...addresses }, new Uint8Array(bytes - 20));
	return encodeEthernet({ ...ethernet, etherType: etherType.ipv4 }, packet);
}

function ipv6({
	from = 'fc00:dead:cafe:1::1',
	to = 'fc00:dead:cafe:1::2',
	hops = 64,
	bytes = 104,
	protocol = 253,
}: Ends = {}) {
	const addresses = { source: addressBytes(from), destination: addressBytes(to) };
	const packet = encodeIpv6(
		{ hopLimit: hops, nextHeader: protocol, ...addresses },
		new Uint8Array(bytes - 40),
	);
	return encodeEthernet({ ...ethernet, etherType: etherType.ipv6 }, packet);
}

/** The frame with some of its bytes written over. */
function overwritten(frame: Uint8Array, at: number, ...values: readonly number[]): Uint8Array {
	const changed = frame.slice();
	changed.set(values, at);
	// A header that is changed but for what makes it one keeps a good checksum.
	if (changed[12] === 0x08 && changed[14] === 0x45 && at > 14 && at < 34 && at !== 24) {
		changed.set([0, 0], 24);
		const sum = internetChecksum(changed.subarray(14, 34));
		changed.set([sum >> 8, sum & 0xff], 24);
	}
	return changed;
}

const arp = encodeEthernet(
	{ ...ethernet, etherType: etherType.arp },
	encodeArp({
		operation: 1,
		senderHardware: ethernet.source,
		senderProtocol: addressBytes('10.11.1.1'),
		targetHardware: new Uint8Array(6),
		targetProtocol: addressBytes('10.11.1.2'),
	}),
);

const vlan = encodeEthernet(
	{ ...ethernet, etherType: etherType.ipv6, vlan: { priority: 0, dropEligible: false, id: 7 } },
	ipv6().subarray(14),
);

function solicitation(): Uint8Array {
	const addresses = {
		source: addressBytes('fc00:dead:cafe:1::1'),
		destination: addressBytes('fc00:dead:cafe:1::2'),
	};
	const message = encodeIcmpv6(
		{ type: 135, code: 0, flags: 0, target: addresses.destination },
		new Uint8Array(),
		addresses,
	);
	const packet = encodeIpv6({ hopLimit: 255, nextHeader: ipProtocol.icmpv6, ...addresses }, message);
	return encodeEthernet({ ...ethernet, etherType: etherType.ipv6 }, packet);
}

/** The addresses of IPv6 frames, where a test writes on behind them. */
const ends6 = [...addressBytes('fc00:dead:cafe:1::1'), ...addressBytes('fc00:dead:cafe:1::2')];

/** An IPv4 frame with DF, which is not to be fragmented. */
function whole(frame: Uint8Array): Uint8Array {
	return overwritten(frame, 20, 0x40);
}

/** A TCP segment whose checksum is only the pseudo header's sum, as a sender leaves it that has its device do the rest. */
function unfinished(family: 'ipv4' | 'ipv6'): Uint8Array {
	const frame = family === 'ipv4' ? ipv4({ protocol: 6 }) : ipv6({ protocol: 6 });
	const addresses = frame.subarray(family === 'ipv4' ? 26 : 22, family === 'ipv4' ? 34 : 54);
	const start = family === 'ipv4' ? 34 : 54;
	const sum =
		~internetChecksum(concatenate([addresses, Uint8Array.of(0, 6, 0, frame.length - start)])) & 0xffff;
	return overwritten(frame, start + 16, sum >> 8, sum & 0xff);
}

/** The frame's packet in IPv4, to a tunnel's end. */
function inIpv4(frame: Uint8Array): Uint8Array {
	const addresses = { source: addressBytes('10.11.1.1'), destination: addressBytes('10.11.1.2') };
	const packet = encodeIpv4({ ttl: 64, protocol: 41, ...addresses }, frame.subarray(14));
	return encodeEthernet({ ...ethernet, etherType: etherType.ipv4 }, packet);
}

function decapsulated(what: string, outcome: OutcomeName, part: Partial<Case>, frame: Uint8Array): Case[] {
	return [{ what: `in IPv4, ${what}`, outcome, decapsulate: true, ...part, frame: inIpv4(frame) }];
}

/** A known next hop, to which no more than so many bytes go. */
function narrow(mtu: number): (network: Network) => void {
	return (network) => {
		known(network);
		network.ip(`route add 10.11.2.1/32 dev veth1 mtu lock ${mtu}`);
	};
}

const known = ({ ip }: Network): void => {
	ip(`neigh replace 10.11.2.1 lladdr ${macs.host1} dev veth1 nud permanent`);
	ip(`neigh replace fc00:dead:cafe:2::1 lladdr ${macs.host1} dev veth1 nud permanent`);
};

/** In a network that has sent nothing yet, as it is. */
const unknown = (): void => undefined;

const host1Ipv6 = 'fc00:dead:cafe:2::1';

function route(type: string): Pick<Case, 'destination' | 'prepare'>[] {
	return [
		{ prepare: ({ ip }) => void ip(`route add ${type} 10.11.2.1/32`) },
		{ destination: host1Ipv6, prepare: ({ ip }) => void ip(`-6 route add ${type} ${host1Ipv6}/128`) },
	];
}

function each(what: string, outcome: OutcomeName, parts: readonly Partial<Case>[]): Case[] {
	return parts.map((part) => ({
		what: `${what} to ${part.destination ?? '10.11.2.1'}`,
		outcome,
		frame: ipv6(),
		...part,
	}));
}

const cases: readonly Case[] = [
	{ what: 'ARP', outcome: 'not-ip', frame: arp },
	{ what: 'a VLAN tag', outcome: 'vlan-tag', frame: vlan },
	{ what: 'an unknown EtherType', outcome: 'not-ip', frame: overwritten(ipv4(), 12, 0x88, 0xb5) },
	{ what: 'an IPv4 header of 16 bytes', outcome: 'malformed', frame: overwritten(ipv4(), 14, 0x44) },
	{ what: 'version 5', outcome: 'malformed', frame: overwritten(ipv4(), 14, 0x55) },
	{ what: 'a total length beyond the frame', outcome: 'malformed', frame: overwritten(ipv4(), 16, 0, 65) },
	{ what: 'a total length below the header', outcome: 'malformed', frame: overwritten(ipv4(), 16, 0, 19) },
	{ what: 'a wrong IPv4 checksum', outcome: 'malformed', frame: overwritten(ipv4(), 24, 0, 0) },
	{ what: 'half an IPv4 header', outcome: 'malformed', frame: ipv4().subarray(0, 24) },
	{ what: 'half an IPv6 header', outcome: 'malformed', frame: ipv6().subarray(0, 34) },
	{ what: 'IPv4 as IPv6', outcome: 'malformed', frame: overwritten(ipv4({ bytes: 64 }), 12, 0x86, 0xdd) },
	{ what: 'a payload length beyond the frame', outcome: 'malformed', frame: overwritten(ipv6(), 18, 0, 65) },
	{
		what: 'a payload length that overflows',
		outcome: 'malformed',
		frame: overwritten(ipv6(), 18, 0xff, 0xff),
	},
	{ what: 'an Ethernet group', outcome: 'link-local', frame: overwritten(ipv6(), 0, 0x33) },
	...['169.254.1.1', '224.0.0.1', '255.255.255.255', '127.0.0.1'].map((to): Case => {
		return { what: `to ${to}`, outcome: 'link-local', frame: ipv4({ to }) };
	}),
	...['169.254.1.1', '0.0.0.0'].map((from): Case => {
		return { what: `from ${from}`, outcome: 'link-local', frame: ipv4({ from }) };
	}),
	...['fe80::1', 'ff02::1', 'ff0e::1', '::', '::1'].map((to): Case => {
		return { what: `to ${to}`, outcome: 'link-local', frame: ipv6({ to }) };
	}),
	...['fe80::1', '::', '::1'].map((from): Case => {
		return { what: `from ${from}`, outcome: 'link-local', frame: ipv6({ from }) };
	}),
	{ what: 'a neighbour solicitation', outcome: 'neighbour-discovery', frame: solicitation() },
	{ what: 'another IPv4 destination', outcome: 'no-tunnel', frame: ipv4({ to: '10.11.3.1' }) },
	{ what: 'another IPv6 destination', outcome: 'no-tunnel', frame: ipv6({ to: 'fc00:dead:cafe:3::1' }) },
	...[0, 1].flatMap((hops): Case[] => [
		{ what: `TTL ${hops}`, outcome: 'hop-limit', frame: ipv4({ hops }) },
		{ what: `hop limit ${hops}`, outcome: 'hop-limit', frame: ipv6({ hops }) },
	]),
	{ what: 'an unknown next hop', outcome: 'handed-over', hooks: ['xdp'], prepare: unknown, frame: ipv6() },
	{
		what: 'an unknown next hop',
		outcome: 'forwarded-neighbour',
		hooks: ['tc'],
		prepare: unknown,
		frame: ipv6(),
	},
	...each('the way', 'forwarded', [{ prepare: known }, { prepare: known, destination: host1Ipv6 }]),
	...each('up the stack', 'to-stack', [
		{ forwarding: 'stack' },
		{ forwarding: 'stack', destination: host1Ipv6 },
	]),
	...each('a blackhole route', 'route-blackhole', route('blackhole')),
	...each('an unreachable route', 'route-unreachable', route('unreachable')),
	...each('a prohibit route', 'route-prohibit', route('prohibit')),
	...each('no route', 'not-forwarded', [{ destination: '203.0.113.1' }, { destination: '2001:db8::1' }]),
	...each('the router itself', 'not-forwarded', [
		{ destination: '10.11.1.2' },
		{ destination: 'fc00:dead:cafe:1::2' },
	]),
	...each('forwarding off', 'forwarding-off', [
		{ prepare: ({ sysctl }) => sysctl('ipv4/conf/veth0/forwarding', 0) },
		{ destination: host1Ipv6, prepare: ({ sysctl }) => sysctl('ipv6/conf/veth0/forwarding', 0) },
	]),
	...each('a lightweight tunnel', 'route-tunnel', [
		{ prepare: ({ ip }) => void ip('route add 10.11.2.1/32 encap ip id 100 dst 10.11.2.9 dev veth1') },
	]),
	...each("more than the route's MTU", 'handed-over-answer', [
		{ hooks: ['xdp'], prepare: narrow(1000), frame: ipv6({ bytes: 981 }) },
		{ hooks: ['xdp'], prepare: narrow(1000), frame: ipv4({ bytes: 981 }) },
	]),
	...each("more than the route's MTU", 'too-big-answered', [
		{ hooks: ['tc'], prepare: narrow(1400), frame: ipv6({ bytes: 1381 }) },
		{ hooks: ['tc'], prepare: narrow(1000), frame: whole(ipv4({ bytes: 981 })) },
		{ hooks: ['tc'], prepare: narrow(1000), frame: ipv6({ bytes: 1281 }) },
	]),
	...each("more than the route's MTU, but no more than anyone must be able to send", 'too-big', [
		{ hooks: ['tc'], prepare: narrow(1000), frame: ipv6({ bytes: 981 }) },
		{ hooks: ['tc'], prepare: narrow(1000), frame: ipv6({ bytes: 1280 }) },
	]),
	...each("more than the route's MTU, about an error", 'too-big', [
		{ hooks: ['tc'], prepare: narrow(1400), frame: overwritten(ipv6({ bytes: 1400 }), 20, 58) },
		{
			hooks: ['tc'],
			prepare: narrow(1000),
			frame: overwritten(overwritten(whole(ipv4({ bytes: 981 })), 34, 3), 23, 1),
		},
	]),
	...each("more than the route's MTU, a later fragment", 'too-big', [
		{ hooks: ['tc'], prepare: narrow(1000), frame: overwritten(ipv4({ bytes: 981 }), 20, 0x40, 9) },
		{
			hooks: ['tc'],
			prepare: narrow(1400),
			frame: overwritten(ipv6({ bytes: 1400 }), 20, 44, 64, ...ends6, 58, 0, 0, 8),
		},
	]),
	...each("more than the route's MTU, from no single host", 'too-big', [
		{ hooks: ['tc'], prepare: narrow(1000), frame: whole(ipv4({ from: '224.0.0.1', bytes: 981 })) },
		{ hooks: ['tc'], prepare: narrow(1000), frame: whole(ipv4({ from: '127.0.0.1', bytes: 981 })) },
		{ hooks: ['tc'], prepare: narrow(1000), frame: ipv6({ from: 'ff02::1', bytes: 1381 }) },
	]),
	{
		what: "more than the route's MTU, without DF",
		outcome: 'too-big-no-df',
		hooks: ['tc'],
		prepare: narrow(1000),
		frame: ipv4({ bytes: 981 }),
	},
	{
		what: "the route's MTU to the byte",
		outcome: 'forwarded',
		prepare: narrow(1000),
		frame: ipv6({ bytes: 980 }),
	},
	...each("more than the device's MTU", 'too-big-answered', [
		{ hooks: ['tc'], destination: host1Ipv6, prepare: known, frame: ipv6({ bytes: 1461 }) },
	]),
	{
		what: "for another host's Ethernet address",
		outcome: 'other-host',
		frame: overwritten(ipv6(), 0, 2, 0, 0, 0, 9, 9),
	},
	...each('a device that packets may not leave by', 'egress-refused', [
		{ prepare: known, egress: { xdp: true, egress: false } },
		{ egress: { xdp: true, egress: false } },
	]),
	...each('a device that XDP cannot send by', 'handed-over-egress', [
		{ hooks: ['xdp'], prepare: known, egress: { xdp: false, egress: true } },
	]),
	...each('a device that XDP cannot send by', 'forwarded', [
		{ hooks: ['tc'], prepare: known, egress: { xdp: false, egress: true } },
	]),
	...each('a checksum that the sender left to its device', 'handed-over-checksum', [
		{ hooks: ['xdp'], prepare: known, unfinished: true, frame: unfinished('ipv4') },
		{ hooks: ['xdp'], prepare: known, unfinished: true, frame: unfinished('ipv6') },
	]),
	...each('a finished checksum', 'forwarded', [
		{ prepare: known, unfinished: true, frame: ipv6({ protocol: 6 }) },
	]),
	...each("the tunnel's own packet", 'loop', [
		{ destination: '10.11.1.77', frame: ipv4({ from: '10.11.2.2', to: '10.11.1.77' }) },
		{
			destination: 'fc00:dead:cafe:1::77',
			frame: ipv6({ from: 'fc00:dead:cafe:2::2', to: 'fc00:dead:cafe:1::77' }),
		},
	]),
	...each("another packet to the tunnel's end", 'not-forwarded', [
		{
			destination: '10.11.1.77',
			prepare: ({ ip }) => void ip('route add local 10.11.1.77/32 dev lo'),
			frame: ipv4({ to: '10.11.1.77' }),
		},
	]),
	...decapsulated('for this host', 'decapsulated-to-stack', {}, ipv6({ to: 'fc00:dead:cafe:2::2' })),
	...decapsulated('to a known neighbour', 'decapsulated', { prepare: known }, ipv6({ to: host1Ipv6 })),
	...decapsulated(
		'to an unknown neighbour',
		'handed-over',
		{ hooks: ['xdp'], prepare: unknown },
		ipv6({ to: host1Ipv6 }),
	),
	...decapsulated(
		'to an unknown neighbour',
		'decapsulated-neighbour',
		{ hooks: ['tc'], prepare: unknown },
		ipv6({ to: host1Ipv6 }),
	),
	...decapsulated('into a tunnel', 'relayed', { prepare: known }, ipv6()),
	...decapsulated(
		'into a tunnel to an unknown neighbour',
		'relayed-neighbour',
		{ hooks: ['tc'], prepare: unknown },
		ipv6(),
	),
	...decapsulated(
		'by a blackhole route',
		'route-blackhole',
		{
			prepare: ({ ip }) => void ip(`-6 route add blackhole fc00:dead:cafe:9::/64`),
		},
		ipv6({ to: 'fc00:dead:cafe:9::1' }),
	),
	...decapsulated('with a bad inner header', 'inner-malformed', {}, overwritten(ipv6(), 14, 0x50)),
	...decapsulated('to a group', 'inner-link-local', {}, ipv6({ to: 'ff0e::1' })),
	...decapsulated('to a neighbour, in discovery', 'inner-link-local', {}, solicitation()),
	{
		what: 'congestion that its sender does not know of',
		outcome: 'inner-congested',
		decapsulate: true,
		frame: overwritten(inIpv4(ipv6()), 15, 3),
	},
	{
		what: 'ping to a tunnel end',
		outcome: 'no-decapsulation',
		decapsulate: true,
		frame: ipv4({ to: '10.11.1.2', protocol: 1 }),
	},
	{
		what: 'a fragment to a tunnel end',
		outcome: 'outer-fragment',
		decapsulate: true,
		frame: overwritten(inIpv4(ipv6()), 20, 0x20),
	},
	{
		what: 'GRE with a checksum to a tunnel end',
		outcome: 'outer-options',
		decapsulate: true,
		frame: overwritten(ipv4({ to: '10.11.1.2', protocol: 47 }), 34, 0x80),
	},
	{
		what: 'GRE without IP to a tunnel end',
		outcome: 'inner-not-ip',
		decapsulate: true,
		frame: overwritten(ipv4({ to: '10.11.1.2', protocol: 47 }), 34, 0, 0, 0x65, 0x58),
	},
	{
		what: 'more than an outer header can say',
		outcome: 'too-big',
		hooks: ['tc'],
		forwarding: 'stack',
		prepare: ({ ip, hostIp }) => {
			ip('link set veth0 mtu 65535');
			hostIp('link set host0 mtu 65535');
		},
		frame: ipv4({ bytes: 65516 }),
	},
];

function tunnelsTo(destination: string): Tunnel[] {
	const source = destination.includes(':') ? 'fc00:dead:cafe:2::2' : '10.11.2.2';
	return [
		'10.11.1.0/24',
		'169.254.0.0/16',
		'127.0.0.0/8',
		'224.0.0.0/3',
		'::/1',
		'fc00:dead:cafe:1::/64',
		'fe00::/7',
	].map((match) => ({ match, encapsulation: 'ip', source, destination }));
}

/** How often each outcome was met at the hook while the work was done, once there is any. */
async function countsOf(
	datapath: Datapath,
	hook: Hook,
	work: () => void,
): Promise<Record<string, OutcomeCount>> {
	const before = datapath.outcomes(hook);
	work();
	for (const deadline = performance.now() + 5000; performance.now() < deadline; ) {
		const counts = [...datapath.outcomes(hook)].flatMap(([outcome, now]) => {
			const { packets = 0n, bytes = 0n } = before.get(outcome) ?? {};
			const grown = { packets: now.packets - packets, bytes: now.bytes - bytes };
			return grown.packets === 0n ? [] : [[outcome, grown] as const];
		});
		if (counts.length > 0) return Object.fromEntries(counts);
		await new Promise((resolve) => setImmediate(resolve));
	}
	return {};
}

interface Rig {
	readonly network: Network;
	readonly datapath: Datapath;
	/** Have every tunnel lead there. */
	leadTo(destination: string): void;
	/** Tell the datapath of a case what it is told of devices and of tunnels that end here. */
	tell(each: Pick<Case, 'egress' | 'unfinished' | 'decapsulate'>): void;
	close(): void;
}

/** Loaded once: the verifier takes longer than all else. */
const loaded = new Map<string, Datapath>();
afterAll(() => {
	for (const datapath of loaded.values()) datapath.close();
});

function datapathOf(hook: Hook, forwarding: Forwarding): Datapath {
	const key = `${hook} ${forwarding}`;
	const datapath = loaded.get(key) ?? loadDatapath({ hook, forwarding });
	loaded.set(key, datapath);
	return datapath;
}

/** The datapath on veth0 of a network of its own. */
function openRig(hook: Hook, forwarding: Forwarding): Rig {
	const network = openNetwork();
	const datapath = datapathOf(hook, forwarding);
	inNamespace(network.router, () => {
		for (const each of datapath.programs) {
			if (each.hook === 'xdp') attachXdp(network.device('veth0'), each.program);
			else attachTc(network.device('veth0'), each.program);
		}
	});
	let led = '';
	return {
		network,
		datapath,
		tell: ({ egress, unfinished = false, decapsulate }) => {
			const veth0 = {
				index: network.device('veth0'),
				address: ethernet.destination,
				xdp: true,
				egress: true,
			};
			datapath.setDevices([
				{ ...veth0, unfinished },
				...(egress === undefined ? [] : [{ index: network.device('veth1'), ...egress }]),
			]);
			datapath.setDecapsulations(
				decapsulate
					? (['ip', 'gre'] as const).map((encapsulation) => ({ encapsulation, local: '10.11.1.2' }))
					: [],
			);
		},
		leadTo: (destination) => {
			if (led === destination) return;
			led = destination;
			datapath.setTunnels(tunnelsTo(destination));
			outliveMemory();
		},
		close: network.close,
	};
}

test('every outcome is brought about here, or it is said why not', () => {
	const reached = [
		...cases.map(({ outcome }) => outcome),
		...['no-room', 'fib-error', 'offload', 'handed-over-refresh', 'too-big-limited', 'segmented'],
		...Object.keys(outOfReach),
	];
	expect(new Set(reached)).toEqual(new Set(outcomes));
});

/** bpf_fib_lookup says which MTU it held a packet against (mtu_result). */
const namesMtu = parseKernel(release()).version >= 5012;

/** Send a case's frame, and see what it was counted as. */
async function expectOutcome(
	{ network, datapath, leadTo, tell }: Rig,
	hook: Hook,
	each: Case,
): Promise<void> {
	tell(each);
	leadTo(each.destination ?? '10.11.2.1');
	const counts = await countsOf(datapath, hook, () => network.send(each.frame));
	// As received: the kernel takes a VLAN tag out of the frame before TC sees it.
	const bytes = BigInt(each.frame.length - (hook === 'tc' && each.frame === vlan ? 4 : 0));
	expect(counts).toEqual({ [each.outcome]: { packets: 1n, bytes } });
}

describe.each(['xdp', 'tc'] as const)('at %s', requires('root', 'ip'), (hook) => {
	const mine = cases.filter(({ hooks = [hook] }) => hooks.includes(hook));
	const isPlain = ({ prepare, forwarding }: Case): boolean =>
		prepare === undefined && forwarding === undefined;
	let shared: Rig;
	beforeAll(() => {
		shared = openRig(hook, 'fib');
	});
	afterAll(() => shared?.close());

	test.for(mine.filter(isPlain))('$what: $outcome', (each) => expectOutcome(shared, hook, each));

	test.for(mine.filter((each) => !isPlain(each)))('$what: $outcome', async (each, { skip }) => {
		const rig = openRig(hook, each.forwarding ?? 'fib');
		try {
			try {
				each.prepare?.(rig.network);
			} catch (error) {
				if (each.outcome === 'route-tunnel') skip('the kernel has no lightweight tunnels (CONFIG_LWTUNNEL)');
				throw error;
			}
			if (each.outcome === 'too-big-answered' && !namesMtu)
				skip('the kernel does not say which MTU a packet is longer than (Linux 5.12 does)');
			await expectOutcome(rig, hook, each);
		} finally {
			rig.close();
		}
	});
});

describe('in a test run', requires('root', 'ip'), () => {
	/** What the only program of a rig returns for a frame and a context. */
	function verdictOf({ network, datapath }: Rig, data: Uint8Array, context: Uint32Array): number {
		const program = datapath.programs[0]?.program ?? -1;
		const options = { data, context: new Uint8Array(context.buffer) };
		return inNamespace(network.router, () => testRun(program, options).returnValue);
	}

	test('no headroom: no-room', async ({ skip }) => {
		const rig = openRig('xdp', 'stack');
		try {
			rig.leadTo('10.11.2.1');
			// Of the 256 bytes before a frame, 40 are the kernel's and the rest is XDP metadata.
			const metadata = 208;
			const frame = ipv6();
			const data = new Uint8Array(metadata + frame.length);
			data.set(frame, metadata);
			// struct xdp_md
			const context = Uint32Array.of(metadata, data.length, 0, rig.network.device('veth0'), 0, 0);
			const counts = await countsOf(rig.datapath, 'xdp', () => {
				try {
					expect(verdictOf(rig, data, context)).toBe(1); // XDP_DROP
				} catch (error) {
					if (!(error instanceof EncapForwardError)) throw error;
					skip('the kernel takes no more than 32 bytes of XDP metadata (before Linux 6.7)');
				}
			});
			expect(Object.keys(counts)).toEqual(['no-room']);
		} finally {
			rig.close();
		}
	});

	test('a device that is gone: fib-error', async ({ skip }) => {
		const rig = openRig('tc', 'fib');
		try {
			rig.leadTo('10.11.2.1');
			const context = new Uint32Array(48); // struct __sk_buff
			context[9] = 99_999; // ingress_ifindex
			context[10] = rig.network.device('veth0'); // ifindex, whose Ethernet address the frame is for
			const counts = await countsOf(rig.datapath, 'tc', () => {
				try {
					expect(verdictOf(rig, ipv6(), context)).toBe(2); // TC_ACT_SHOT
				} catch (error) {
					if (!(error instanceof EncapForwardError)) throw error;
					skip('the kernel lets no test run say where a packet came in (before Linux 5.15)');
				}
			});
			expect(Object.keys(counts)).toEqual(['fib-error']);
		} finally {
			rig.close();
		}
	});
});
