/** Packets that the running kernel really drops, in every way a router does: what `trace` says of each. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadDatapath } from '../../src/datapath/datapath.ts';
import type { Cause } from '../../src/journey/cause.ts';
import { attachTc, attachXdp } from '../../src/kernel/attach.ts';
import { readDropReasons } from '../../src/kernel/drop-reasons.ts';
import { libc } from '../../src/kernel/libc.ts';
import { inNamespace, type Namespace } from '../../src/kernel/namespace.ts';
import { loadObject } from '../../src/kernel/object.ts';
import { encodeIpv4 } from '../../src/packet/ipv4.ts';
import { encodeIpv6 } from '../../src/packet/ipv6.ts';
import { encodeIpv6Extensions } from '../../src/packet/ipv6-extension.ts';
import { ipProtocol } from '../../src/packet/protocol.ts';
import { explanationOf } from '../../src/trace/words.ts';
import { requires } from '../needs.ts';
import { inTunnels } from '../packet/tunnels.ts';
import { addressBytes } from '../support/journeys.ts';
import { counter, type Network, openNetwork } from '../support/network.ts';
import { framed, readdressed, udpFrame, udpPacket } from './frames.ts';
import { marker, openTracing, type Seen, type Tracing } from './tracing.ts';

interface Case {
	readonly title: string;
	readonly cause: Cause;
	/** The kernel's name, where the running kernel has it. */
	readonly reason: string;
	readonly where: RegExp;
	/** The packet's when it is dropped; veth0 if not given. */
	readonly device?: string;
	/** Of the router, before. */
	readonly set?: (network: Network) => void;
	readonly frame: (payload: Uint8Array) => Uint8Array;
	/** A counter of the kernel's own that says the same. */
	readonly counter?: string;
}

const elsewhere = { from: '10.11.1.9', to: '10.99.0.1' } as const;
const elsewhere6 = { from: 'fc00:dead:cafe:1::9', to: 'fc00:99::1' } as const;
const through = { from: '10.11.1.9', to: '10.11.2.1' } as const;
const through6 = { from: 'fc00:dead:cafe:1::9', to: 'fc00:dead:cafe:2::1' } as const;

const route = (type: string) => ({
	set: ({ ip }: Network) => {
		ip(`route replace ${type} 10.99.0.0/16`);
		ip(`-6 route replace ${type} fc00:99::/32`);
	},
});

