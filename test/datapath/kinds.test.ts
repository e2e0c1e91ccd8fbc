/** What leaves the datapath, for every encapsulation, over both families and by both hooks: tshark is the judge. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLinuxEngine } from '../../src/engines/linux/engine.ts';
import type { BpfObject } from '../../src/kernel/object.ts';
import { type Family, formatIp, formatMac, parseMac, parsePrefix } from '../../src/packet/address.ts';
import { concatenate } from '../../src/packet/bytes.ts';
import { internetChecksum } from '../../src/packet/checksum.ts';
import { dissect } from '../../src/packet/dissect.ts';
import { echoOf } from '../../src/packet/echo.ts';
import { encodeEthernet } from '../../src/packet/ethernet.ts';
import { encodeIcmp } from '../../src/packet/icmp.ts';
import { encodeIcmpv6 } from '../../src/packet/icmpv6.ts';
import { encodeIpv4 } from '../../src/packet/ipv4.ts';
import { encodeIpv6 } from '../../src/packet/ipv6.ts';
import { encodeIpv6Extensions } from '../../src/packet/ipv6-extension.ts';
import { outerAddresses } from '../../src/packet/outer.ts';
import { pcapng } from '../../src/packet/pcapng.ts';
import { etherType, ipProtocol } from '../../src/packet/protocol.ts';
import { encodeTcp } from '../../src/packet/tcp.ts';
import { encodeUdp } from '../../src/packet/udp.ts';
import { exampleScenario } from '../../src/scenario/example.ts';
import type { Hook } from '../../src/scenario/scenario.ts';
import { innerMac } from '../../src/tunnel/inner-mac.ts';
import type { Tunnel } from '../../src/tunnel/tunnel.ts';
import { requires } from '../needs.ts';
import { ipv4Packet, ipv6Packet } from '../packet/arbitraries.ts';
import { tsharkFields } from '../packet/tshark.ts';
import { addressBytes } from '../support/journeys.ts';
import { macs, type Network, openNetwork } from '../support/network.ts';
import { openPrograms, openReceiveQueue, type Programs } from '../support/programs.ts';

const hooks = ['xdp', 'tc'] as const satisfies readonly Hook[];
const families = ['ipv4', 'ipv6'] as const;

type WithoutEnds<Each> = Each extends Tunnel ? Omit<Each, 'match' | 'source' | 'destination'> : never;
type Kind = WithoutEnds<Tunnel>;

const vni = 0x123456;
const given = { innerSource: '0a:00:00:00:00:01', innerDestination: '0a:00:00:00:00:02' };
const kinds = {
	ip: { encapsulation: 'ip' },
	gre: { encapsulation: 'gre' },
	'gre with a key': { encapsulation: 'gre', key: 0xfe020304 },
	gue: { encapsulation: 'gue' },
	vxlan: { encapsulation: 'vxlan', vni },
	geneve: { encapsulation: 'geneve', vni },
} as const satisfies Readonly<Record<string, Kind>>;
/** The kinds over UDP; two with members of their own. */
const udpKinds = {
	gue: kinds.gue,
	vxlan: { ...kinds.vxlan, port: 8472 },
	geneve: { ...kinds.geneve, ...given },
} as const satisfies Readonly<Record<string, Kind>>;

const ends = {
	ipv4: { source: '10.11.2.2', destination: '10.11.2.1' },
	ipv6: { source: 'fc00:dead:cafe:2::2', destination: 'fc00:dead:cafe:2::1' },
} as const;

/** Bytes between the outer IP header and the inner packet, and what tshark calls the layers there. */
const between = {
	ip: { length: 0, layers: '' },
	gre: { length: 4, layers: ':gre' },
	'gre with a key': { length: 8, layers: ':gre' },
	gue: { length: 12, layers: ':udp:data' },
	vxlan: { length: 30, layers: ':udp:vxlan:eth:ethertype' },
	geneve: { length: 30, layers: ':udp:geneve:eth:ethertype' },
} as const satisfies Readonly<Record<keyof typeof kinds, object>>;
type Name = keyof typeof kinds;

