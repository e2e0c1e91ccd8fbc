import fc from 'fast-check';
import { expect, test } from 'vitest';
import { damaged, frame, ipv4Packet, ipv6Packet } from '../../test/packet/arbitraries.ts';
import { parseIpv4, parseIpv6, parseMac } from './address.ts';
import { encodeArp } from './arp.ts';
import { concatenate } from './bytes.ts';
import { dissect, summarize } from './dissect.ts';
import { encodeEthernet } from './ethernet.ts';
import { encodeGeneve } from './geneve.ts';
import { encodeGre } from './gre.ts';
import { encodeGue } from './gue.ts';
import { encodeIcmp } from './icmp.ts';
import { encodeIcmpv6, encodeLinkLayerOption } from './icmpv6.ts';
import { encodeIpv4 } from './ipv4.ts';
import { encodeIpv6 } from './ipv6.ts';
import { encodeIpv6Extensions } from './ipv6-extension.ts';
import { etherType, ipProtocol, udpPort } from './protocol.ts';
import { encodeTcp, tcpFlag } from './tcp.ts';
import { encodeUdp } from './udp.ts';
import { encodeVxlan } from './vxlan.ts';

function ip4(text: string): Uint8Array {
	return parseIpv4(text) ?? new Uint8Array();
}

function ip6(text: string): Uint8Array {
	return parseIpv6(text) ?? new Uint8Array();
}

const macs = {
	source: parseMac('02:00:00:00:00:01') ?? new Uint8Array(),
	destination: parseMac('02:00:00:00:00:02') ?? new Uint8Array(),
};
const inner = { source: ip6('fc00:dead:cafe:1::1'), destination: ip6('fc00:dead:cafe:1::2'), hopLimit: 63 };
const outer = { source: ip4('10.11.2.2'), destination: ip4('10.11.2.1'), ttl: 64 };
const echo = encodeIcmpv6({ type: 128, code: 0, identifier: 7, sequence: 1 }, new Uint8Array(56), inner);
const innerPacket = encodeIpv6({ ...inner, nextHeader: ipProtocol.icmpv6 }, echo);
const outerPacket = encodeIpv4({ ...outer, protocol: ipProtocol.ipv6, dontFragment: true }, innerPacket);
const ethernetFrame = encodeEthernet({ ...macs, etherType: etherType.ipv4 }, outerPacket);

function summaries(...input: Parameters<typeof dissect>): string[] {
	return dissect(...input).map((layer) => layer.summary);
}

test('IPv6 in IPv4, layer by layer', () => {
	const layers = dissect(concatenate([ethernetFrame, new Uint8Array(3)]));
	expect(
		layers.map(({ protocol, offset, length, checksum }) => [protocol, offset, length, checksum]),
	).toEqual([
		['ethernet', 0, 14, undefined],
		['ipv4', 14, 20, 'good'],
		['ipv6', 34, 40, undefined],
		['icmpv6', 74, 8, 'good'],
		['payload', 82, 56, undefined],
		['padding', 138, 3, undefined],
	]);
	expect(layers.map((layer) => layer.summary)).toEqual([
		'Ethernet 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ipv4 (0x0800)',
		'IPv4 10.11.2.2 > 10.11.2.1, ttl 64, df, id 0, length 124, protocol ipv6 (41)',
		'IPv6 fc00:dead:cafe:1::1 > fc00:dead:cafe:1::2, hop limit 63, payload length 64, next header icmpv6 (58)',
		'ICMPv6 echo request, id 7, seq 1, length 64',
		'Payload 56 bytes',
		'Padding 3 bytes',
	]);
	expect(layers[1]?.fields.find((field) => field.name === 'ttl')).toEqual({ name: 'ttl', value: '64' });
});

test('a frame in one line', () => {
	expect(summarize(ethernetFrame)).toBe(
		'IPv4 10.11.2.2 > 10.11.2.1 ttl 64 | IPv6 fc00:dead:cafe:1::1 > fc00:dead:cafe:1::2 hop limit 63 | ICMPv6 echo request id 7 seq 1',
	);
	expect(summarize(outerPacket, 'ipv4')).toBe(summarize(ethernetFrame));
	const damagedFrame = ethernetFrame.slice();
	damagedFrame[137] = 1;
	damagedFrame[22] = 63;
	expect(summarize(damagedFrame)).toBe(
		'IPv4 10.11.2.2 > 10.11.2.1 ttl 63 bad checksum | IPv6 fc00:dead:cafe:1::1 > fc00:dead:cafe:1::2 hop limit 63 | ICMPv6 echo request id 7 seq 1 bad checksum',
	);
});