const cases: readonly Case[] = [
	{
		title: 'strict reverse path',
		cause: 'reverse-path',
		reason: 'IP_RPFILTER',
		where: /^ip_rcv_finish/,
		set: ({ sysctl }) => sysctl('ipv4/conf/veth0/rp_filter', 1),
		frame: (payload) => udpFrame({ from: '10.11.2.77', to: '10.11.2.1', payload }),
		counter: 'IPReversePathFilter',
	},
	{
		title: 'a source that is the router’s own',
		cause: 'source-is-local',
		reason: 'IP_LOCAL_SOURCE',
		where: /^ip_rcv_finish/,
		frame: (payload) => udpFrame({ from: '10.11.2.2', to: '10.11.2.1', payload }),
	},
	{
		title: 'a multicast source',
		cause: 'source-invalid',
		reason: 'IP_INVALID_SOURCE',
		where: /^ip_rcv_finish/,
		frame: (payload) => udpFrame({ from: '224.0.0.9', to: '10.11.2.1', payload }),
	},
	{
		title: 'a loopback source',
		cause: 'loopback-address',
		reason: 'IP_LOCALNET',
		where: /^ip_rcv_finish/,
		frame: (payload) => udpFrame({ from: '127.0.0.9', to: '10.11.2.1', payload }),
	},
	{
		title: 'no route',
		cause: 'no-route',
		reason: 'IP_INNOROUTES',
		where: /^ip_error$/,
		frame: (payload) => udpFrame({ ...elsewhere, payload }),
		counter: 'InNoRoutes',
	},
	{
		title: 'no route, IPv6',
		cause: 'no-route',
		reason: 'IP_INNOROUTES',
		where: /^ip6_pkt_(drop|discard)$/,
		frame: (payload) => udpFrame({ ...elsewhere6, payload }),
	},
	...(['unreachable', 'prohibit', 'blackhole'] as const).flatMap((type): Case[] => [
		{
			title: `a route of type ${type}`,
			cause: `route-${type}`,
			reason: 'NOT_SPECIFIED',
			where: /^ip_error$/,
			...route(type),
			frame: (payload) => udpFrame({ ...elsewhere, payload }),
		},
		{
			title: `a route of type ${type}, IPv6`,
			cause: `route-${type}`,
			reason: type === 'blackhole' ? 'NOT_SPECIFIED' : 'IP_INNOROUTES',
			where: /^(ip6_pkt_(drop|discard|prohibit)|dst_discard(_out)?)$/,
			...route(type),
			frame: (payload) => udpFrame({ ...elsewhere6, payload }),
		},
	]),
	{
		title: 'forwarding off',
		cause: 'forwarding-off',
		reason: 'IP_INADDRERRORS',
		where: /^ip_error$/,
		set: ({ sysctl }) => sysctl('ipv4/conf/veth0/forwarding', 0),
		frame: (payload) => udpFrame({ ...through, payload }),
	},
	{
		title: 'forwarding off, IPv6',
		cause: 'forwarding-off',
		reason: 'IP_INADDRERRORS',
		where: /^ip6_forward$/,
		set: ({ sysctl }) => sysctl('ipv6/conf/all/forwarding', 0),
		frame: (payload) => udpFrame({ ...through6, payload }),
	},
	{
		title: 'a TTL of 1',
		cause: 'ttl-expired',
		reason: 'IP_INHDR',
		where: /^ip_forward$/,
		frame: (payload) => udpFrame({ ...through, payload, ttl: 1 }),
	},
	{
		title: 'a hop limit of 1',
		cause: 'ttl-expired',
		reason: 'IP_INHDR',
		where: /^ip6_forward$/,
		frame: (payload) => udpFrame({ ...through6, payload, ttl: 1 }),
	},
	{
		title: 'longer than the MTU, DF set',
		cause: 'too-big',
		reason: 'PKT_TOO_BIG',
		where: /^ip_forward$/,
		set: ({ ip }) => void ip('link set veth1 mtu 1280'),
		frame: (payload) => {
			const long = new Uint8Array(1300);
			long.set(payload);
			return udpFrame({ ...through, payload: long, dontFragment: true });
		},
		counter: 'FragFails',
	},
	{
		title: 'longer than the MTU, IPv6',
		cause: 'too-big',
		reason: 'PKT_TOO_BIG',
		where: /^ip6_forward$/,
		device: 'veth1',
		set: ({ ip }) => void ip('link set veth1 mtu 1280'),
		frame: (payload) => {
			const long = new Uint8Array(1300);
			long.set(payload);
			return udpFrame({ ...through6, payload: long });
		},
	},
	{
		title: 'a next hop that does not answer',
		cause: 'neighbour-failed',
		reason: 'NEIGH_FAILED',
		where: /^neigh_invalidate$/,
		device: 'veth1',
		set: ({ sysctl }) => {
			sysctl('ipv4/neigh/veth1/mcast_solicit', 1);
			sysctl('ipv4/neigh/veth1/retrans_time_ms', 50);
		},
		frame: (payload) => udpFrame({ from: '10.11.1.9', to: '10.11.2.99', payload }),
	},
	{
		title: 'another host’s Ethernet address',
		cause: 'wrong-mac',
		reason: 'OTHERHOST',
		where: /^ip_rcv_core$/,
		frame: (payload) => udpFrame({ ...through, payload, mac: '02:00:00:00:00:99' }),
	},
	{
		title: 'a wrong header checksum',
		cause: 'bad-checksum',
		reason: 'IP_CSUM',
		where: /^ip_rcv_core$/,
		frame: (payload) => {
			const frame = udpFrame({ ...through, payload });
			frame[14 + 10] = (frame[14 + 10] ?? 0) ^ 0xff;
			return frame;
		},
		counter: 'InHdrErrors',
	},
	{
		title: 'shorter than its header says',
		cause: 'truncated',
		reason: 'PKT_TOO_SMALL',
		where: /^ip_rcv_core$/,
		frame: (payload) => {
			const packet = udpPacket({ ...through, payload: new Uint8Array([...payload, 1, 2, 3, 4]) });
			return framed(packet.subarray(0, packet.length - 4));
		},
		counter: 'InTruncatedPkts',
	},
	{
		title: 'a port that nobody listens on',
		cause: 'no-receiver',
		reason: 'NO_SOCKET',
		where: /^(__udp4_lib_rcv|udp_rcv)$/,
		frame: (payload) => udpFrame({ from: '10.11.1.9', to: '10.11.1.2', payload }),
		counter: 'NoPorts',
	},
	{
		title: 'a protocol that nobody takes',
		cause: 'no-receiver',
		reason: 'IP_NOPROTO',
		where: /^ip_(protocol_deliver_rcu|local_deliver_finish)$/,
		frame: (payload) => {
			const ends = { source: addressBytes('10.11.1.9'), destination: addressBytes('10.11.1.2') };
			return framed(encodeIpv4({ ttl: 64, protocol: 253, ...ends }, payload));
		},
		counter: 'InUnknownProtos',
	},
	{
		title: 'no carrier',
		cause: 'no-carrier',
		reason: 'QDISC_DROP',
		where: /^(__dev_queue_xmit|kfree_skb_list_reason|__tcf_kfree_skb_list)$/,
		device: 'veth1',
		set: ({ ip, hostIp }) => {
			ip('neighbour replace 10.11.2.98 lladdr 02:00:00:00:00:98 dev veth1 nud permanent');
			hostIp('link set host1 down');
			// The kernel takes its queue away a little later (linkwatch_event).
			for (let tries = 0; tries < 200 && ip('link show dev veth1').includes('state UP'); tries++);
		},
		frame: (payload) => udpFrame({ from: '10.11.1.9', to: '10.11.2.98', payload }),
	},
	{
		title: 'a TC program, our own datapath here',
		cause: 'tc-program',
		reason: 'TC_INGRESS',
		where: /./,
		set: ({ router, device, ip }) => {
			ip('route add blackhole 10.98.0.0/16');
			const datapath = loadDatapath({ hook: 'tc', forwarding: 'fib' });
			datapath.setTunnels([
				{ match: '10.11.2.1', encapsulation: 'ip', source: '10.11.2.2', destination: '10.98.0.1' },
			]);
			const [tc] = datapath.programs;
			inNamespace(router, () => attachTc(device('veth0'), tc?.program ?? -1));
			datapath.close();
		},
		frame: (payload) => udpFrame({ ...through, payload }),
	},
];