function mac(text: string): Uint8Array {
	return parseMac(text) ?? new Uint8Array(6);
}

function familyOf(packet: Uint8Array): Family {
	return (packet[0] ?? 0) >> 4 === 4 ? 'ipv4' : 'ipv6';
}

function hexadecimal(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('hex');
}

/** From host0 to veth0, padded to 60 bytes with what must not be taken for the packet. */
function onWire(packet: Uint8Array): Uint8Array {
	const padding = new Uint8Array(Math.max(0, 46 - packet.length)).fill(0xee);
	const header = {
		destination: mac(macs.veth0),
		source: mac(macs.host0),
		etherType: etherType[familyOf(packet)],
	};
	return encodeEthernet(header, concatenate([packet, padding]));
}

const inner = {
	ipv4: { source: addressBytes('10.11.1.1'), destination: addressBytes('10.11.1.77') },
	ipv6: { source: addressBytes('fc00:dead:cafe:1::1'), destination: addressBytes('fc00:dead:cafe:1::77') },
};

function bytesOf(length: number): Uint8Array {
	return Uint8Array.from({ length }, (_, index) => (index * 7 + 3) & 0xff);
}

interface Rest {
	readonly hops?: number;
	readonly traffic?: number;
	readonly addresses?: { readonly source: Uint8Array; readonly destination: Uint8Array };
}

/** A packet that carries these bytes. */
function packetOf(family: Family, protocol: number, payload: Uint8Array, rest: Rest = {}): Uint8Array {
	const { hops = 64, traffic = 0, addresses = inner[family] } = rest;
	return family === 'ipv4'
		? encodeIpv4({ ttl: hops, typeOfService: traffic, protocol, ...addresses }, payload)
		: encodeIpv6({ hopLimit: hops, trafficClass: traffic, nextHeader: protocol, ...addresses }, payload);
}

function udpPacket(family: Family, length: number, rest: Rest = {}, sourcePort = 41000): Uint8Array {
	const addresses = rest.addresses ?? inner[family];
	const datagram = encodeUdp({ sourcePort, destinationPort: 41001 }, bytesOf(length), addresses);
	return packetOf(family, ipProtocol.udp, datagram, rest);
}

/** The inner packet after one hop: nothing but its hop limit has changed, and with it the IPv4 checksum. */
function afterOneHop(packet: Uint8Array): Uint8Array {
	const expected = packet.slice();
	if (familyOf(packet) === 'ipv6') {
		expected[7] = (packet[7] ?? 0) - 1;
		return expected;
	}
	expected[8] = (packet[8] ?? 0) - 1;
	expected.set([0, 0], 10);
	const length = ((packet[0] ?? 0) & 15) * 4;
	new DataView(expected.buffer).setUint16(10, internetChecksum(expected.subarray(0, length)));
	return expected;
}

const fields = [
	...['frame.protocols', 'eth.dst', 'eth.src', 'gre.flags_and_version', 'gre.proto', 'gre.key'],
	...[
		'ip.hdr_len',
		'ip.len',
		'ip.id',
		'ip.flags.df',
		'ip.frag_offset',
		'ip.ttl',
		'ip.proto',
		'ip.dsfield.dscp',
	],
	...['ip.dsfield.ecn', 'ip.src', 'ip.dst', 'ip.checksum.status', 'icmp.checksum.status'],
	...['ipv6.tclass.dscp', 'ipv6.tclass.ecn', 'ipv6.flow', 'ipv6.plen', 'ipv6.nxt', 'ipv6.hlim', 'ipv6.src'],
	...['ipv6.dst', 'icmpv6.checksum.status', 'udp.srcport', 'udp.dstport', 'udp.length', 'udp.checksum'],
	...['udp.checksum.status', 'data.data', 'vxlan.flags', 'vxlan.vni', 'geneve.version', 'geneve.proto_type'],
	...['geneve.vni', 'geneve.flags'],
] as const;
type Read = Readonly<Record<string, string>>;

