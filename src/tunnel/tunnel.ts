/** A tunnel: which packets are encapsulated, and in what. */
import { EncapForwardError } from '../error.ts';
import { type IpAddress, type Prefix, parseIp, parseMac, parsePrefix } from '../packet/address.ts';
import { contradictions } from './contradiction.ts';
import { innerMac } from './inner-mac.ts';
import { defaultPort, defaultTtl, limits } from './limits.ts';
import { ipProblem, macProblem, prefixProblem } from './text-problem.ts';

/** `ip`: RFC 2003, 2473, 4213. `gre`: RFC 2784, 2890. `gue`: that of `ip fou add`. `vxlan`: RFC 7348. `geneve`: RFC 8926. */
export const encapsulations = ['ip', 'gre', 'gue', 'vxlan', 'geneve'] as const;
export type Encapsulation = (typeof encapsulations)[number];

interface CommonMembers {
	/** Inner destinations it takes: a prefix such as `2001:db8:1::/48`; the longest that matches wins. */
	readonly match: string;
	/**
	 * Source address of the outer header, or a prefix: then the bits behind its length are a hash of the inner
	 * flow, so that a receiver spreads the flows of one tunnel over its queues.
	 */
	readonly source: string;
	/** Destination address of the outer header, of the source's family. */
	readonly destination: string;
	/** TTL or hop limit of the outer header, 1 to 255, or the inner packet's; 64 if not given. */
	readonly ttl?: number | 'inherit';
	/**
	 * Differentiated services code point of the outer header, 0 to 63, or the inner packet's, which is the
	 * default. The two ECN bits below it are not a choice: they follow RFC 6040.
	 */
	readonly dscp?: number | 'inherit';
	/** Whether routers on the way may not fragment the outer packet; true if not given. Outer IPv4 only. */
	readonly dontFragment?: boolean;
}

interface UdpMembers {
	/** UDP destination port; the encapsulation's own if not given. */
	readonly port?: number;
	/**
	 * UDP checksum in an outer IPv6 header: computed, or zero as RFC 6935 allows. Computed if not given: a
	 * VXLAN or Geneve device of Linux drops zero ones unless it was made with `udp6zerocsumrx`.
	 */
	readonly udpChecksum?: UdpChecksum;
}

/** Members of the kinds that carry Ethernet. */
interface EthernetMembers {
	/** Virtual network identifier, 0 to 2^24-1. */
	readonly vni: number;
	/** Source of the inner Ethernet header; `innerMac` of the outer source if not given. */
	readonly innerSource?: string;
	/** Destination of the inner Ethernet header; `innerMac` of the outer destination if not given. */
	readonly innerDestination?: string;
}

export type UdpChecksum = 'zero' | 'computed';

/** IP in IP. */
export interface IpTunnel extends CommonMembers {
	readonly encapsulation: 'ip';
}

export interface GreTunnel extends CommonMembers {
	readonly encapsulation: 'gre';
	/** 0 to 2^32-1; a header without a key if not given, which is not the same as key 0. */
	readonly key?: number;
}

export interface GueTunnel extends CommonMembers, UdpMembers {
	readonly encapsulation: 'gue';
}

export interface VxlanTunnel extends CommonMembers, UdpMembers, EthernetMembers {
	readonly encapsulation: 'vxlan';
}

export interface GeneveTunnel extends CommonMembers, UdpMembers, EthernetMembers {
	readonly encapsulation: 'geneve';
}

export type Tunnel = IpTunnel | GreTunnel | GueTunnel | VxlanTunnel | GeneveTunnel;

interface ParsedCommon {
	readonly match: Prefix;
	/** Of full length when it is one address; a shorter one's other bits are a hash of the inner flow. */
	readonly source: Prefix;
	readonly destination: IpAddress;
	readonly ttl: number | 'inherit';
	readonly dscp: number | 'inherit';
	/** Always false for an outer IPv6 header, which has no such bit. */
	readonly dontFragment: boolean;
}

interface ParsedUdp {
	readonly port: number;
	/** Always zero for an outer IPv4 header. */
	readonly udpChecksum: UdpChecksum;
}

interface ParsedEthernet {
	readonly vni: number;
	readonly innerSource: Uint8Array;
	readonly innerDestination: Uint8Array;
}

