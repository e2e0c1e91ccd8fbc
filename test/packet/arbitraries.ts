/** Random headers and random whole frames, for tests of src/packet. */
import fc from 'fast-check';
import type { ArpHeader } from '../../src/packet/arp.ts';
import { encodeArp } from '../../src/packet/arp.ts';
import { concatenate } from '../../src/packet/bytes.ts';
import type { Addresses } from '../../src/packet/checksum.ts';
import type { EthernetHeader } from '../../src/packet/ethernet.ts';
import { encodeEthernet } from '../../src/packet/ethernet.ts';
import type { GeneveHeader } from '../../src/packet/geneve.ts';
import { encodeGeneve } from '../../src/packet/geneve.ts';
import type { GreHeader } from '../../src/packet/gre.ts';
import { encodeGre } from '../../src/packet/gre.ts';
import type { GueHeader } from '../../src/packet/gue.ts';
import { encodeGue } from '../../src/packet/gue.ts';
import type { IcmpHeader } from '../../src/packet/icmp.ts';
import { encodeIcmp } from '../../src/packet/icmp.ts';
import type { Icmpv6Header } from '../../src/packet/icmpv6.ts';
import { encodeIcmpv6, encodeLinkLayerOption } from '../../src/packet/icmpv6.ts';
import type { Ipv4Header } from '../../src/packet/ipv4.ts';
import { encodeIpv4 } from '../../src/packet/ipv4.ts';
import type { Ipv6Header } from '../../src/packet/ipv6.ts';
import { encodeIpv6 } from '../../src/packet/ipv6.ts';
import type { Ipv6Extension } from '../../src/packet/ipv6-extension.ts';
import { encodeIpv6Extensions } from '../../src/packet/ipv6-extension.ts';
import { etherType, ipProtocol, udpPort } from '../../src/packet/protocol.ts';
import type { TcpHeader } from '../../src/packet/tcp.ts';
import { encodeTcp } from '../../src/packet/tcp.ts';
import type { UdpHeader } from '../../src/packet/udp.ts';
import { encodeUdp } from '../../src/packet/udp.ts';
import type { VxlanHeader } from '../../src/packet/vxlan.ts';
import { encodeVxlan } from '../../src/packet/vxlan.ts';

const uint8 = fc.nat(0xff);
const uint16 = fc.nat(0xffff);
const uint32 = fc.nat(0xffffffff);

/** Exactly so many bytes, zero more often than chance has it. */
export function bytesOf(length: number): fc.Arbitrary<Uint8Array> {
	const byte = fc.oneof({ weight: 2, arbitrary: uint8 }, { weight: 1, arbitrary: fc.constant(0) });
	return fc.array(byte, { minLength: length, maxLength: length }).map((bytes) => Uint8Array.from(bytes));
}

/** Any bytes up to a length. */
export function bytesUpTo(maxLength: number): fc.Arbitrary<Uint8Array> {
	return fc.array(uint8, { maxLength }).map((bytes) => Uint8Array.from(bytes));
}

export const ipv4Address: fc.Arbitrary<Uint8Array> = bytesOf(4);
export const mac: fc.Arbitrary<Uint8Array> = bytesOf(6);
/** With runs of zero words, and now and then an IPv4-mapped one. */
export const ipv6Address: fc.Arbitrary<Uint8Array> = fc.oneof(
	{ weight: 2, arbitrary: bytesOf(16) },
	{
		weight: 4,
		arbitrary: fc
			.array(fc.oneof(fc.constant(Uint8Array.of(0, 0)), bytesOf(2)), { minLength: 8, maxLength: 8 })
			.map((words) => concatenate(words)),
	},
	{
		weight: 1,
		arbitrary: ipv4Address.map((last) => concatenate([new Uint8Array(10), Uint8Array.of(0xff, 0xff), last])),
	},
);

