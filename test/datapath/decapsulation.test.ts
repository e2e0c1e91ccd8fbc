/** Every kind taken out of its outer header, byte by byte: frames from our encoders, which tshark has judged. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BpfObject } from '../../src/kernel/object.ts';
import { type Family, parseMac } from '../../src/packet/address.ts';
import { concatenate } from '../../src/packet/bytes.ts';
import { internetChecksum } from '../../src/packet/checksum.ts';
import { encodeEthernet } from '../../src/packet/ethernet.ts';
import { encodeGeneve } from '../../src/packet/geneve.ts';
import { encodeGre } from '../../src/packet/gre.ts';
import { encodeGue } from '../../src/packet/gue.ts';
import { encodeIpv4 } from '../../src/packet/ipv4.ts';
import { encodeIpv6 } from '../../src/packet/ipv6.ts';
import { etherType, ipProtocol, udpPort } from '../../src/packet/protocol.ts';
import { encodeUdp } from '../../src/packet/udp.ts';
import { encodeVxlan } from '../../src/packet/vxlan.ts';
import type { Decapsulation } from '../../src/tunnel/decapsulation.ts';
import { requires } from '../needs.ts';
import { bytesOf as anyBytes, damaged } from '../packet/arbitraries.ts';
import { addressBytes } from '../support/journeys.ts';
import { macs, type Network, openNetwork } from '../support/network.ts';
import {
	type OutcomeName,
	openPrograms,
	openReceiveQueue,
	type Programs,
	type Ran,
} from '../support/programs.ts';

const hooks = ['xdp', 'tc'] as const;
const families = ['ipv4', 'ipv6'] as const;
const vni = 0x123456;
const key = 0xfe020304;

/** The router's own addresses, where the tunnels end. */
const local = { ipv4: '10.11.1.2', ipv6: 'fc00:dead:cafe:1::2' } as const;
const ends = {
	ipv4: { source: addressBytes('10.11.1.1'), destination: addressBytes(local.ipv4) },
	ipv6: { source: addressBytes('fc00:dead:cafe:1::1'), destination: addressBytes(local.ipv6) },
};
/** Of inner packets: to hosts behind veth1. */
const inside = {
	ipv4: { source: addressBytes('10.11.9.1'), destination: addressBytes('10.11.2.77') },
	ipv6: { source: addressBytes('fc00:dead:cafe:9::1'), destination: addressBytes('fc00:dead:cafe:2::77') },
};

const decapsulations: readonly Decapsulation[] = families.flatMap((family): Decapsulation[] => [
	{ encapsulation: 'ip', local: local[family] },
	{ encapsulation: 'gre', local: local[family] },
	{ encapsulation: 'gre', local: local[family], key },
	{ encapsulation: 'gue', local: local[family] },
	{ encapsulation: 'vxlan', local: local[family], vni },
	{ encapsulation: 'vxlan', local: local[family], vni, port: 8472 },
	{ encapsulation: 'geneve', local: local[family], vni },
]);

function mac(text: string): Uint8Array {
	return parseMac(text) ?? new Uint8Array(6);
}

function familyOf(packet: Uint8Array): Family {
	return (packet[0] ?? 0) >> 4 === 4 ? 'ipv4' : 'ipv6';
}

function hexadecimal(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('hex');
}

/** From host0 to veth0, padded to 60 bytes. */
function onWire(packet: Uint8Array, destination: string = macs.veth0): Uint8Array {
	const padding = new Uint8Array(Math.max(0, 46 - packet.length)).fill(0xee);
	const header = {
		destination: mac(destination),
		source: mac(macs.host0),
		etherType: etherType[familyOf(packet)],
	};
	return encodeEthernet(header, concatenate([packet, padding]));
}

interface Head {
	readonly hops?: number;
	readonly traffic?: number;
	readonly source?: Uint8Array;
	readonly destination?: Uint8Array;
}