test('the summaries of the other protocols', () => {
	const vlan = { id: 5, priority: 3, dropEligible: false };
	const arp = { senderHardware: macs.source, targetHardware: macs.destination };
	const request = encodeArp({
		...arp,
		operation: 1,
		senderProtocol: outer.source,
		targetProtocol: outer.destination,
	});
	expect(summaries(encodeEthernet({ ...macs, vlan, etherType: etherType.arp }, request)).slice(1)).toEqual([
		'VLAN 5, priority 3, ethertype arp (0x0806)',
		'ARP who has 10.11.2.1, tell 10.11.2.2',
	]);
	const reply = encodeArp({
		...arp,
		operation: 2,
		senderProtocol: outer.source,
		targetProtocol: outer.destination,
	});
	expect(summarize(encodeEthernet({ ...macs, etherType: etherType.arp }, reply))).toBe(
		'ARP 10.11.2.2 is at 02:00:00:00:00:01',
	);
	const ports = { sourcePort: 40000, destinationPort: 80 };
	const segment = encodeTcp(
		{ ...ports, flags: tcpFlag.syn | tcpFlag.ack, sequence: 1, acknowledgement: 2 },
		echo,
		outer,
	);
	expect(summaries(encodeIpv4({ ...outer, protocol: ipProtocol.tcp }, segment), 'ipv4')[1]).toBe(
		'TCP 40000 > 80, flags [S.], seq 1, ack 2, win 0, length 64',
	);
	const datagram = encodeUdp(ports, new Uint8Array(4), outer);
	expect(summarize(encodeIpv4({ ...outer, protocol: ipProtocol.udp }, datagram), 'ipv4')).toBe(
		'IPv4 10.11.2.2 > 10.11.2.1 ttl 64 | UDP 40000 > 80 length 4',
	);
	const solicitation = encodeIcmpv6(
		{ type: 135, code: 0, flags: 0, target: inner.destination },
		encodeLinkLayerOption(1, macs.source),
		inner,
	);
	expect(
		summaries(encodeIpv6({ ...inner, nextHeader: ipProtocol.icmpv6 }, solicitation), 'ipv6').slice(1),
	).toEqual([
		'ICMPv6 neighbour solicitation, who has fc00:dead:cafe:1::2, from 02:00:00:00:00:01, length 32',
	]);
	expect(summarize(encodeIpv4({ ...outer, protocol: 89 }, new Uint8Array(24)), 'ipv4')).toBe(
		'IPv4 10.11.2.2 > 10.11.2.1 ttl 64 | protocol 89 24 bytes',
	);
});

/** What a tunnel carries, and how its headers read. */
const innerFrame = encodeEthernet({ ...macs, etherType: etherType.ipv6 }, innerPacket);
const innerSummary =
	'IPv6 fc00:dead:cafe:1::1 > fc00:dead:cafe:1::2 hop limit 63 | ICMPv6 echo request id 7 seq 1';

function overUdp(destinationPort: number, payload: Uint8Array): Uint8Array {
	const datagram = encodeUdp({ sourcePort: 50000, destinationPort }, payload, outer);
	return encodeIpv4({ ...outer, protocol: ipProtocol.udp }, datagram);
}

function overGre(header: Parameters<typeof encodeGre>[0], payload: Uint8Array): Uint8Array {
	return encodeIpv4({ ...outer, protocol: ipProtocol.gre }, encodeGre(header, payload));
}