export interface ParsedIp extends ParsedCommon {
	readonly encapsulation: 'ip';
}

export interface ParsedGre extends ParsedCommon {
	readonly encapsulation: 'gre';
	/** Undefined: no key in the header. */
	readonly key: number | undefined;
}

export interface ParsedGue extends ParsedCommon, ParsedUdp {
	readonly encapsulation: 'gue';
}

export interface ParsedVxlan extends ParsedCommon, ParsedUdp, ParsedEthernet {
	readonly encapsulation: 'vxlan';
}

export interface ParsedGeneve extends ParsedCommon, ParsedUdp, ParsedEthernet {
	readonly encapsulation: 'geneve';
}

/** A valid tunnel in the form that programs work with. */
export type ParsedTunnel = ParsedIp | ParsedGre | ParsedGue | ParsedVxlan | ParsedGeneve;

/** @throws EF_INPUT for a tunnel that cannot be, with its first mistake */
export function parseTunnel(tunnel: Tunnel): ParsedTunnel {
	const refusal = (what: string) =>
		new EncapForwardError('EF_INPUT', `the tunnel for ${tunnel.match}: ${what}`);
	const number = (name: keyof typeof limits, value: number): number => {
		const [least, most] = limits[name];
		if (Number.isInteger(value) && value >= least && value <= most) return value;
		throw refusal(`${name}: ${value} is not from ${least} to ${most}`);
	};
	const inheritable = (name: 'ttl' | 'dscp', value: number | 'inherit') =>
		value === 'inherit' ? value : number(name, value);
	const mac = (name: 'innerSource' | 'innerDestination', text: string | undefined, end: Uint8Array) => {
		if (text === undefined) return innerMac(end);
		const bytes = parseMac(text);
		const problem = macProblem(text, name);
		if (bytes === undefined || problem !== undefined) throw refusal(`${name}: ${problem}`);
		return bytes;
	};

	const match = parsePrefix(tunnel.match);
	const source = parsePrefix(tunnel.source);
	const destination = parseIp(tunnel.destination);
	if (match === undefined) throw refusal(`match: ${prefixProblem(tunnel.match)}`);
	if (source === undefined) throw refusal(`source: ${prefixProblem(tunnel.source)}`);
	if (destination === undefined) throw refusal(`destination: ${ipProblem(tunnel.destination)}`);
	for (const { member, message } of contradictions(tunnel, source.family, destination.family))
		throw refusal(`${member}: ${message}`);

	const outerIpv4 = destination.family === 'ipv4';
	const common: ParsedCommon = {
		match,
		source,
		destination,
		ttl: inheritable('ttl', tunnel.ttl ?? defaultTtl),
		dscp: inheritable('dscp', tunnel.dscp ?? 'inherit'),
		dontFragment: outerIpv4 && (tunnel.dontFragment ?? true),
	};
	const udp = (of: Extract<Tunnel, { port?: number }>): ParsedUdp => ({
		port: number('port', of.port ?? defaultPort[of.encapsulation]),
		udpChecksum: outerIpv4 ? 'zero' : (of.udpChecksum ?? 'computed'),
	});
	const ethernet = (of: Extract<Tunnel, { vni: number }>): ParsedEthernet => ({
		vni: number('vni', of.vni),
		innerSource: mac('innerSource', of.innerSource, source.bytes),
		innerDestination: mac('innerDestination', of.innerDestination, destination.bytes),
	});
	const { encapsulation } = tunnel;
	switch (encapsulation) {
		case 'ip':
			return { encapsulation, ...common };
		case 'gre':
			return {
				encapsulation,
				...common,
				key: tunnel.key === undefined ? undefined : number('key', tunnel.key),
			};
		case 'gue':
			return { encapsulation, ...common, ...udp(tunnel) };
		case 'vxlan':
			return { encapsulation, ...common, ...udp(tunnel), ...ethernet(tunnel) };
		case 'geneve':
			return { encapsulation, ...common, ...udp(tunnel), ...ethernet(tunnel) };
		default:
			throw refusal(`encapsulation: "${encapsulation}" is none of ${encapsulations.join(', ')}`);
	}
}