function ipPacket(
	family: Family,
	addresses: { readonly source: Uint8Array; readonly destination: Uint8Array },
	protocol: number,
	payload: Uint8Array,
	{ hops = 64, traffic = 0, ...ends }: Head = {},
): Uint8Array {
	return family === 'ipv4'
		? encodeIpv4({ ttl: hops, typeOfService: traffic, protocol, ...addresses, ...ends }, payload)
		: encodeIpv6(
				{ hopLimit: hops, trafficClass: traffic, nextHeader: protocol, ...addresses, ...ends },
				payload,
			);
}

/** The packet inside. */
function packetOf(family: Family, length: number, head: Head = {}): Uint8Array {
	const payload = Uint8Array.from({ length }, (_, index) => (index * 7 + 3) & 0xff);
	const datagram = encodeUdp({ sourcePort: 41000, destinationPort: 41001 }, payload, inside[family]);
	return ipPacket(family, inside[family], ipProtocol.udp, datagram, head);
}

const innerHead = { destination: mac('0a:00:00:00:00:02'), source: mac('0a:00:00:00:00:01') };
function innerFrame(packet: Uint8Array): Uint8Array {
	return encodeEthernet({ ...innerHead, etherType: etherType[familyOf(packet)] }, packet);
}

/** By its name, what a kind puts between the outer IP header and the packet, with its protocol before. */
const kinds: Readonly<Record<string, (packet: Uint8Array, outer: Family) => readonly [number, Uint8Array]>> =
	{
		ip: (packet) => [ipProtocol[familyOf(packet)], packet],
		gre: (packet) => [ipProtocol.gre, encodeGre({ etherType: etherType[familyOf(packet)] }, packet)],
		'gre with a key': (packet) => [
			ipProtocol.gre,
			encodeGre({ etherType: etherType[familyOf(packet)], key }, packet),
		],
		gue: (packet, outer) =>
			overUdp(outer, udpPort.gue, encodeGue({ protocol: ipProtocol[familyOf(packet)] }, packet)),
		vxlan: (packet, outer) => overUdp(outer, udpPort.vxlan, encodeVxlan({ vni }, innerFrame(packet))),
		'vxlan at port 8472': (packet, outer) => overUdp(outer, 8472, encodeVxlan({ vni }, innerFrame(packet))),
		geneve: (packet, outer) =>
			overUdp(
				outer,
				udpPort.geneve,
				encodeGeneve({ etherType: etherType.transparentEthernet, vni }, innerFrame(packet)),
			),
		'geneve with options': (packet, outer) =>
			overUdp(
				outer,
				udpPort.geneve,
				encodeGeneve(
					{ etherType: etherType.transparentEthernet, vni, options: new Uint8Array(252).fill(9) },
					innerFrame(packet),
				),
			),
		'geneve without Ethernet': (packet, outer) =>
			overUdp(outer, udpPort.geneve, encodeGeneve({ etherType: etherType[familyOf(packet)], vni }, packet)),
	};

function overUdp(outer: Family, destinationPort: number, payload: Uint8Array): [number, Uint8Array] {
	const header = { sourcePort: 50000, destinationPort };
	return [ipProtocol.udp, encodeUdp(header, payload, ends[outer])];
}

function wrapped(name: string, outer: Family, packet: Uint8Array, head: Head = {}): Uint8Array {
	const [protocol, payload] = kinds[name]?.(packet, outer) ?? [0, packet];
	return onWire(ipPacket(outer, ends[outer], protocol, payload, head));
}

/** The packet after so many hops, with another traffic class if given. */
function afterHops(packet: Uint8Array, hops: number, traffic?: number): Uint8Array {
	const expected = packet.slice();
	const view = new DataView(expected.buffer);
	if (familyOf(packet) === 'ipv6') {
		if (traffic !== undefined) view.setUint16(0, 0x6000 | (traffic << 4));
		view.setUint8(7, view.getUint8(7) - hops);
		return expected;
	}
	if (traffic !== undefined) view.setUint8(1, traffic);
	view.setUint8(8, view.getUint8(8) - hops);
	view.setUint16(10, 0);
	view.setUint16(10, internetChecksum(expected.subarray(0, (view.getUint8(0) & 15) * 4)));
	return expected;
}