/** Where a packet of a device without a carrier is freed, and one of a queue that is full. */
const ofAnyQueue = /^(kfree_skb_list_reason|__tcf_kfree_skb_list)$/;

describe('what the kernel drops', requires('root', 'ip'), () => {
	let network: Network;
	let tracing: Tracing;
	/** Whether the running kernel names all of these reasons: Linux 6.13 or later. */
	const isNamed = [...readDropReasons().values()].includes('IP_LOCAL_SOURCE');
	beforeAll(async () => {
		tracing = await openTracing();
		return async () => void (await tracing.end());
	});
	beforeEach(() => {
		network = openNetwork();
		return () => network.close();
	});

	test.each(cases)(
		'$title: $cause',
		async ({ cause, reason, where, device = 'veth0', set, frame, counter: name }) => {
			set?.(network);
			const { bytes, isIn } = marker();
			const sent = frame(bytes);
			const before = name === undefined ? 0 : counter(network.router, name);
			const { drop, packet } = await tracing.dropOf(() => network.send(sent), isIn);
			if (isNamed || drop.reason !== 'NOT_SPECIFIED') {
				const { reason: said, cause: found, where: place } = drop;
				// Linux 6.1 and 7.3 free in one place whatever a queue drops.
				const known = ofAnyQueue.test(place) ? 'unknown' : cause;
				expect([said, found, place]).toEqual([reason, known, expect.stringMatching(where)]);
			} else {
				// An older kernel gives no reason, and then no cause is guessed.
				expect([cause, 'unknown']).toContain(drop.cause);
			}
			expect(drop).toMatchObject({ by: 'kernel', tooMany: false });
			expect(drop.namespace).toBe(`inode:${network.router.inode}`);
			expect(drop.device).toBe(device);
			if (name !== undefined) expect(counter(network.router, name)).toBe(before + 1);
			// Forwarding takes one off the hops before it drops; what is behind stays as it was.
			expect(Buffer.from(packet.bytes).includes(Buffer.from(bytes))).toBe(true);
			if (packet.start === 'ethernet') expect(packet.length).toBe(sent.length);
		},
	);
});

