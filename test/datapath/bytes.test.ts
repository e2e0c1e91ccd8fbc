/** The bytes that leave the two programs: the programs judge each other, and tshark judges both. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BpfObject } from '../../src/kernel/object.ts';
import { type Family, parseMac } from '../../src/packet/address.ts';
import { concatenate } from '../../src/packet/bytes.ts';
import { encodeEthernet } from '../../src/packet/ethernet.ts';
import { encodeIpv4 } from '../../src/packet/ipv4.ts';
import { encodeIpv6 } from '../../src/packet/ipv6.ts';
import { encodeIpv6Extensions } from '../../src/packet/ipv6-extension.ts';
import { pcapng } from '../../src/packet/pcapng.ts';
import { etherType, ipProtocol } from '../../src/packet/protocol.ts';
import { encodeUdp } from '../../src/packet/udp.ts';
import type { Forwarding, Hook } from '../../src/scenario/scenario.ts';
import type { Tunnel } from '../../src/tunnel/tunnel.ts';
import { requires } from '../needs.ts';
import { frame as anyFrame, bytesOf, damaged, ipv4Packet, ipv6Packet } from '../packet/arbitraries.ts';
import { tsharkFields } from '../packet/tshark.ts';
import { addressBytes } from '../support/journeys.ts';
import { macs, type Network, openNetwork } from '../support/network.ts';
import {
	openPrograms,
	openReceiveQueue,
	outliveMemory,
	type Programs,
	type Ran,
} from '../support/programs.ts';

const hooks = ['xdp', 'tc'] as const satisfies readonly Hook[];
const families = ['ipv4', 'ipv6'] as const;

const outerAddresses = {
	ipv4: { source: '10.11.2.2', destination: '10.11.2.1' },
	ipv6: { source: 'fc00:dead:cafe:2::2', destination: 'fc00:dead:cafe:2::1' },
} as const;

/** Everything into one outer family. */
function tunnelsTo(outer: Family, ttl?: number): Tunnel[] {
	return ['0.0.0.0/0', '::/0'].map((match) => ({
		match,
		encapsulation: 'ip',
		...outerAddresses[outer],
		...(ttl === undefined ? {} : { ttl }),
	}));
}

function mac(text: string): Uint8Array {
	return parseMac(text) ?? new Uint8Array(6);
}

/** On the wire, at least 60 bytes long, padded with something that must not be taken for the packet. */
function onWire(packet: Uint8Array): Uint8Array {
	const type = (packet[0] ?? 0) >> 4 === 4 ? etherType.ipv4 : etherType.ipv6;
	const padding = new Uint8Array(Math.max(0, 46 - packet.length)).fill(0xee);
	const ethernet = { destination: mac(macs.veth0), source: mac(macs.host0), etherType: type };
	return encodeEthernet(ethernet, concatenate([packet, padding]));
}

const innerAddresses = {
	ipv4: { source: addressBytes('10.11.1.1'), destination: addressBytes('10.11.1.77') },
	ipv6: { source: addressBytes('fc00:dead:cafe:1::1'), destination: addressBytes('fc00:dead:cafe:1::77') },
};

type Ipv4 = Partial<Parameters<typeof encodeIpv4>[0]>;
type Ipv6 = Partial<Parameters<typeof encodeIpv6>[0]>;

function payload(length: number): Uint8Array {
	return Uint8Array.from({ length }, (_, index) => index);
}

function ipv4(length: number, header: Ipv4 = {}): Uint8Array {
	const udp = encodeUdp({ sourcePort: 41000, destinationPort: 41001 }, payload(length), innerAddresses.ipv4);
	return encodeIpv4({ ttl: 64, protocol: ipProtocol.udp, ...innerAddresses.ipv4, ...header }, udp);
}

function ipv6(length: number, header: Ipv6 = {}): Uint8Array {
	const udp = encodeUdp({ sourcePort: 41000, destinationPort: 41001 }, payload(length), innerAddresses.ipv6);
	return encodeIpv6({ hopLimit: 64, nextHeader: ipProtocol.udp, ...innerAddresses.ipv6, ...header }, udp);
}