test.each<[string, string[], Uint8Array]>([
	['GRE', ['gre', 'ipv6'], overGre({ etherType: etherType.ipv6 }, innerPacket)],
	['GRE key 0x00000007', ['gre', 'ipv6'], overGre({ etherType: etherType.ipv6, key: 7 }, innerPacket)],
	[
		'GRE',
		['gre', 'ethernet', 'ipv6'],
		overGre({ etherType: etherType.transparentEthernet, checksum: true }, innerFrame),
	],
	[
		'UDP 50000 > 6080 length 108 | GUE',
		['udp', 'gue', 'ipv6'],
		overUdp(udpPort.gue, encodeGue({ protocol: ipProtocol.ipv6 }, innerPacket)),
	],
	[
		'UDP 50000 > 4789 length 126 | VXLAN vni 7',
		['udp', 'vxlan', 'ethernet', 'ipv6'],
		overUdp(udpPort.vxlan, encodeVxlan({ vni: 7 }, innerFrame)),
	],
	[
		'UDP 50000 > 6081 length 126 | Geneve vni 7',
		['udp', 'geneve', 'ethernet', 'ipv6'],
		overUdp(udpPort.geneve, encodeGeneve({ etherType: etherType.transparentEthernet, vni: 7 }, innerFrame)),
	],
	[
		'UDP 50000 > 6081 length 112 | Geneve vni 7',
		['udp', 'geneve', 'ipv6'],
		overUdp(udpPort.geneve, encodeGeneve({ etherType: etherType.ipv6, vni: 7 }, innerPacket)),
	],
])('%s carrying %j', (brief, protocols, packet) => {
	expect(summarize(packet, 'ipv4')).toBe(`IPv4 10.11.2.2 > 10.11.2.1 ttl 64 | ${brief} | ${innerSummary}`);
	const layers = dissect(packet, 'ipv4');
	expect(layers.map(({ protocol }) => protocol)).toEqual(['ipv4', ...protocols, 'icmpv6', 'payload']);
	for (const { checksum } of layers) expect(checksum).not.toBe('bad');
	expect(layers.at(-2)?.checksum).toBe('good');
});

test('a GUE control message, and a TCP segment directly in GUE', () => {
	const control = encodeGue({ control: true, protocol: 1, flags: 1, extensions: new Uint8Array(4) }, echo);
	expect(summaries(overUdp(udpPort.gue, control), 'ipv4').slice(2)).toEqual([
		'GUE control type 1, flags 0x0001, extensions 4 bytes',
		'Payload 64 bytes',
	]);
	const segment = encodeTcp({ sourcePort: 1, destinationPort: 2, flags: 2 }, new Uint8Array(), outer);
	const layers = dissect(overUdp(udpPort.gue, encodeGue({ protocol: ipProtocol.tcp }, segment)), 'ipv4');
	expect(layers.map(({ protocol, checksum }) => [protocol, checksum]).slice(2)).toEqual([
		['gue', undefined],
		['tcp', undefined],
	]);
});

test('an ICMP error, with the packet it quotes', () => {
	const error = encodeIcmp({ type: 3, code: 4, rest: 1400 }, outerPacket.subarray(0, 64));
	const packet = encodeIpv4({ ...outer, protocol: ipProtocol.icmp }, error);
	expect(summarize(packet, 'ipv4')).toBe(
		'IPv4 10.11.2.2 > 10.11.2.1 ttl 64 | ICMP destination unreachable fragmentation needed mtu 1400 quoting | IPv4 10.11.2.2 > 10.11.2.1 ttl 64 | IPv6 fc00:dead:cafe:1::1 > fc00:dead:cafe:1::2 hop limit 63 | cut short',
	);
	expect(dissect(packet, 'ipv4').at(-1)?.summary).toBe(
		'Payload 4 bytes, cut short: ICMPv6 header needs 8 bytes, 4 here',
	);
});

test('fragments: the first shows its headers, the others are payload', () => {
	const datagram = encodeUdp({ sourcePort: 1, destinationPort: 2 }, new Uint8Array(24), inner);
	const summary = (offset: number, moreFragments: boolean, payload: Uint8Array) => {
		const fragment = { type: 'fragment', offset, moreFragments, identification: 0xabcd } as const;
		const chain = encodeIpv6Extensions({ extensions: [fragment], protocol: ipProtocol.udp, payload });
		return summaries(encodeIpv6({ ...inner, nextHeader: chain.nextHeader }, chain.payload), 'ipv6').slice(1);
	};
	expect(summary(0, true, datagram.subarray(0, 16))).toEqual([
		'IPv6 fragment, offset 0, more fragments, id 0x0000abcd, next header udp (17)',
		'UDP 1 > 2, length 24',
		'Payload 8 bytes',
	]);
	expect(summary(16, false, datagram.subarray(16))).toEqual([
		'IPv6 fragment, offset 16, id 0x0000abcd, next header udp (17)',
		'Payload 16 bytes',
	]);
	const packet = encodeIpv4({ ...outer, protocol: ipProtocol.udp, fragmentOffset: 16 }, datagram);
	expect(summarize(packet, 'ipv4')).toBe('IPv4 10.11.2.2 > 10.11.2.1 ttl 64 fragment offset 16');
});