describe('the headers of what is dropped', requires('root', 'ip'), () => {
	let network: Network;
	let tracing: Tracing;
	beforeAll(async () => {
		network = openNetwork();
		tracing = await openTracing();
	});
	afterAll(async () => {
		await tracing.end();
		network.close();
	});

	const ends = {
		ipv4: { source: '10.11.1.9', destination: '10.99.0.1' },
		ipv6: { source: 'fc00:dead:cafe:1::9', destination: 'fc00:99::1' },
	} as const;
	const inners = {
		ipv4: { source: '192.0.2.1', destination: '198.51.100.7' },
		ipv6: { source: '2001:db8::1', destination: '2001:db8:1::7' },
	} as const;
	const addresses = ({ source, destination }: { source: string; destination: string }) => ({
		source: addressBytes(source),
		destination: addressBytes(destination),
	});

	const families = ['ipv4', 'ipv6'] as const;
	const tunnels = Object.keys(inTunnels(new Uint8Array([0x45]), addresses(ends.ipv4)));
	const combinations = families.flatMap((outer) =>
		families.flatMap((inner) => tunnels.map((tunnel) => ({ tunnel, outer, inner }))),
	);
	const outerProtocol = { ip: { ipv4: 4, ipv6: 41 }, gre: 47, gue: 17, vxlan: 17, geneve: 17 } as const;

	test.each(combinations)('$inner in $tunnel over $outer', async ({ tunnel, outer, inner }) => {
		const { bytes, isIn } = marker();
		const { source: from, destination: to } = inners[inner];
		const packet = udpPacket({ from, to, payload: bytes });
		const frame = readdressed(inTunnels(packet, addresses(ends[outer]))[tunnel] ?? new Uint8Array());
		const { drop } = await tracing.dropOf(() => network.send(frame), isIn);
		const encapsulation = tunnel.split(/[ ,]/)[0] as keyof typeof outerProtocol;
		const protocol = outerProtocol[encapsulation];
		expect(drop.headers).toEqual({
			ethertype: outer === 'ipv4' ? 0x0800 : 0x86dd,
			outer: { ...ends[outer], protocol: typeof protocol === 'number' ? protocol : protocol[inner] },
			encapsulation,
			inner: { ...inners[inner], protocol: 17 },
		});
	});

	test('IPv4 options, and extension headers of IPv6, are passed over', async () => {
		const one = marker();
		const ipv4 = encodeIpv4(
			{ ttl: 64, protocol: ipProtocol.ipv6, ...addresses(ends.ipv4), options: new Uint8Array(12).fill(1) },
			udpPacket({ from: inners.ipv6.source, to: inners.ipv6.destination, payload: one.bytes }),
		);
		const seen = await tracing.dropOf(() => network.send(framed(ipv4)), one.isIn);
		expect(seen.drop.headers).toMatchObject({ encapsulation: 'ip', inner: inners.ipv6 });

		const other = marker();
		const { nextHeader, payload } = encodeIpv6Extensions({
			extensions: [
				{ type: 'hop-by-hop', body: new Uint8Array([1, 4, 0, 0, 0, 0]) },
				{ type: 'destination options', body: new Uint8Array([1, 12, ...new Uint8Array(12)]) },
			],
			protocol: ipProtocol.ipv4,
			payload: udpPacket({ from: inners.ipv4.source, to: inners.ipv4.destination, payload: other.bytes }),
		});
		const ipv6 = encodeIpv6({ hopLimit: 64, nextHeader, ...addresses(ends.ipv6) }, payload);
		const again = await tracing.dropOf(() => network.send(framed(ipv6)), other.isIn);
		expect(again.drop.headers).toMatchObject({
			outer: { ...ends.ipv6, protocol: ipProtocol.ipv4 },
			encapsulation: 'ip',
			inner: inners.ipv4,
		});
	});

	test('a later fragment has no encapsulation, whatever its bytes are', async () => {
		const { bytes, isIn } = marker();
		const packet = encodeIpv4(
			{ ttl: 64, protocol: ipProtocol.ipv4, ...addresses(ends.ipv4), fragmentOffset: 64 },
			udpPacket({ from: inners.ipv4.source, to: inners.ipv4.destination, payload: bytes }),
		);
		const { drop } = await tracing.dropOf(() => network.send(framed(packet)), isIn);
		expect(drop.headers).toEqual({ ethertype: 0x0800, outer: { ...ends.ipv4, protocol: 4 } });
	});
});

