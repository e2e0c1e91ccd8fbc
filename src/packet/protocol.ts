/** The protocol numbers this project knows by name. */
import { hexadecimal } from './bytes.ts';

/** Ethertypes (IANA: IEEE 802 Numbers). */
export const etherType = {
	ipv4: 0x0800,
	arp: 0x0806,
	/** A whole Ethernet frame (RFC 1701, RFC 7637). */
	transparentEthernet: 0x6558,
	vlan: 0x8100,
	ipv6: 0x86dd,
} as const;

/** IP protocols and IPv6 next headers (IANA: Protocol Numbers). */
export const ipProtocol = {
	hopByHop: 0,
	icmp: 1,
	ipv4: 4,
	tcp: 6,
	udp: 17,
	ipv6: 41,
	routing: 43,
	fragment: 44,
	gre: 47,
	icmpv6: 58,
	noNextHeader: 59,
	destinationOptions: 60,
} as const;

/** UDP destination ports (IANA: Service Name and Transport Protocol Port Number Registry). */
export const udpPort = { vxlan: 4789, gue: 6080, geneve: 6081 } as const;

const etherTypeNames: ReadonlyMap<number, string> = new Map([
	[etherType.ipv4, 'ipv4'],
	[etherType.arp, 'arp'],
	[etherType.transparentEthernet, 'ethernet'],
	[etherType.vlan, 'vlan'],
	[etherType.ipv6, 'ipv6'],
]);

const protocolNames: ReadonlyMap<number, string> = new Map([
	[ipProtocol.hopByHop, 'hop-by-hop'],
	[ipProtocol.icmp, 'icmp'],
	[ipProtocol.ipv4, 'ipv4'],
	[ipProtocol.tcp, 'tcp'],
	[ipProtocol.udp, 'udp'],
	[ipProtocol.ipv6, 'ipv6'],
	[ipProtocol.routing, 'routing'],
	[ipProtocol.fragment, 'fragment'],
	[ipProtocol.gre, 'gre'],
	[ipProtocol.icmpv6, 'icmpv6'],
	[ipProtocol.noNextHeader, 'no next header'],
	[ipProtocol.destinationOptions, 'destination options'],
]);

/** `ipv4 (0x0800)`, `0x88b5` for an unknown one, `802.3 length 46` for a number that is a length (below 0x0600). */
export function etherTypeName(number: number): string {
	return number < 0x0600 ? `802.3 length ${number}` : protocolTypeName(number);
}

/** The same in a header that has no lengths there, such as GRE's: a number below 0x0600 is an unknown one. */
export function protocolTypeName(number: number): string {
	const name = etherTypeNames.get(number);
	return name === undefined ? hexadecimal(number, 4) : `${name} (${hexadecimal(number, 4)})`;
}

/** `ipv6 (41)`, or `253` for an unknown one. */
export function ipProtocolName(number: number): string {
	const name = protocolNames.get(number);
	return name === undefined ? `${number}` : `${name} (${number})`;
}
