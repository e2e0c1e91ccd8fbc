/** What the sender of a packet that is too big is told, byte by byte: tshark is the judge. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadDatapath } from '../../src/datapath/datapath.ts';
import { inNamespace } from '../../src/kernel/namespace.ts';
import type { BpfObject } from '../../src/kernel/object.ts';
import { testRun } from '../../src/kernel/test-run.ts';
import { parseMac } from '../../src/packet/address.ts';
import { encodeEthernet } from '../../src/packet/ethernet.ts';
import { encodeIpv4 } from '../../src/packet/ipv4.ts';
import { encodeIpv6 } from '../../src/packet/ipv6.ts';
import { pcapng } from '../../src/packet/pcapng.ts';
import { etherType, ipProtocol } from '../../src/packet/protocol.ts';
import { encodeUdp } from '../../src/packet/udp.ts';
import { requires } from '../needs.ts';
import { tsharkFields } from '../packet/tshark.ts';
import { addressBytes } from '../support/journeys.ts';
import { macs, type Network, openNetwork } from '../support/network.ts';
import { contextOf, openPrograms, openReceiveQueue, type Programs } from '../support/programs.ts';

const inner = {
	ipv4: { source: addressBytes('10.11.1.1'), destination: addressBytes('10.99.0.1') },
	ipv6: { source: addressBytes('fc00:dead:cafe:1::1'), destination: addressBytes('2001:db8::1') },
};
const ethernet = {
	destination: parseMac(macs.veth0) ?? new Uint8Array(6),
	source: parseMac(macs.host0) ?? new Uint8Array(6),
};

/** A frame whose IP packet has so many bytes. */
function frameOf(family: 'ipv4' | 'ipv6', bytes: number): Uint8Array {
	const header = family === 'ipv4' ? 20 : 40;
	const payload = Uint8Array.from({ length: bytes - header - 8 }, (_, index) => (index * 7 + 3) & 0xff);
	const datagram = encodeUdp({ sourcePort: 41000, destinationPort: 41001 }, payload, inner[family]);
	const packet =
		family === 'ipv4'
			? encodeIpv4({ ttl: 7, protocol: ipProtocol.udp, dontFragment: true, ...inner.ipv4 }, datagram)
			: encodeIpv6({ hopLimit: 7, nextHeader: ipProtocol.udp, ...inner.ipv6 }, datagram);
	return encodeEthernet({ ...ethernet, etherType: etherType[family] }, packet);
}

const fields = [
	...[
		'eth.dst',
		'eth.src',
		'ip.src',
		'ip.dst',
		'ip.ttl',
		'ip.len',
		'ip.proto',
		'ip.checksum.status',
		'ip.dsfield',
	],
	...['icmp.type', 'icmp.code', 'icmp.mtu', 'icmp.checksum.status', 'ipv6.src', 'ipv6.dst', 'ipv6.hlim'],
	...['ipv6.plen', 'icmpv6.type', 'icmpv6.code', 'icmpv6.mtu', 'icmpv6.checksum.status'],
] as const;

/** The outermost value of each field, '' where there is none. */
function read(frame: Uint8Array): Readonly<Record<string, string>> {
	const packets = [{ interface: 0, timestamp: 0n, bytes: frame }];
	const [found] = tsharkFields(pcapng({ application: 'test', interfaces: [{ name: 'x' }], packets }), fields);
	return Object.fromEntries(
		Object.entries(found ?? {}).map(([name, value]) => [name, value.split(',')[0] ?? '']),
	);
}