/** Valid options of IPv4, padded to a multiple of 4: no operation, router alert, record route. */
const ipv4Options = options(40, [[1], [148, 4, 0, 0], [7, 7, 4, 0, 0, 0, 0]], 0);
/** Valid options of TCP: no operation, maximum segment size, window scale, SACK permitted, timestamps. */
const tcpOptions = options(40, [[1], [2, 4, 5, 0xb4], [3, 3, 7], [4, 2], [8, 10, 0, 0, 0, 1, 0, 0, 0, 2]], 0);

function options(limit: number, known: readonly number[][], end: number): fc.Arbitrary<Uint8Array> {
	return fc.array(fc.constantFrom(...known), { maxLength: 4 }).map((list) => {
		const bytes = list.flat().slice(0, limit);
		while (bytes.length % 4) bytes.push(end);
		return Uint8Array.from(bytes);
	});
}

export const ethernetHeader: fc.Arbitrary<EthernetHeader> = fc.record(
	{
		destination: mac,
		source: mac,
		etherType: fc.integer({ min: 0x0600, max: 0xffff }).filter((number) => number !== etherType.vlan),
		vlan: fc.record({ priority: fc.nat(7), dropEligible: fc.boolean(), id: fc.nat(0xfff) }),
	},
	{ requiredKeys: ['destination', 'source', 'etherType'] },
);

export const arpHeader: fc.Arbitrary<ArpHeader> = fc.record({
	operation: fc.constantFrom(1, 2, 100, 65535),
	senderHardware: mac,
	senderProtocol: ipv4Address,
	targetHardware: mac,
	targetProtocol: ipv4Address,
});

export const ipv4Header: fc.Arbitrary<Ipv4Header> = fc.record({
	typeOfService: uint8,
	identification: uint16,
	dontFragment: fc.boolean(),
	moreFragments: fc.boolean(),
	fragmentOffset: fc.nat(0x1fff).map((units) => units * 8),
	ttl: uint8,
	protocol: uint8,
	source: ipv4Address,
	destination: ipv4Address,
	options: ipv4Options,
});

export const ipv6Header: fc.Arbitrary<Ipv6Header> = fc.record({
	trafficClass: uint8,
	flowLabel: fc.nat(0xfffff),
	nextHeader: uint8,
	hopLimit: uint8,
	source: ipv6Address,
	destination: ipv6Address,
});

/** The body of an options header: one PadN over all of it. */
const optionsBody = fc.nat(3).map((units) => {
	const body = new Uint8Array(6 + units * 8);
	body.set([1, body.length - 2]);
	return body;
});

/** A routing header of type 0 with no segments left. */
const routingBody = fc
	.array(ipv6Address, { maxLength: 2 })
	.map((addresses) => concatenate([new Uint8Array(6), ...addresses]));

const sizedExtension: fc.Arbitrary<Ipv6Extension> = fc.oneof(
	fc.record({ type: fc.constant('destination options' as const), body: optionsBody }),
	fc.record({ type: fc.constant('routing' as const), body: routingBody }),
);

export const fragmentExtension: fc.Arbitrary<Ipv6Extension & { type: 'fragment' }> = fc.record({
	type: fc.constant('fragment' as const),
	offset: fc.oneof(
		fc.constant(0),
		fc.nat(0x1fff).map((units) => units * 8),
	),
	moreFragments: fc.boolean(),
	identification: uint32,
});

/** Hop-by-hop options only first, a fragment header only last. */
export const ipv6Extensions: fc.Arbitrary<readonly Ipv6Extension[]> = fc
	.tuple(
		fc.option(fc.record({ type: fc.constant('hop-by-hop' as const), body: optionsBody })),
		fc.array(sizedExtension, { maxLength: 2 }),
		fc.option(fragmentExtension),
	)
	.map(([first, middle, last]) => [...(first ? [first] : []), ...middle, ...(last ? [last] : [])]);

const echo = { code: fc.constant(0), identifier: uint16, sequence: uint16 };

export const icmpHeader: fc.Arbitrary<IcmpHeader> = fc.oneof(
	fc.record({ type: fc.constantFrom(0, 8), ...echo }),
	fc.record({ type: fc.constantFrom(3, 4, 5, 11, 12, 200), code: fc.nat(15), rest: uint32 }),
);