/** With hop-by-hop options, a routing header, destination options and a fragment header. */
function ipv6Extended(): Uint8Array {
	const udp = encodeUdp({ sourcePort: 41000, destinationPort: 41001 }, payload(9), innerAddresses.ipv6);
	const chain = encodeIpv6Extensions({
		extensions: [
			{ type: 'hop-by-hop', body: Uint8Array.of(1, 4, 0, 0, 0, 0) },
			{ type: 'routing', body: new Uint8Array(6) },
			{ type: 'destination options', body: Uint8Array.of(1, 12, ...new Uint8Array(12)) },
			{ type: 'fragment', offset: 0, moreFragments: true, identification: 7 },
		],
		protocol: ipProtocol.udp,
		payload: udp,
	});
	const header = { hopLimit: 2, nextHeader: chain.nextHeader, ...innerAddresses.ipv6 };
	return encodeIpv6(header, chain.payload);
}

const classes = [0x00, 0x01, 0x02, 0x03, 0x28, 0xb8, 0xfd, 0xff];

const packets: readonly Uint8Array[] = [
	...[0, 1, 17, 18, 19, 46, 64, 511, 1000, 1400].flatMap((length) => [ipv4(length), ipv6(length)]),
	...classes.flatMap((octet) => [ipv4(8, { typeOfService: octet }), ipv6(8, { trafficClass: octet })]),
	...[2, 128, 255].flatMap((hops) => [ipv4(8, { ttl: hops }), ipv6(8, { hopLimit: hops })]),
	ipv4(8, { options: Uint8Array.of(148, 4, 0, 0) }),
	ipv4(8, { options: new Uint8Array(40).fill(1) }),
	ipv4(8, { dontFragment: true, identification: 0xffff }),
	ipv4(16, { moreFragments: true, identification: 1 }),
	ipv4(16, { fragmentOffset: 1480, identification: 1 }),
	ipv6(8, { flowLabel: 0xfffff }),
	ipv6(8, { flowLabel: 0x12345, trafficClass: 0xff }),
	ipv6Extended(),
];

const anyPacket: fc.Arbitrary<Uint8Array> = fc.oneof(ipv4Packet(1), ipv6Packet(1));

const fields = [
	...['frame.protocols', 'eth.dst', 'eth.src'],
	...['ip.version', 'ip.hdr_len', 'ip.len', 'ip.id', 'ip.flags.df', 'ip.frag_offset', 'ip.ttl', 'ip.proto'],
	...['ip.dsfield', 'ip.src', 'ip.dst', 'ip.checksum.status'],
	// The flow label is a hash: test/datapath/kinds.test.ts holds it to the flow.
	...['ipv6.tclass', 'ipv6.plen', 'ipv6.nxt', 'ipv6.hlim', 'ipv6.src', 'ipv6.dst'],
] as const;

type Read = Readonly<Record<(typeof fields)[number], string>>;

function readByTshark(frames: readonly Uint8Array[]): readonly Read[] {
	const capture = pcapng({
		application: 'test',
		interfaces: [{ name: 'x' }],
		packets: frames.map((bytes, index) => ({
			interface: 0,
			timestamp: BigInt(index),
			bytes,
			length: bytes.length,
		})),
	});
	return tsharkFields(capture, fields);
}

/** The outer header's value of a field that the inner header may have too; numbers whatever way they are written. */
function outermost(text: string): string | number {
	const [value = ''] = text.split(',');
	if (value === 'True') return 1;
	return /^(0x[0-9a-f]+|[0-9]+)$/.test(value) ? Number(value) : value;
}

type Expected = Partial<Record<keyof Read, string | number>>;

/** What tshark must read in the outer header over an inner packet. */
function outerOf(outer: Family, packet: Uint8Array, ttl: number): Expected {
	const isIpv4 = (packet[0] ?? 0) >> 4 === 4;
	const octet = isIpv4 ? (packet[1] ?? 0) : (((packet[0] ?? 0) << 4) | ((packet[1] ?? 0) >> 4)) & 0xff;
	const { source, destination } = outerAddresses[outer];
	const protocol = isIpv4 ? 4 : 41;
	return outer === 'ipv4'
		? {
				'ip.version': 4,
				'ip.hdr_len': 20,
				'ip.len': 20 + packet.length,
				'ip.id': 0,
				'ip.flags.df': 1,
				'ip.frag_offset': 0,
				'ip.ttl': ttl,
				'ip.proto': protocol,
				'ip.dsfield': octet,
				'ip.src': source,
				'ip.dst': destination,
				'ip.checksum.status': 1,
			}
		: {
				'ipv6.tclass': octet,
				'ipv6.plen': packet.length,
				'ipv6.nxt': protocol,
				'ipv6.hlim': ttl,
				'ipv6.src': source,
				'ipv6.dst': destination,
			};
}