describe('answers', requires('root', 'ip', 'tshark'), () => {
	let network: Network;
	let queue: BpfObject;
	let programs: Programs;

	beforeAll(() => {
		network = openNetwork();
		queue = openReceiveQueue(network.router, network.device('veth0'));
		for (const [address, mac, device] of [
			['10.11.2.1', macs.host1, 'veth1'],
			['10.11.1.1', macs.host0, 'veth0'],
			['fc00:dead:cafe:1::1', macs.host0, 'veth0'],
		] as const)
			network.ip(`neigh replace ${address} lladdr ${mac} dev ${device} nud permanent`);
		programs = openPrograms(network, 'fib');
		programs.setTunnels(
			['10.99.0.0/16', '2001:db8::/32'].map((match) => ({
				match,
				encapsulation: 'gue',
				source: '10.11.2.2',
				destination: '10.11.2.1',
			})),
		);
	});
	afterAll(() => {
		programs?.close();
		queue?.close();
		network?.close();
	});

	/** The frame that TC sends back for one that is too big. */
	function answerTo(frame: Uint8Array): Uint8Array {
		const ran = programs.run('tc', frame);
		expect(ran).toMatchObject({ verdict: 'redirect', outcome: 'too-big-answered' });
		return ran.frame;
	}

	test.each([1469, 1470, 1500])('IPv4 of %d bytes (RFC 1191)', (bytes) => {
		const frame = frameOf('ipv4', bytes);
		const answer = answerTo(frame);
		expect(read(answer)).toMatchObject({
			'eth.dst': macs.host0,
			'eth.src': macs.veth0,
			'ip.src': '10.11.1.2',
			'ip.dst': '10.11.1.1',
			'ip.ttl': '64',
			'ip.len': '576',
			'ip.proto': '1',
			'ip.dsfield': '0xc0',
			'ip.checksum.status': '1',
			'icmp.type': '3',
			'icmp.code': '4',
			'icmp.mtu': '1468',
			'icmp.checksum.status': '1',
		});
		// As it was sent: with the TTL that it came with, and its own checksum.
		expect(Buffer.from(answer.subarray(42))).toEqual(Buffer.from(frame.subarray(14, 14 + 548)));
	});

	test.each([1469, 1470, 1500])('IPv6 of %d bytes (RFC 8201, RFC 4443)', (bytes) => {
		const frame = frameOf('ipv6', bytes);
		const answer = answerTo(frame);
		expect(read(answer)).toMatchObject({
			'eth.dst': macs.host0,
			'eth.src': macs.veth0,
			'ipv6.src': 'fc00:dead:cafe:1::2',
			'ipv6.dst': 'fc00:dead:cafe:1::1',
			'ipv6.hlim': '64',
			'ipv6.plen': '1240',
			'icmpv6.type': '2',
			'icmpv6.code': '0',
			'icmpv6.mtu': '1468',
			'icmpv6.checksum.status': '1',
		});
		expect(Buffer.from(answer.subarray(62))).toEqual(Buffer.from(frame.subarray(14, 14 + 1232)));
	});

	test('a packet shorter than could be quoted is quoted whole', () => {
		network.ip('route add 10.11.2.1/32 dev veth1 mtu lock 300');
		try {
			const frame = frameOf('ipv4', 269);
			const answer = answerTo(frame);
			expect(read(answer)).toMatchObject({
				'ip.len': String(269 + 28),
				'icmp.mtu': '268',
				'icmp.checksum.status': '1',
			});
			expect(Buffer.from(answer.subarray(42))).toEqual(Buffer.from(frame.subarray(14)));
		} finally {
			network.ip('route del 10.11.2.1/32 dev veth1');
		}
	});

	test('not more than many in a moment', () => {
		const frame = frameOf('ipv4', 1500);
		const outcomes = new Map<string, number>();
		// Within 134 ms there are 128; a slow machine takes longer, and several such moments.
		for (let index = 0; index < 2000 && !outcomes.has('too-big-limited'); index++) {
			const { outcome } = programs.run('tc', frame);
			outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
		}
		expect([...outcomes.keys()].sort()).toEqual(['too-big-answered', 'too-big-limited']);
		expect(outcomes.get('too-big-answered')).toBeGreaterThan(64);
	});

	test('a merged packet that is nothing we can segment is counted by name', () => {
		const datapath = loadDatapath({ hook: 'tc', forwarding: 'fib' });
		try {
			datapath.setTunnels([
				{ match: '10.99.0.0/16', encapsulation: 'ip', source: '10.11.2.2', destination: '10.11.2.1' },
			]);
			const frame = frameOf('ipv4', 1000);
			const context = contextOf('tc', network.device('veth0'), frame.length);
			// gso_segs and gso_size of struct __sk_buff; the kernel of a test run gives it no GSO type.
			new DataView(context.buffer).setUint32(164, 2, true);
			new DataView(context.buffer).setUint32(176, 500, true);
			const program = datapath.programs[0]?.program ?? -1;
			const { returnValue } = inNamespace(network.router, () => testRun(program, { data: frame, context }));
			expect(returnValue).toBe(2); // TC_ACT_SHOT
			expect([...datapath.outcomes('tc').keys()]).toEqual(['offload']);
		} finally {
			datapath.close();
		}
	});

	test('XDP leaves a packet to TC about once a second, so that the next hop is looked after', () => {
		const datapath = loadDatapath({ hook: 'xdp', forwarding: 'fib' });
		try {
			datapath.setTunnels([
				{ match: '10.99.0.0/16', encapsulation: 'ip', source: '10.11.2.2', destination: '10.11.2.1' },
			]);
			datapath.setDevices([
				{ index: network.device('veth0'), address: ethernet.destination, xdp: true, egress: true },
				{ index: network.device('veth1'), xdp: true, egress: true },
			]);
			const frame = frameOf('ipv4', 500);
			const program = datapath.programs.find(({ hook }) => hook === 'xdp')?.program ?? -1;
			const context = contextOf('xdp', network.device('veth0'), frame.length);
			const start = performance.now();
			let runs = 0;
			while (performance.now() - start < 3500) {
				inNamespace(network.router, () => testRun(program, { data: frame, context }));
				runs++;
			}
			const { forwarded = 0, refreshed = 0 } = Object.fromEntries(
				[...datapath.outcomes('xdp')].map(([outcome, { packets }]) => [
					outcome === 'handed-over-refresh' ? 'refreshed' : outcome,
					Number(packets),
				]),
			);
			expect(forwarded + refreshed).toBe(runs);
			// On each processor that the runs were on.
			expect(refreshed).toBeGreaterThanOrEqual(2);
			expect(refreshed).toBeLessThan(20);
		} finally {
			datapath.close();
		}
	});
});