export const icmpv6Header: fc.Arbitrary<Icmpv6Header> = fc.oneof(
	fc.record({ type: fc.constantFrom(128, 129), ...echo }),
	fc.record({
		type: fc.constantFrom(135, 136),
		code: fc.constant(0),
		flags: fc.constantFrom(0, 0x20, 0x60, 0xe0),
		target: ipv6Address,
	}),
	fc.record({ type: fc.constantFrom(1, 2, 3, 4, 100, 133), code: fc.nat(6), rest: uint32 }),
);

/** Ports that tshark gives to no protocol. */
const port = fc.integer({ min: 41000, max: 41200 });

export const udpHeader: fc.Arbitrary<UdpHeader> = fc.record(
	{ sourcePort: port, destinationPort: port, withoutChecksum: fc.constant(true as const) },
	{ requiredKeys: ['sourcePort', 'destinationPort'] },
);

export const tcpHeader: fc.Arbitrary<TcpHeader> = fc.record({
	sourcePort: port,
	destinationPort: port,
	sequence: uint32,
	acknowledgement: uint32,
	flags: fc.nat(0xfff),
	window: uint16,
	urgentPointer: uint16,
	options: tcpOptions,
});

export const greHeader: fc.Arbitrary<GreHeader> = fc.record(
	{
		etherType: fc.integer({ min: 0x0600, max: 0xffff }),
		checksum: fc.boolean(),
		key: uint32,
		sequence: uint32,
	},
	{ requiredKeys: ['etherType', 'checksum'] },
);

export const gueHeader: fc.Arbitrary<GueHeader> = fc.record({
	control: fc.boolean(),
	protocol: uint8,
	flags: uint16,
	extensions: fc.nat(4).chain((words) => bytesOf(4 * words)),
});

/** A flag that tshark takes for another header than RFC 7348's is left out. */
export const vxlanHeader: fc.Arbitrary<VxlanHeader> = fc.record({
	flags: fc.constantFrom(0x08, 0x00),
	vni: fc.nat(0xffffff),
});

/** Options of a class for experiments, none of them critical. */
const geneveOptions = fc
	.array(
		fc.nat(3).chain((words) => bytesOf(4 * words)),
		{ maxLength: 3 },
	)
	.map((list) => concatenate(list.flatMap((data) => [Uint8Array.of(0xff, 0xff, 1, data.length / 4), data])));

export const geneveHeader: fc.Arbitrary<GeneveHeader> = fc.record({
	control: fc.boolean(),
	critical: fc.boolean(),
	etherType: fc.integer({ min: 0x0600, max: 0xffff }),
	vni: fc.nat(0xffffff),
	options: geneveOptions,
});

/** What an IP header carries: its protocol number, and its bytes once the addresses are known. */
interface Content {
	readonly protocol: number;
	readonly encode: (addresses: Addresses) => Uint8Array;
	/** Never made a fragment: a whole packet in a part of one is nothing to agree about. */
	readonly whole?: true;
}

const payload = bytesUpTo(64);

const udp: fc.Arbitrary<Content> = fc.tuple(udpHeader, payload).map(([header, data]) => ({
	protocol: ipProtocol.udp,
	encode: (addresses) =>
		// Zero is no checksum that IPv6 may have.
		encodeUdp(
			addresses.source.length === 4
				? header
				: { sourcePort: header.sourcePort, destinationPort: header.destinationPort },
			data,
			addresses,
		),
}));

const tcp: fc.Arbitrary<Content> = fc.tuple(tcpHeader, payload).map(([header, data]) => ({
	protocol: ipProtocol.tcp,
	encode: (addresses) => encodeTcp(header, data, addresses),
}));

/** A protocol nobody knows (RFC 3692). */
const experiment: fc.Arbitrary<Content> = payload.map((data) => ({ protocol: 253, encode: () => data }));

const whole = true as const;