function readByTshark(frames: readonly Uint8Array[]): readonly Read[] {
	const packets = frames.map((bytes) => ({ interface: 0, timestamp: 0n, bytes }));
	const read = tsharkFields(pcapng({ application: 'test', interfaces: [{ name: 'x' }], packets }), fields);
	expect(read.length).toBe(frames.length);
	return read;
}

/** One value of a field that outer and inner header may both have; numbers whatever way they are written. */
function valueAt(read: Read, field: string, index: number): string | number {
	const text = read[field] ?? '';
	const value = text.split(',').at(text === '' ? 0 : index) ?? '';
	if (value === 'True') return 1;
	if (value === 'False') return 0;
	return /^(0x[0-9a-f]+|[0-9]+)$/.test(value) ? Number(value) : value;
}

interface Meant {
	readonly name: Name;
	readonly kind: Kind;
	readonly outer: Family;
	/** As it came. */
	readonly packet: Uint8Array;
	readonly frame: Uint8Array;
}

function startOf(name: Name, outer: Family): number {
	return 14 + (outer === 'ipv4' ? 20 : 40) + between[name].length;
}

/** Hop limit and traffic class of a packet. */
function classOf(packet: Uint8Array): { readonly hops: number; readonly traffic: number } {
	const [first = 0, second = 0] = packet;
	return familyOf(packet) === 'ipv4'
		? { hops: packet[8] ?? 0, traffic: second }
		: { hops: packet[7] ?? 0, traffic: ((first << 4) | (second >> 4)) & 0xff };
}

/** What tshark must read in the headers before the inner packet. */
function expectOuter(read: Read, { name, kind, outer, packet }: Meant): void {
	const { hops, traffic } = classOf(packet);
	const { length } = between[name];
	const isUdp = 'port' in kind || ['gue', 'vxlan', 'geneve'].includes(name);
	const family = familyOf(packet);
	const protocol = isUdp ? 17 : name === 'ip' ? (family === 'ipv4' ? 4 : 41) : 47;
	const ttl = kind.ttl === 'inherit' ? hops - 1 : (kind.ttl ?? 64);
	const dscp = kind.dscp === undefined || kind.dscp === 'inherit' ? traffic >> 2 : kind.dscp;
	const expected: Record<string, string | number> =
		outer === 'ipv4'
			? {
					'ip.hdr_len': 20,
					'ip.len': 20 + length + packet.length,
					'ip.flags.df': kind.dontFragment === false ? 0 : 1,
					'ip.frag_offset': 0,
					'ip.ttl': ttl,
					'ip.proto': protocol,
					'ip.dsfield.dscp': dscp,
					'ip.dsfield.ecn': traffic & 3,
					'ip.src': ends.ipv4.source,
					'ip.dst': ends.ipv4.destination,
					'ip.checksum.status': 1,
					...(kind.dontFragment === false ? {} : { 'ip.id': 0 }),
				}
			: {
					'ipv6.plen': length + packet.length,
					'ipv6.nxt': protocol,
					'ipv6.hlim': ttl,
					'ipv6.tclass.dscp': dscp,
					'ipv6.tclass.ecn': traffic & 3,
					'ipv6.src': ends.ipv6.source,
					'ipv6.dst': ends.ipv6.destination,
				};
	expected['eth.dst'] = macs.host1;
	expected['eth.src'] = macs.veth1;
	if (isUdp) {
		const zero = outer === 'ipv4' || ('udpChecksum' in kind && kind.udpChecksum === 'zero');
		expected['udp.dstport'] =
			'port' in kind ? kind.port : ({ gue: 6080, vxlan: 4789, geneve: 6081 }[name as 'gue'] ?? 0);
		expected['udp.length'] = length + packet.length;
		if (zero) expected['udp.checksum'] = 0;
		else expected['udp.checksum.status'] = 1;
		expect(Number(valueAt(read, 'udp.srcport', 0))).toBeGreaterThanOrEqual(0xc000);
	}
	if (kind.encapsulation === 'gre') {
		expected['gre.flags_and_version'] = 'key' in kind ? 0x2000 : 0;
		expected['gre.proto'] = etherType[family];
		expected['gre.key'] = 'key' in kind ? (kind.key ?? '') : '';
	}
	if (kind.encapsulation === 'vxlan' && !('port' in kind)) {
		expected['vxlan.flags'] = 0x0800;
		expected['vxlan.vni'] = kind.vni;
	}
	if (kind.encapsulation === 'geneve') {
		expected['geneve.version'] = 0;
		expected['geneve.flags'] = 0;
		expected['geneve.proto_type'] = 0x6558;
		expected['geneve.vni'] = kind.vni;
	}
	const found = Object.fromEntries(Object.keys(expected).map((field) => [field, valueAt(read, field, 0)]));
	expect(found).toEqual(expected);
	if ('vni' in kind && !('port' in kind)) {
		const of = (end: 'source' | 'destination'): string => formatMac(innerMac(addressBytes(ends[outer][end])));
		expect([valueAt(read, 'eth.dst', 1), valueAt(read, 'eth.src', 1)]).toEqual([
			kind.innerDestination ?? of('destination'),
			kind.innerSource ?? of('source'),
		]);
	}
	const ip = { ipv4: 'ip', ipv6: 'ipv6' };
	const layers = between[name].layers;
	if (!('port' in kind))
		expect(read['frame.protocols']).toMatch(
			new RegExp(`^eth:ethertype:${ip[outer]}${layers}${name === 'gue' ? '$' : `:${ip[family]}(:|$)`}`),
		);
	// The GUE header, which tshark has no dissector for, is behind UDP.
	if (name === 'gue')
		expect((read['data.data'] ?? '').slice(0, 8)).toBe(family === 'ipv4' ? '00040000' : '00290000');
}