describe('what XDP loses', requires('root', 'ip'), () => {
	let network: Network;
	let tracing: Tracing;
	beforeAll(async () => {
		tracing = await openTracing();
		return async () => void (await tracing.end());
	});
	beforeEach(() => {
		network = openNetwork();
		return () => network.close();
	});

	/** One of bench/rate.bpf.c at a device's native hook. */
	function attach(
		namespace: Namespace,
		device: number,
		program: string,
		constants: Readonly<Record<string, number>> = {},
	): void {
		const object = loadObject(fileURLToPath(new URL('../../bench/rate.o', import.meta.url)), { constants });
		try {
			inNamespace(namespace, () => attachXdp(device, object.program(program)));
		} finally {
			object.close();
		}
	}

	function atVeth0(program: string, constants: Readonly<Record<string, number>>): void {
		attach(network.router, network.device('veth0'), program, constants);
	}

	/** What XDP loses when a frame comes in. */
	function lost(length?: number): Promise<Seen> {
		const frame = udpFrame({ ...through, payload: marker().bytes });
		return tracing.dropOf(
			() => network.send(frame.subarray(0, length)),
			({ drop }) => drop.by === 'xdp' && drop.namespace === `inode:${network.router.inode}`,
		);
	}

	test('a redirect to a veth whose other end has no XDP program', async () => {
		atVeth0('redirect', { redirect_device: network.device('veth1') });
		const { drop, packets } = await lost();
		expect(drop).toMatchObject({ cause: 'xdp-redirect', device: 'veth0', target: 'veth1', tooMany: false });
		// Since Linux 6.3 such a veth says beforehand that it does not take them.
		expect([
			['EOPNOTSUPP', 'xdp:xdp_redirect_err'],
			['ENXIO', 'xdp:xdp_devmap_xmit'],
		]).toContainEqual([drop.reason, drop.where]);
		expect(packets).toBe(1);
		expect(explanationOf(drop)).toContain('veth1 does not take frames that XDP redirects from veth0');
	});

	test('a redirect to a device that is down', async () => {
		const device = inNamespace(network.host, () => libc().if_nametoindex('host1'));
		attach(network.host, device, 'pass');
		network.ip('link set veth1 down');
		atVeth0('redirect', { redirect_device: network.device('veth1') });
		const { drop } = await lost();
		expect(drop).toMatchObject({ reason: 'ENETDOWN', cause: 'xdp-redirect', target: 'veth1' });
	});

	test('a redirect to a device that is not there', async () => {
		atVeth0('redirect', { redirect_device: 999 });
		const { drop } = await lost();
		expect(drop).toMatchObject({ reason: 'EINVAL', cause: 'xdp-redirect', device: 'veth0', target: '#999' });
	});

	test('a program that aborts', async () => {
		atVeth0('generate', { generator_device: 0 });
		const { drop } = await lost(40);
		expect(drop).toMatchObject({ reason: 'XDP_ABORTED', cause: 'xdp-exception', device: 'veth0' });
	});
});