function innerIp(depth: number): fc.Arbitrary<Content> {
	return fc.oneof(
		ipv4Packet(depth).map((packet) => ({ protocol: ipProtocol.ipv4, encode: () => packet, whole })),
		ipv6Packet(depth).map((packet) => ({ protocol: ipProtocol.ipv6, encode: () => packet, whole })),
	);
}

/** An IP packet, with the numbers that announce it. */
function announcedIp(
	depth: number,
): fc.Arbitrary<{ readonly protocol: number; readonly etherType: number; readonly packet: Uint8Array }> {
	return fc.oneof(
		ipv4Packet(depth).map((packet) => ({ protocol: ipProtocol.ipv4, etherType: etherType.ipv4, packet })),
		ipv6Packet(depth).map((packet) => ({ protocol: ipProtocol.ipv6, etherType: etherType.ipv6, packet })),
	);
}

/** An IP packet, bare or in an Ethernet frame, with its ethertype. */
function announced(depth: number): fc.Arbitrary<readonly [number, Uint8Array]> {
	return fc.tuple(announcedIp(depth), fc.boolean(), mac, mac).map(([inner, bare, destination, source]) => {
		const header = { destination, source, etherType: inner.etherType };
		return bare
			? ([inner.etherType, inner.packet] as const)
			: ([etherType.transparentEthernet, encodeEthernet(header, inner.packet)] as const);
	});
}

/** A tunnel over UDP: its port and what is behind the UDP header. */
function udpTunnel(depth: number): fc.Arbitrary<readonly [number, Uint8Array]> {
	return fc.oneof(
		fc
			.tuple(gueHeader, announcedIp(depth))
			.map(
				([header, { protocol, packet }]) =>
					[udpPort.gue, encodeGue({ ...header, control: false, protocol }, packet)] as const,
			),
		fc
			.tuple(vxlanHeader, mac, mac, announcedIp(depth))
			.map(
				([header, destination, source, { etherType, packet }]) =>
					[
						udpPort.vxlan,
						encodeVxlan(header, encodeEthernet({ destination, source, etherType }, packet)),
					] as const,
			),
		fc
			.tuple(geneveHeader, announced(depth))
			.map(
				([header, [etherType, payload]]) =>
					[udpPort.geneve, encodeGeneve({ ...header, etherType }, payload)] as const,
			),
	);
}

/** A packet in a tunnel: GRE or one over UDP. */
function tunnelled(depth: number): fc.Arbitrary<Content> {
	return fc.oneof(
		fc.tuple(greHeader, announced(depth)).map(([header, [etherType, payload]]) => ({
			protocol: ipProtocol.gre,
			encode: () => encodeGre({ ...header, etherType }, payload),
			whole,
		})),
		fc.tuple(udpHeader, udpTunnel(depth)).map(([header, [destinationPort, payload]]) => ({
			protocol: ipProtocol.udp,
			// A tunnel may go without checksum over IPv6, too (RFC 6935).
			encode: (addresses: Addresses) => encodeUdp({ ...header, destinationPort }, payload, addresses),
			whole,
		})),
	);
}

const icmpEcho = icmpHeader.filter((header) => 'identifier' in header);
const icmpv6Echo = icmpv6Header.filter((header) => 'identifier' in header);
const neighbour = icmpv6Header.filter((header) => 'target' in header);

/** Errors quote a whole packet, or its header and eight bytes more. */
function quoted(packet: fc.Arbitrary<Uint8Array>, minimum: number): fc.Arbitrary<Uint8Array> {
	return fc.tuple(packet, fc.boolean()).map(([bytes, whole]) => (whole ? bytes : bytes.subarray(0, minimum)));
}

function icmp(depth: number): fc.Arbitrary<Content> {
	const message = fc.oneof(
		fc.tuple(icmpEcho, payload),
		...(depth > 0
			? [
					fc.tuple(
						fc.record({ type: fc.constantFrom(3, 11), code: fc.nat(4), rest: fc.constant(0) }),
						quoted(ipv4Packet(0), 60),
					),
				]
			: []),
	);
	return message.map(([header, data]) => ({
		protocol: ipProtocol.icmp,
		encode: () => encodeIcmp(header, data),
	}));
}