/** The bytes behind the headers: the packet after one hop, and its padding. */
function expectInner({ name, outer, packet, frame }: Meant): void {
	const bytes = frame.subarray(startOf(name, outer));
	expect(hexadecimal(bytes.subarray(0, packet.length))).toBe(hexadecimal(afterOneHop(packet)));
	expect(hexadecimal(bytes.subarray(packet.length))).toBe(
		hexadecimal(onWire(packet).subarray(14 + packet.length)),
	);
}

/** tshark's verdict on headers, and on the inner packet by itself, which it cannot see behind GUE. */
function judge(all: readonly Meant[]): void {
	const outer = readByTshark(all.map(({ frame }) => frame));
	const alone = readByTshark(
		all.map(({ name, outer, packet, frame }) => {
			const start = startOf(name, outer);
			return onWire(frame.subarray(start, start + packet.length));
		}),
	);
	for (const [index, meant] of all.entries()) {
		const label = `${familyOf(meant.packet)} in ${meant.outer}, ${JSON.stringify(meant.kind)}, ${hexadecimal(meant.frame)}`;
		const read = outer[index] ?? {};
		try {
			expectOuter(read, meant);
			expectInner(meant);
		} catch (error) {
			throw new Error(`${label}: ${(error as Error).message}`, { cause: error });
		}
		for (const each of [read, alone[index] ?? {}])
			for (const field of ['ip', 'icmp', 'icmpv6'])
				expect((each[`${field}.checksum.status`] ?? '').replace(/[1,]/g, ''), label).toBe('');
	}
}