/** The inner packet after one hop: nothing but its hop limit has changed, and with it the IPv4 checksum. */
function expectInner(after: Uint8Array, before: Uint8Array): void {
	const hops = (before[0] ?? 0) >> 4 === 4 ? 8 : 7;
	const expected = before.slice();
	expected[hops] = (before[hops] ?? 0) - 1;
	if (hops === 8) expected.set(after.subarray(10, 12), 10);
	expect(Buffer.from(after).toString('hex')).toBe(Buffer.from(expected).toString('hex'));
}

/** A test run of TC refuses an IP frame that is too short for the header; `outcomes.test.ts` sends such. */
function fitsTestRun(frame: Uint8Array): boolean {
	const type = new DataView(frame.buffer, frame.byteOffset).getUint16(12);
	return frame.length >= 14 + (type === etherType.ipv6 ? 40 : type === etherType.ipv4 ? 20 : 1);
}

describe('the bytes of an encapsulation', requires('root', 'ip', 'tshark'), () => {
	let network: Network;
	let queue: BpfObject;
	const programs = {} as Record<Forwarding, Programs>;

	beforeAll(() => {
		network = openNetwork();
		queue = openReceiveQueue(network.router, network.device('veth0'));
		for (const family of families) {
			const { destination } = outerAddresses[family];
			network.ip(`neigh replace ${destination} lladdr ${macs.host1} dev veth1 nud permanent`);
		}
		for (const forwarding of ['stack', 'fib'] as const)
			programs[forwarding] = openPrograms(network, forwarding);
	});
	afterAll(() => {
		for (const each of Object.values(programs)) each.close();
		queue?.close();
		network?.close();
	});

	describe.each(families)('outer %s', (outer) => {
		test.each(['stack', 'fib'] as const)(
			'%s: the programs agree, and tshark reads what was meant',
			(forwarding) => {
				const ttl = forwarding === 'fib' ? 200 : 64;
				programs[forwarding].setTunnels(tunnelsTo(outer, forwarding === 'fib' ? ttl : undefined));
				const leaving = packets.map((packet) => {
					const frame = onWire(packet);
					const [xdp, tc] = hooks.map((hook) => programs[forwarding].run(hook, frame));
					expect(tc).toEqual(xdp);
					expect(xdp).toMatchObject(
						forwarding === 'fib'
							? { verdict: 'redirect', outcome: 'forwarded' }
							: { verdict: 'pass', outcome: 'to-stack' },
					);
					const bytes = xdp?.frame ?? new Uint8Array();
					const start = 14 + (outer === 'ipv4' ? 20 : 40);
					expect(bytes.length).toBe(frame.length + start - 14);
					expectInner(bytes.subarray(start, start + packet.length), packet);
					expect(bytes.subarray(start + packet.length)).toEqual(frame.subarray(14 + packet.length));
					return bytes;
				});
				for (const [index, read] of readByTshark(leaving).entries()) {
					const packet = packets[index] ?? new Uint8Array();
					const expected = outerOf(outer, packet, ttl);
					const found = Object.fromEntries(
						(Object.keys(expected) as (keyof Read)[]).map((name) => [name, outermost(read[name])]),
					);
					expect(found, `packet ${index}`).toEqual(expected);
					expect(read['frame.protocols']).toMatch(/^eth:ethertype:(ip|ipv6):(ip|ipv6)(:|$)/);
					// With a good checksum of the inner header too, however it was mended.
					expect(read['ip.checksum.status'].replace(/[1,]/g, ''), `packet ${index}`).toBe('');
					const link = forwarding === 'fib' ? [macs.host1, macs.veth1] : [macs.veth0, macs.host0];
					expect([read['eth.dst'], read['eth.src']]).toEqual(link);
				}
			},
		);

		test.each(['stack', 'fib'] as const)('%s: random packets', (forwarding) => {
			programs[forwarding].setTunnels(tunnelsTo(outer));
			fc.assert(
				fc.property(anyPacket, fc.boolean(), (packet, tagged) => {
					const frame = tagged ? concatenate([onWire(packet), Uint8Array.of(1, 2, 3)]) : onWire(packet);
					const [xdp, tc] = hooks.map((hook) => programs[forwarding].run(hook, frame));
					expect(tc).toEqual(xdp);
					if (xdp === undefined) return;
					if (xdp.outcome !== 'to-stack' && xdp.outcome !== 'forwarded') expect(xdp.frame).toEqual(frame);
					else {
						const start = 14 + (outer === 'ipv4' ? 20 : 40);
						expectInner(xdp.frame.subarray(start, start + packet.length), packet);
					}
				}),
				{ numRuns: 400 },
			);
		});

		test.each(['stack', 'fib'] as const)('%s: garbage', (forwarding) => {
			programs[forwarding].setTunnels(tunnelsTo(outer));
			const garbage = fc.oneof(damaged(anyFrame), bytesOf(200)).filter(({ length }) => length > 14);
			fc.assert(
				fc.property(garbage, (bytes) => {
					const frame = bytes.slice();
					const xdp = programs[forwarding].run('xdp', frame);
					if (fitsTestRun(frame)) expect(programs[forwarding].run('tc', frame)).toEqual(xdp);
					const isEncapsulated = xdp.outcome === 'to-stack' || xdp.outcome === 'forwarded';
					if (xdp.verdict === 'pass' && !isEncapsulated) expect(xdp.frame).toEqual(frame);
				}),
				{ numRuns: 600 },
			);
		});
	});

	test.each(hooks)('at %s a remembered way does not outlive what it came from', (hook) => {
		const frame = onWire(ipv6(40));
		const settled = (): Ran => {
			outliveMemory();
			return programs.fib.run(hook, frame);
		};
		programs.fib.setTunnels(tunnelsTo('ipv4'));
		expect(settled().outcome).toBe('forwarded');
		programs.fib.setTunnels([]);
		expect(settled().outcome).toBe('no-tunnel');
		programs.fib.setTunnels(tunnelsTo('ipv4', 9));
		expect(settled().frame[22]).toBe(9);
		network.ip('route add blackhole 10.11.2.1/32');
		expect(settled().outcome).toBe('route-blackhole');
		network.ip('route del blackhole 10.11.2.1/32');
		expect(settled().outcome).toBe('forwarded');
	});

	test.each(hooks)('at %s a remembered way is only for packets that may take it', (hook) => {
		programs.fib.setTunnels(tunnelsTo('ipv4'));
		network.ip('route replace 10.11.2.1/32 dev veth1 mtu lock 1000');
		outliveMemory();
		const outcomeOf = (packet: Uint8Array): string => programs.fib.run(hook, onWire(packet)).outcome;
		// 100 times, so that a tick between two packets hides nothing.
		for (let i = 0; i < 100; i++) {
			expect(outcomeOf(ipv6(40))).toBe('forwarded');
			expect(outcomeOf(ipv6(1000))).toBe(hook === 'xdp' ? 'handed-over-answer' : 'too-big');
			expect(outcomeOf(ipv6(40))).toBe('forwarded');
			expect(outcomeOf(ipv6(40, { hopLimit: 1 }))).toBe('hop-limit');
		}
		network.ip('route del 10.11.2.1/32 dev veth1');
		outliveMemory();
	});

	test('an unknown next hop: XDP leaves the frame as it came, TC encapsulates it for the kernel to send', () => {
		network.ip(`neigh del ${outerAddresses.ipv4.destination} dev veth1`);
		// What was remembered of it is forgotten once the tunnels are set.
		programs.fib.setTunnels(tunnelsTo('ipv4'));
		const packet = ipv6(40);
		const frame = onWire(packet);
		expect(programs.fib.run('xdp', frame)).toEqual({ verdict: 'pass', outcome: 'handed-over', frame });
		const tc = programs.fib.run('tc', frame);
		expect(tc).toMatchObject({ verdict: 'redirect', outcome: 'forwarded-neighbour' });
		const [read] = readByTshark([tc.frame]);
		expect(read).toMatchObject({
			'ip.checksum.status': '1',
			'ip.proto': '41',
			'ip.len': `${20 + packet.length}`,
		});
		expectInner(tc.frame.subarray(34), packet);
	});

	test('a packet that would be longer than IP can say is dropped, not cut', () => {
		// The longest frame that a test run takes is a page; a length that lies is malformed before that.
		const frame = onWire(ipv4(1000));
		new DataView(frame.buffer, frame.byteOffset).setUint16(16, 0xffff);
		for (const hook of hooks) {
			expect(programs.stack.run(hook, frame)).toEqual({ verdict: 'pass', outcome: 'malformed', frame });
		}
	});
});