function icmpv6(depth: number): fc.Arbitrary<Content> {
	const message = fc.oneof(
		fc.tuple(icmpv6Echo, payload),
		fc.tuple(neighbour, mac),
		...(depth > 0
			? [
					fc.tuple(
						fc.record({ type: fc.constantFrom(1, 2, 3), code: fc.constant(0), rest: fc.constant(0) }),
						quoted(ipv6Packet(0), 48),
					),
				]
			: []),
	);
	return message.map(([header, data]) => ({
		protocol: ipProtocol.icmpv6,
		encode: (addresses) =>
			encodeIcmpv6(
				header,
				'target' in header ? encodeLinkLayerOption(header.type === 135 ? 1 : 2, data) : data,
				addresses,
			),
	}));
}

/** An IPv4 packet with valid content, at most so many times IP in IP; sometimes a fragment. */
export function ipv4Packet(depth: number): fc.Arbitrary<Uint8Array> {
	const content = fc.oneof(
		udp,
		tcp,
		experiment,
		icmp(depth),
		...(depth > 0 ? [innerIp(depth - 1), tunnelled(depth - 1)] : []),
	);
	const isFragment = fc.nat(4).map((number) => number === 0);
	return fc.tuple(ipv4Header, isFragment, content).map(([header, fragment, { protocol, encode, whole }]) => {
		const unfragmented = { ...header, protocol, moreFragments: false, fragmentOffset: 0 };
		return encodeIpv4(fragment && !whole ? { ...header, protocol } : unfragmented, encode(header));
	});
}

/** An IPv6 packet with valid content and sometimes extension headers, at most so many times IP in IP. */
export function ipv6Packet(depth: number): fc.Arbitrary<Uint8Array> {
	const content = fc.oneof(
		udp,
		tcp,
		experiment,
		icmpv6(depth),
		...(depth > 0 ? [innerIp(depth - 1), tunnelled(depth - 1)] : []),
	);
	const chains = fc.oneof(
		{ weight: 2, arbitrary: fc.constant([]) },
		{ weight: 1, arbitrary: ipv6Extensions },
	);
	return fc.tuple(ipv6Header, chains, content).map(([header, list, { protocol, encode, whole }]) => {
		const extensions = list.filter(({ type }) => !(type === 'fragment' && whole));
		const chain = encodeIpv6Extensions({ extensions, protocol, payload: encode(header) });
		return encodeIpv6({ ...header, nextHeader: chain.nextHeader }, chain.payload);
	});
}

/** A well-formed Ethernet frame of any protocol of src/packet, sometimes with padding. */
export const frame: fc.Arbitrary<Uint8Array> = fc
	.tuple(
		ethernetHeader,
		fc.oneof(
			{ weight: 1, arbitrary: arpHeader.map((header) => [etherType.arp, encodeArp(header)] as const) },
			{ weight: 5, arbitrary: ipv4Packet(2).map((packet) => [etherType.ipv4, packet] as const) },
			{ weight: 5, arbitrary: ipv6Packet(2).map((packet) => [etherType.ipv6, packet] as const) },
		),
		fc.oneof(fc.constant(0), fc.nat(16)),
	)
	.map(([header, [number, packet], padding]) =>
		encodeEthernet({ ...header, etherType: number }, concatenate([packet, new Uint8Array(padding)])),
	);

/** Encoded bytes, cut at any place and with some of them overwritten, and now and then any bytes at all. */
export function damaged(encoded: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
	const overwritten = fc
		.tuple(encoded, fc.nat(200), fc.array(fc.tuple(fc.nat(100), uint8), { maxLength: 4 }))
		.map(([bytes, length, changes]) => {
			const result = bytes.slice(0, length);
			for (const [offset, value] of changes) if (offset < result.length) result[offset] = value;
			return result;
		});
	return fc.oneof({ weight: 5, arbitrary: overwritten }, { weight: 1, arbitrary: bytesUpTo(80) });
}