describe('through the engine', requires('root', 'tshark'), () => {
	const engine = process.getuid?.() === 0 ? openLinuxEngine() : undefined;
	afterAll(() => engine?.close());
	const arrived: Meant[] = [];
	let ecn = 0;

	const cases = families.flatMap((outer) =>
		families.flatMap((inner) => (Object.keys(kinds) as Name[]).map((name) => [name, inner, outer] as const)),
	);
	test.each(cases)('%s, %s in %s', async (name, inner, outer) => {
		const frames: Uint8Array[] = [];
		const inherit = ecn % 2 === 0 ? ({ ttl: 'inherit', dscp: 10 } as const) : { ttl: 9 };
		const kind: Kind = { ...kinds[name], ...inherit };
		let packet: Uint8Array = new Uint8Array();
		for (const hook of hooks) {
			for (const neighbour of ['known', 'unknown'] as const) {
				const cell = { hook, outer, inner, forwarding: 'fib', source: 'local', neighbour } as const;
				const scenario = exampleScenario({ ...cell, rpFilter: 1, acceptLocal: 0 }, bytesOf(32));
				packet = withTraffic(scenario.packet.frame.slice(14), 0xa0 | (ecn & 3));
				const frame = concatenate([scenario.packet.frame.subarray(0, 14), packet]);
				const { datapath } = scenario;
				const journey = await engine?.run({
					...scenario,
					packet: { ...scenario.packet, frame },
					datapath: {
						...datapath,
						tunnels: datapath.tunnels.map(({ match, source, destination }) => ({
							match,
							source,
							destination,
							...kind,
						})),
					},
				});
				expect(journey?.outcome).toMatchObject({ kind: 'forwarded', device: 'host1' });
				if (journey?.outcome.kind === 'forwarded') frames.push(journey.outcome.frame);
			}
		}
		expect(frames.length).toBe(4);
		const [frame = new Uint8Array()] = frames;
		for (const each of frames) expect(hexadecimal(each)).toBe(hexadecimal(frame));
		expect(echoOf(frame)).toEqual({ identifier: 1, sequence: 1 });
		const { source = new Uint8Array() } = outerAddresses(frame) ?? {};
		expect(formatIp(source)).toBe(ends[outer].source);
		arrived.push({ name, kind, outer, packet, frame });
		ecn++;
	});

	test('tshark reads in the frames that arrived what was meant', () => {
		expect(arrived.length).toBe(cases.length);
		judge(arrived);
	});
});

/** The packet with another traffic class. */
function withTraffic(packet: Uint8Array, traffic: number): Uint8Array {
	const view = new DataView(packet.buffer, packet.byteOffset);
	if (familyOf(packet) === 'ipv6') {
		view.setUint16(0, 0x6000 | (traffic << 4));
		return packet;
	}
	view.setUint8(1, traffic);
	view.setUint16(10, 0);
	view.setUint16(10, internetChecksum(packet.subarray(0, 20)));
	return packet;
}

function tunnelsOf(kind: Kind, outer: Family, source: string = ends[outer].source): Tunnel[] {
	const { destination } = ends[outer];
	return ['0.0.0.0/0', '::/0'].map((match) => ({ match, source, destination, ...kind }));
}