test('what is wrong with a frame is its last layer', () => {
	for (const [bytes, problem] of [
		[new Uint8Array(), 'Ethernet header needs 14 bytes, 0 here'],
		[ethernetFrame.subarray(0, 30), 'IPv4 header needs 20 bytes, 16 here'],
		[ethernetFrame.subarray(0, 100), 'IPv4 total length 124, 86 bytes here'],
		[encodeEthernet({ ...macs, etherType: etherType.ipv6 }, outerPacket), 'IPv6 header has version 4'],
		[
			encodeEthernet({ ...macs, etherType: etherType.vlan }, new Uint8Array(3)),
			'VLAN tag needs 4 bytes, 3 here',
		],
		[
			encodeEthernet({ ...macs, etherType: etherType.arp }, new Uint8Array(28)),
			'ARP is not for IPv4 over Ethernet',
		],
		[
			encodeEthernet(
				{ ...macs, etherType: etherType.ipv4 },
				encodeIpv4({ ...outer, protocol: 6 }, new Uint8Array(20)),
			),
			'TCP header length 0 is less than 20',
		],
		[
			encodeEthernet({ ...macs, etherType: etherType.ipv4 }, overUdp(udpPort.vxlan, new Uint8Array(7))),
			'VXLAN header needs 8 bytes, 7 here',
		],
		[
			encodeEthernet({ ...macs, etherType: etherType.ipv4 }, overUdp(udpPort.gue, innerPacket)),
			'GUE header has variant 1',
		],
	] as const) {
		const last = dissect(bytes).at(-1);
		expect(last?.protocol).toBe('malformed');
		expect(last?.summary).toBe(`Malformed: ${problem}`);
		expect(summarize(bytes)).toContain(`Malformed: ${problem}`);
	}
});

test('the checksum of a packet on its way by a routing header is not judged', () => {
	const body = Uint8Array.of(0, 1, 0, 0, 0, 0, ...new Uint8Array(16));
	const chain = encodeIpv6Extensions({
		extensions: [{ type: 'routing', body }],
		protocol: ipProtocol.icmpv6,
		payload: echo,
	});
	const layers = dissect(encodeIpv6({ ...inner, nextHeader: chain.nextHeader }, chain.payload), 'ipv6');
	expect(layers.map(({ protocol, checksum }) => [protocol, checksum]).slice(1, 3)).toEqual([
		['ipv6-routing', undefined],
		['icmpv6', undefined],
	]);
});

function expectCovered(...input: Parameters<typeof dissect>): void {
	const layers = dissect(...input);
	let offset = 0;
	for (const layer of layers) {
		expect(layer.offset).toBe(offset);
		if (layer.protocol === 'malformed') expect(layer).toBe(layers.at(-1));
		else expect(layer.length).toBeGreaterThan(0);
		offset += layer.length;
	}
	expect(offset).toBe(input[0].length);
	expect(summarize(...input)).toMatch(/^[^\n]+$/);
}

test('whatever the bytes, the layers cover them without gap or overlap', () => {
	fc.assert(
		fc.property(damaged(frame), (bytes) => expectCovered(bytes)),
		{ numRuns: 5000 },
	);
	fc.assert(
		fc.property(damaged(ipv4Packet(2)), (bytes) => expectCovered(bytes, 'ipv4')),
		{ numRuns: 2000 },
	);
	fc.assert(
		fc.property(damaged(ipv6Packet(2)), (bytes) => expectCovered(bytes, 'ipv6')),
		{ numRuns: 2000 },
	);
});

test('a well-formed frame has no malformed layer and no bad checksum', () => {
	fc.assert(
		fc.property(frame, (bytes) => {
			for (const layer of dissect(bytes)) {
				expect(layer.protocol).not.toBe('malformed');
				expect(layer.checksum).not.toBe('bad');
			}
		}),
		{ numRuns: 1000 },
	);
});