describe('decapsulation', requires('root', 'ip'), () => {
	let network: Network;
	let queue: BpfObject;
	let programs: Programs;

	beforeAll(() => {
		network = openNetwork();
		queue = openReceiveQueue(network.router, network.device('veth0'));
		for (const address of ['10.11.2.77', 'fc00:dead:cafe:2::77', '10.11.2.1', 'fc00:dead:cafe:2::1'])
			network.ip(`neigh replace ${address} lladdr ${macs.host1} dev veth1 nud permanent`);
		programs = openPrograms(network, 'fib');
		programs.setDecapsulations(decapsulations);
	});
	afterAll(() => {
		programs?.close();
		queue?.close();
		network?.close();
	});

	/**
	 * What both hooks do, which must be the same; how far a dropped frame was changed matters to nobody. What XDP
	 * hands over it leaves as it came, and TC decides.
	 */
	function run(frame: Uint8Array): Ran {
		const [xdp, tc] = hooks.map((hook) => programs.run(hook, frame));
		if (xdp === undefined || tc === undefined) throw new Error('nothing was run');
		if (xdp.outcome.startsWith('handed-over')) {
			expect([xdp.verdict, hexadecimal(xdp.frame)]).toEqual(['pass', hexadecimal(frame)]);
			return tc;
		}
		expect([tc.verdict, tc.outcome]).toEqual([xdp.verdict, xdp.outcome]);
		if (xdp.verdict !== 'drop') expect(hexadecimal(tc.frame)).toBe(hexadecimal(xdp.frame));
		return xdp;
	}

	/** A packet that goes on: the bytes behind its new Ethernet header. */
	function sent(frame: Uint8Array, outcome: OutcomeName = 'decapsulated'): Uint8Array {
		const ran = run(frame);
		expect(ran).toMatchObject({ verdict: 'redirect', outcome });
		const type = etherType[familyOf(ran.frame.subarray(14))];
		const ethernet = { destination: mac(macs.host1), source: mac(macs.veth1), etherType: type };
		expect(hexadecimal(ran.frame.subarray(0, 14))).toBe(
			hexadecimal(encodeEthernet(ethernet, new Uint8Array())),
		);
		return ran.frame.subarray(14);
	}

	/** A packet that is left alone. */
	function left(frame: Uint8Array, outcome: OutcomeName): void {
		const ran = run(frame);
		expect({ ...ran, frame: hexadecimal(ran.frame) }).toEqual({
			verdict: 'pass',
			outcome,
			frame: hexadecimal(frame),
		});
	}

	const cases = Object.keys(kinds).flatMap((name) =>
		families.flatMap((outer) => families.map((inner) => [name, inner, outer] as const)),
	);

	test.each(cases)('%s, %s in %s: the packet goes on, one hop older', (name, inner, outer) => {
		for (const length of [0, 1, 17, 64, 500, 1100]) {
			const packet = packetOf(inner, length);
			const frame = wrapped(name, outer, packet);
			const bytes = sent(frame);
			expect(hexadecimal(bytes.subarray(0, packet.length))).toBe(hexadecimal(afterHops(packet, 1)));
			// What followed it in the frame is still padding.
			expect(bytes.length).toBe(frame.length - 14 - (frame.length - 14 - bytes.length));
		}
	});

	test.each(cases)('%s, %s in %s: congestion, RFC 6040 section 4.2', (name, inner, outer) => {
		/** By the outer header's bits, then the inner's: what becomes of them. */
		const table = [
			[0, 1, 2, 3],
			[0, 1, 1, 3],
			[0, 1, 2, 3],
			[undefined, 3, 3, 3],
		];
		for (const [outerBits, row] of table.entries()) {
			for (const [innerBits, expected] of row.entries()) {
				const traffic = 0xb8 | innerBits;
				const packet = packetOf(inner, 20, { traffic });
				const frame = wrapped(name, outer, packet, { traffic: 0x28 | outerBits });
				if (expected === undefined) {
					expect(run(frame)).toMatchObject({ verdict: 'drop', outcome: 'inner-congested' });
					continue;
				}
				expect(hexadecimal(sent(frame).subarray(0, packet.length))).toBe(
					hexadecimal(afterHops(packet, 1, 0xb8 | expected)),
				);
			}
		}
	});

	test.each(cases)('%s, %s in %s: for this host, or at its last hop: up the stack', (name, inner, outer) => {
		const own = { ipv4: '10.11.2.2', ipv6: 'fc00:dead:cafe:2::2' };
		const nowhere = { ipv4: '203.0.113.9', ipv6: '2001:db8::9' };
		for (const head of [
			{ destination: addressBytes(own[inner]) },
			{ destination: addressBytes(own[inner]), hops: 1 },
			{ destination: addressBytes(nowhere[inner]) },
			{ hops: 1 },
			{ hops: 0 },
		]) {
			const packet = packetOf(inner, 30, head);
			const ran = run(wrapped(name, outer, packet));
			expect(ran).toMatchObject({ verdict: 'pass', outcome: 'decapsulated-to-stack' });
			expect(hexadecimal(ran.frame.subarray(0, 14 + packet.length))).toBe(
				hexadecimal(onWire(packet)).slice(0, (14 + packet.length) * 2),
			);
		}
	});

	test.each(cases)('%s, %s in %s: encapsulated again, and not twice in one header', (name, inner, outer) => {
		const destination = { ipv4: '10.11.2.1', ipv6: 'fc00:dead:cafe:2::1' };
		const source = { ipv4: '10.11.2.2', ipv6: 'fc00:dead:cafe:2::2' };
		programs.setTunnels(
			['0.0.0.0/0', '::/0'].map((match) => ({
				match,
				encapsulation: 'gre',
				key: 5,
				source: source[outer],
				destination: destination[outer],
			})),
		);
		try {
			const packet = packetOf(inner, 40, { traffic: 0x02 });
			const bytes = sent(wrapped(name, outer, packet, { traffic: 0x03 }), 'relayed');
			const start = (outer === 'ipv4' ? 20 : 40) + 8;
			const marked = afterHops(packet, 1, 0x03);
			expect(hexadecimal(bytes.subarray(start, start + packet.length))).toBe(hexadecimal(marked));
			// The mark goes on in the new outer header.
			expect((outer === 'ipv4' ? (bytes[1] ?? 0) : (bytes[1] ?? 0) >> 4) & 3).toBe(3);
			if (inner !== outer) return;
			const own = { source: addressBytes(source[outer]), destination: addressBytes(destination[outer]) };
			expect(run(wrapped(name, outer, packetOf(inner, 40, own)))).toMatchObject({
				verdict: 'drop',
				outcome: 'loop',
			});
		} finally {
			programs.setTunnels([]);
		}
	});

	test.each(families)('over %s: what is not taken out is left as it came', (outer) => {
		const packet = packetOf('ipv4', 40);
		const other = addressBytes(outer === 'ipv4' ? '10.11.1.77' : 'fc00:dead:cafe:1::77');
		const udp = (port: number, payload: Uint8Array): Uint8Array => {
			const [protocol, bytes] = overUdp(outer, port, payload);
			return onWire(ipPacket(outer, ends[outer], protocol, bytes));
		};
		const gre = (header: Parameters<typeof encodeGre>[0], content = packet): Uint8Array =>
			onWire(ipPacket(outer, ends[outer], ipProtocol.gre, encodeGre(header, content)));
		const geneve = (header: Parameters<typeof encodeGeneve>[0]): Uint8Array =>
			udp(udpPort.geneve, encodeGeneve(header, innerFrame(packet)));
		const arp = encodeEthernet({ ...innerHead, etherType: etherType.arp }, new Uint8Array(28));
		for (const name of Object.keys(kinds))
			left(wrapped(name, outer, packet, { destination: other }), 'no-tunnel');
		left(gre({ etherType: etherType.ipv4, key: 7 }), 'no-decapsulation');
		left(gre({ etherType: etherType.ipv4, key, sequence: 1 }), 'outer-options');
		left(gre({ etherType: etherType.ipv4, checksum: true }), 'outer-options');
		left(gre({ etherType: etherType.transparentEthernet }, innerFrame(packet)), 'inner-not-ip');
		left(udp(udpPort.vxlan, encodeVxlan({ vni: 1 }, innerFrame(packet))), 'no-decapsulation');
		left(udp(udpPort.vxlan, encodeVxlan({ vni, flags: 0 }, innerFrame(packet))), 'outer-options');
		left(udp(udpPort.vxlan, encodeVxlan({ vni }, arp)), 'inner-not-ip');
		left(udp(9, encodeVxlan({ vni }, innerFrame(packet))), 'no-decapsulation');
		left(geneve({ etherType: etherType.transparentEthernet, vni: 1 }), 'no-decapsulation');
		left(geneve({ etherType: etherType.transparentEthernet, vni, critical: true }), 'outer-options');
		left(geneve({ etherType: etherType.transparentEthernet, vni, control: true }), 'outer-options');
		left(udp(udpPort.gue, encodeGue({ protocol: 4, control: true }, packet)), 'outer-options');
		left(
			udp(udpPort.gue, encodeGue({ protocol: 4, extensions: new Uint8Array(4) }, packet)),
			'outer-options',
		);
		left(udp(udpPort.gue, encodeGue({ protocol: 17 }, packet)), 'inner-not-ip');
		left(onWire(ipPacket(outer, ends[outer], 253, packet)), 'no-decapsulation');
	});

	test('fragments and options of the outer header', () => {
		const packet = packetOf('ipv4', 40);
		const header = { ttl: 64, protocol: ipProtocol.ipv4, ...ends.ipv4 };
		left(onWire(encodeIpv4({ ...header, moreFragments: true }, packet)), 'outer-fragment');
		left(onWire(encodeIpv4({ ...header, fragmentOffset: 8 }, packet)), 'outer-fragment');
		left(onWire(encodeIpv4({ ...header, options: Uint8Array.of(148, 4, 0, 0) }, packet)), 'outer-options');
		const behind = (type: number, extension: readonly number[]): Uint8Array =>
			onWire(ipPacket('ipv6', ends.ipv6, type, concatenate([Uint8Array.from(extension), packet])));
		left(behind(44, [4, 0, 0, 1, 0, 0, 0, 7]), 'outer-fragment');
		left(behind(60, [4, 0, 1, 4, 0, 0, 0, 0]), 'outer-options');
		left(behind(60, [4, 1, 4, 1, 4, 1, 1, 0]), 'outer-options');
		left(behind(60, [59, 0, 4, 1, 4, 1, 1, 0]), 'no-decapsulation');
		left(behind(0, [4, 0, 1, 4, 0, 0, 0, 0]), 'no-decapsulation');
	});

	test("a tunnel's encapsulation limit, which Linux adds to IPv6 by default, is skipped (RFC 2473)", () => {
		for (const inner of families) {
			const packet = packetOf(inner, 40);
			const option = Uint8Array.of(ipProtocol[inner], 0, 4, 1, 4, 1, 1, 0);
			const frame = onWire(ipPacket('ipv6', ends.ipv6, 60, concatenate([option, packet])));
			expect(hexadecimal(sent(frame))).toBe(hexadecimal(afterHops(packet, 1)));
		}
	});

	test.each(cases)('%s, %s in %s: an inner header that cannot be', (name, inner, outer) => {
		const packet = packetOf(inner, 40);
		const dropped = (bytes: Uint8Array, outcome: OutcomeName): void =>
			expect(run(wrapped(name, outer, bytes))).toMatchObject({ verdict: 'drop', outcome });
		const changed = (at: number, value: number): Uint8Array => {
			const bytes = packet.slice();
			bytes[at] = value;
			return bytes;
		};
		dropped(changed(inner === 'ipv4' ? 2 : 4, 0xff), 'inner-malformed');
		dropped(packet.subarray(0, inner === 'ipv4' ? 19 : 39), 'inner-malformed');
		if (inner === 'ipv4') dropped(changed(0, 0x44), 'inner-malformed');
		const stay = inner === 'ipv4' ? ['224.0.0.5', '169.254.0.1', '127.0.0.1'] : ['ff02::5', 'fe80::1', '::1'];
		for (const address of stay)
			dropped(packetOf(inner, 40, { destination: addressBytes(address) }), 'inner-link-local');
	});

	test('a datagram that ends before its packet does', () => {
		const packet = packetOf('ipv6', 40);
		const [, datagram] = kinds.gue?.(packet, 'ipv4') ?? [];
		const longer = concatenate([datagram ?? packet, new Uint8Array(9).fill(0xdd)]);
		const bytes = sent(onWire(ipPacket('ipv4', ends.ipv4, ipProtocol.udp, longer)));
		expect(hexadecimal(bytes.subarray(0, packet.length))).toBe(hexadecimal(afterHops(packet, 1)));
		const lying = longer.slice();
		new DataView(lying.buffer).setUint16(4, longer.length + 1);
		left(onWire(ipPacket('ipv4', ends.ipv4, ipProtocol.udp, lying)), 'malformed');
	});

	test('garbage in tunnels: the hooks agree, and what is passed is as it came', () => {
		const any = fc
			.tuple(
				fc.constantFrom(...Object.keys(kinds)),
				fc.constantFrom(...families),
				fc.constantFrom(...families),
			)
			.map(([name, inner, outer]) => wrapped(name, outer, packetOf(inner, 30)));
		const tried = new Map<OutcomeName, number>();
		fc.assert(
			fc.property(fc.oneof(damaged(any), anyBytes(120)), (bytes) => {
				const frame = bytes.slice();
				if (frame.length < 54) return;
				const ran = run(frame);
				tried.set(ran.outcome, (tried.get(ran.outcome) ?? 0) + 1);
				if (ran.verdict === 'pass' && ran.outcome !== 'decapsulated-to-stack')
					expect(hexadecimal(ran.frame)).toBe(hexadecimal(frame));
			}),
			{ numRuns: 3000 },
		);
		expect(tried.size).toBeGreaterThan(8);
	});

	test('an unknown next hop: XDP leaves the frame as it came, TC has the kernel send it', () => {
		for (const inner of families) {
			const destination = addressBytes(inner === 'ipv4' ? '10.11.2.99' : 'fc00:dead:cafe:2::99');
			const packet = packetOf(inner, 40, { destination });
			const frame = wrapped('vxlan', 'ipv6', packet);
			const xdp = programs.run('xdp', frame);
			expect({ ...xdp, frame: hexadecimal(xdp.frame) }).toEqual({
				verdict: 'pass',
				outcome: 'handed-over',
				frame: hexadecimal(frame),
			});
			const tc = programs.run('tc', frame);
			expect(tc).toMatchObject({ verdict: 'redirect', outcome: 'decapsulated-neighbour' });
			expect(hexadecimal(tc.frame.subarray(14))).toBe(hexadecimal(afterHops(packet, 1)));
		}
	});
});