describe('frame by frame', requires('root', 'ip', 'tshark'), () => {
	let network: Network;
	let queue: BpfObject;
	let programs: Programs;

	beforeAll(() => {
		network = openNetwork();
		queue = openReceiveQueue(network.router, network.device('veth0'));
		for (const family of families)
			network.ip(`neigh replace ${ends[family].destination} lladdr ${macs.host1} dev veth1 nud permanent`);
		programs = openPrograms(network, 'fib');
	});
	afterAll(() => {
		programs?.close();
		queue?.close();
		network?.close();
	});

	/** Longer than the tick that the datapath remembers a way for. */
	function setTunnels(tunnels: readonly Tunnel[]): void {
		programs.setTunnels(tunnels);
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 15);
	}

	/** The frame that leaves, forwarded, from one hook. */
	function leave(hook: Hook, packet: Uint8Array): Uint8Array {
		const ran = programs.run(hook, onWire(packet));
		expect(ran).toMatchObject({ verdict: 'redirect', outcome: 'forwarded' });
		return ran.frame;
	}

	/** The frame that leaves from either hook, the same from both. */
	function leaveBoth(packet: Uint8Array): Uint8Array {
		const [xdp, tc] = hooks.map((hook) => leave(hook, packet));
		expect(hexadecimal(tc ?? new Uint8Array())).toBe(hexadecimal(xdp ?? new Uint8Array()));
		return xdp ?? new Uint8Array();
	}

	test.each(families)('over %s: TTL and DSCP fixed and inherited, ECN copied (RFC 6040)', (outer) => {
		const all: Meant[] = [];
		for (const name of Object.keys(kinds) as Name[])
			for (const ttl of [7, 255, 'inherit'] as const)
				for (const dscp of [0, 46, 'inherit'] as const) {
					const kind: Kind = { ...kinds[name], ttl, dscp };
					setTunnels(tunnelsOf(kind, outer));
					for (const family of families)
						for (const traffic of [0xb8, 0x29, 0x02, 0xff]) {
							const packet = udpPacket(family, 9, { hops: 33, traffic });
							all.push({ name, kind, outer, packet, frame: leaveBoth(packet) });
						}
				}
		expect(all.length).toBe(6 * 3 * 3 * 2 * 4);
		judge(all);
	});

	test.each(families)('over %s: ports, Ethernet addresses, lengths up to the MTU', (outer) => {
		const all: Meant[] = [];
		for (const [name, kind] of [...Object.entries(kinds), ...Object.entries(udpKinds)] as [Name, Kind][]) {
			setTunnels(tunnelsOf(kind, outer));
			const most = 1500 - (startOf(name, outer) - 14);
			for (const family of families) {
				const header = family === 'ipv4' ? 28 : 48;
				for (const length of [0, 1, 2, 17, 18, 511, most - header - 1, most - header]) {
					const packet = udpPacket(family, length);
					all.push({ name, kind, outer, packet, frame: leaveBoth(packet) });
				}
				for (const hook of hooks) {
					const frame = onWire(udpPacket(family, most - header + 1));
					expect(programs.run(hook, frame)).toMatchObject(
						hook === 'xdp'
							? { verdict: 'pass', outcome: 'handed-over-answer', frame }
							: family === 'ipv4'
								? { verdict: 'drop', outcome: 'too-big-no-df' }
								: { verdict: 'redirect', outcome: 'too-big-answered' },
					);
				}
			}
		}
		judge(all);
	});

	test('routers may fragment: no DF, and an identification for each packet', () => {
		const all: Meant[] = [];
		for (const name of Object.keys(kinds) as Name[]) {
			const kind: Kind = { ...kinds[name], dontFragment: false };
			setTunnels(tunnelsOf(kind, 'ipv4'));
			for (const hook of hooks) {
				const identifications = new Set<number>();
				for (let run = 0; run < 32; run++) {
					const packet = udpPacket(run % 2 ? 'ipv4' : 'ipv6', 9);
					const frame = leave(hook, packet);
					identifications.add(new DataView(frame.buffer, frame.byteOffset).getUint16(18));
					all.push({ name, kind, outer: 'ipv4', packet, frame });
				}
				// Two of 32 random ones are the same now and then, never many.
				expect(identifications.size).toBeGreaterThan(28);
			}
		}
		judge(all);
	});

	describe.each(Object.keys(udpKinds) as (keyof typeof udpKinds)[])('UDP checksum over IPv6: %s', (name) => {
		test.each(['computed', 'zero'] as const)('%s', (udpChecksum) => {
			const kind: Kind = { ...udpKinds[name], udpChecksum };
			setTunnels(tunnelsOf(kind, 'ipv6'));
			judge(
				checksumPackets.map((packet) => ({ name, kind, outer: 'ipv6', packet, frame: leaveBoth(packet) })),
			);
		});

		test('random packets: the checksum computed is good whatever is inside', () => {
			const kind: Kind = { ...kinds[name], udpChecksum: 'computed' };
			setTunnels(tunnelsOf(kind, 'ipv6'));
			let forwarded = 0;
			const packets = fc.oneof(ipv4Packet(1), ipv6Packet(1));
			fc.assert(
				fc.property(packets, (packet) => {
					const [xdp, tc] = hooks.map((hook) => programs.run(hook, onWire(packet)));
					expect(tc).toEqual(xdp);
					if (xdp?.outcome !== 'forwarded') return;
					forwarded++;
					const udp = dissect(xdp.frame).find(({ protocol }) => protocol === 'udp');
					expect(udp?.checksum).toBe('good');
				}),
				{ numRuns: 400 },
			);
			expect(forwarded).toBeGreaterThan(100);
		});
	});

	/** What of the headers is a hash of the flow: the UDP source port or none, and the flow label or none. */
	function hashedOf(frame: Uint8Array): {
		readonly port: string;
		readonly label: string;
		readonly source: string;
	} {
		const [, ip, udp] = dissect(frame);
		const field = (layer: typeof ip, name: string): string =>
			layer?.fields.find((each) => each.name === name)?.value ?? '';
		expect(ip?.checksum).not.toBe('bad');
		expect(udp?.checksum).not.toBe('bad');
		return {
			port: field(udp, 'source port'),
			label: field(ip, 'flow label'),
			source: field(ip, 'source'),
		};
	}

	const flow = fc.record({
		family: fc.constantFrom(...families),
		host: fc.nat(0xffff),
		port: fc.integer({ min: 1, max: 0xffff }),
	});
	function packetOfFlow(
		{ family, host, port }: typeof flow extends fc.Arbitrary<infer F> ? F : never,
		rest: Rest,
		length: number,
	): Uint8Array {
		const destination = inner[family].destination.slice();
		new DataView(destination.buffer).setUint16(destination.length - 2, host);
		return udpPacket(
			family,
			length,
			{ ...rest, addresses: { source: inner[family].source, destination } },
			port,
		);
	}

	describe.each(families)('flows over %s', (outer) => {
		test.each(Object.keys(kinds) as Name[])('%s: one port and label a flow, many flows many', (name) => {
			setTunnels(tunnelsOf(kinds[name], outer));
			fc.assert(
				fc.property(
					flow,
					fc.nat(1000),
					fc.integer({ min: 2, max: 255 }),
					fc.nat(255),
					(one, length, hops, traffic) => {
						const first = hashedOf(leaveBoth(packetOfFlow(one, {}, 8)));
						expect(hashedOf(leaveBoth(packetOfFlow(one, { hops, traffic }, length)))).toEqual(first);
					},
				),
				{ numRuns: 100 },
			);
			const seen = { port: new Set<string>(), label: new Set<string>() };
			const flows = fc.sample(flow, { numRuns: 300, seed: 1 });
			// Neighbours among flows, too: they must not fall together.
			const near = Array.from({ length: 200 }, (_, index) => ({
				family: 'ipv4' as const,
				host: 7,
				port: 1000 + index,
			}));
			for (const list of [flows, near]) {
				seen.port.clear();
				seen.label.clear();
				for (const each of list) {
					const { port, label } = hashedOf(leaveBoth(packetOfFlow(each, {}, 8)));
					seen.port.add(port);
					seen.label.add(label);
				}
				const many = 0.95 * list.length;
				if (name === 'gue' || name === 'vxlan' || name === 'geneve')
					expect(seen.port.size).toBeGreaterThan(many);
				else expect(seen.port.size).toBe(1);
				if (outer === 'ipv6') expect(seen.label.size).toBeGreaterThan(many);
				else expect(seen.label.size).toBe(1);
			}
		});

		test('the fragments of one datagram go one way', () => {
			setTunnels(tunnelsOf(kinds.gue, outer));
			for (const list of fragments) {
				const all = list.map((packet) => hashedOf(leaveBoth(packet)));
				for (const each of all) expect(each).toEqual(all[0]);
			}
		});

		const prefixes = {
			ipv4: ['10.11.2.0/24', '10.11.0.0/19'],
			ipv6: ['fc00:dead:cafe:2::/64', 'fc00:dead:cafe:2::/125'],
		};
		test.each(prefixes[outer])('the source %s: host bits only, the same for a flow', (source) => {
			const prefix = parsePrefix(source);
			if (prefix === undefined) throw new Error(source);
			const hostBits = prefix.bytes.length * 8 - prefix.length;
			for (const name of Object.keys(kinds) as Name[]) {
				setTunnels(tunnelsOf(kinds[name], outer, source));
				const sources = new Set<string>();
				for (const each of fc.sample(flow, { numRuns: 100, seed: 2 })) {
					const first = hashedOf(leaveBoth(packetOfFlow(each, {}, 8)));
					expect(hashedOf(leaveBoth(packetOfFlow(each, { hops: 3 }, 99))).source).toBe(first.source);
					sources.add(first.source);
					const network =
						parsePrefix(`${first.source}/${prefix.bytes.length * 8}`)?.bytes ?? new Uint8Array();
					expect(bitsOf(network).slice(0, prefix.length)).toBe(bitsOf(prefix.bytes).slice(0, prefix.length));
				}
				// Of n addresses, 100 random picks meet most of few and repeat few of many.
				const n = 2 ** Math.min(hostBits, 20);
				expect(sources.size).toBeGreaterThan(0.8 * n * (1 - (1 - 1 / n) ** 100));
			}
		});
	});
});

function bitsOf(bytes: Uint8Array): string {
	return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

function ipv6Fragment(offset: number, moreFragments: boolean, payload: Uint8Array): Uint8Array {
	const fragment = { type: 'fragment', offset, moreFragments, identification: 7 } as const;
	const chain = encodeIpv6Extensions({ extensions: [fragment], protocol: ipProtocol.udp, payload });
	return packetOf('ipv6', chain.nextHeader, chain.payload);
}

function ipv4Fragment(fragmentOffset: number, moreFragments: boolean, payload: Uint8Array): Uint8Array {
	const header = { ttl: 64, protocol: ipProtocol.udp, identification: 7, ...inner.ipv4 };
	return encodeIpv4({ ...header, fragmentOffset, moreFragments }, payload);
}

/** A datagram in three fragments, of each family. */
const fragments = families.map((family) => {
	const make = family === 'ipv4' ? ipv4Fragment : ipv6Fragment;
	const datagram = encodeUdp({ sourcePort: 1, destinationPort: 2 }, bytesOf(100), inner[family]);
	return [
		make(0, true, datagram.subarray(0, 48)),
		make(48, true, datagram.subarray(48, 96)),
		make(96, false, datagram.subarray(96)),
	];
});

/** Every way in which an inner packet has, or has not, a checksum of its own. */
const checksumPackets: readonly Uint8Array[] = families.flatMap((family, index) => {
	const addresses = inner[family];
	const ports = { sourcePort: 41000, destinationPort: 41001 };
	const lengths = [0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 500, 1001, 1358, 1359];
	const tcp = (length: number): Uint8Array =>
		encodeTcp({ ...ports, flags: 0x10 }, bytesOf(length), addresses);
	const echo = { code: 0, identifier: 1, sequence: 1 };
	const options = { ttl: 64, options: Uint8Array.of(148, 4, 0, 0), ...inner.ipv4 };
	const datagram = encodeUdp(ports, bytesOf(20), addresses);
	return [
		...lengths.flatMap((length) => [
			packetOf(family, ipProtocol.tcp, tcp(Math.min(length, 1350))),
			udpPacket(family, length),
			packetOf(
				family,
				ipProtocol.udp,
				encodeUdp({ ...ports, withoutChecksum: true }, bytesOf(length), addresses),
			),
			packetOf(family, ipProtocol.icmp, encodeIcmp({ type: 8, ...echo }, bytesOf(length))),
			packetOf(family, ipProtocol.icmpv6, encodeIcmpv6({ type: 128, ...echo }, bytesOf(length), addresses)),
			packetOf(family, 253, bytesOf(length)),
		]),
		...(fragments[index] ?? []),
		...(family === 'ipv4'
			? [tcp(7), tcp(8)].map((segment) => encodeIpv4({ ...options, protocol: ipProtocol.tcp }, segment))
			: []),
		...(family === 'ipv4' ? [encodeIpv4({ ...options, protocol: ipProtocol.udp }, datagram)] : []),
		// A datagram that ends before its packet does: what follows are UDP options (RFC 9868).
		packetOf(family, ipProtocol.udp, concatenate([datagram, bytesOf(12)])),
		packetOf(family, ipProtocol.udp, concatenate([datagram, bytesOf(13)])),
		// Too short for the header that would hold a checksum.
		packetOf(family, ipProtocol.tcp, bytesOf(7)),
		packetOf(family, ipProtocol.tcp, bytesOf(17)),
		packetOf(family, ipProtocol.udp, bytesOf(7)),
		packetOf(family, ipProtocol.icmpv6, bytesOf(3)),
	];
});
