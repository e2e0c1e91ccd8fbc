/** IPv6 extension headers: net/ipv6/exthdrs.c. */
import { ipProtocol } from '../../../../packet/protocol.ts';
import type { Refusal, Walk } from '../../walk.ts';
import { isMulticast6 } from '../core/address.ts';
import { byteAt, networkHeader, type Skb, wordAt } from '../core/skb.ts';
import { icmpv6Send } from './icmp.ts';
import { destinationOf } from './ip6-input.ts';

/** Option types (IANA: Destination Options and Hop-by-Hop Options). */
const option = { pad1: 0, padN: 1, routerAlert: 5, jumbo: 0xc2 } as const;

/** How many options that are no padding a header may have (max_hbh_opts_number, max_dst_opts_number). */
const mostOptions = 8;

/** Bytes of an extension header, its own first two included. */
function lengthAt(skb: Skb, at: number): number {
	return (byteAt(skb, at + 1) + 1) * 8;
}

/** ipv6_parse_hopopts(): what is wrong with the hop-by-hop options behind the header. */
export function ipv6ParseHopopts(walk: Walk, skb: Skb): Refusal | undefined {
	return parseOptions(
		walk,
		skb,
		40,
		'ipv6_parse_hopopts',
		walk.net.sysctls.others['net.ipv6.max_hbh_opts_number'],
	);
}

function parseOptions(
	walk: Walk,
	skb: Skb,
	at: number,
	where: string,
	most = mostOptions,
): Refusal | undefined {
	const bytes = skb.data.length - 14;
	if (bytes < at + 8 || bytes < at + lengthAt(skb, at))
		return { reason: 'NOT_SPECIFIED', where, cause: 'truncated', counters: ['Ip6InHdrErrors'] };
	return ip6ParseTlv(walk, skb, at, where === 'ipv6_parse_hopopts', most);
}

/** ip6_parse_tlv() */
function ip6ParseTlv(
	walk: Walk,
	skb: Skb,
	at: number,
	hopByHop: boolean,
	limit: number,
): Refusal | undefined {
	const counters = ['Ip6InHdrErrors'];
	const bad: Refusal = { reason: 'IP_INHDR', where: 'ip6_parse_tlv', cause: 'header-invalid', counters };
	const most = Math.abs(limit);
	let left = lengthAt(skb, at) - 2;
	let count = 0;
	let padding = 0;
	for (let offset = at + 2; left > 0; ) {
		const kind = byteAt(skb, offset);
		if (kind === option.pad1) {
			if (++padding > 7) return bad;
			offset++;
			left--;
			continue;
		}
		const length = left < 2 ? 0 : byteAt(skb, offset + 1) + 2;
		if (left < 2 || length > left) return bad;
		if (kind === option.padN) {
			padding += length;
			if (padding > 7) return bad;
			for (let index = 2; index < length; index++) if (byteAt(skb, offset + index) !== 0) return bad;
		} else {
			if (++count > most) return bad;
			const wrong = parseOption(walk, skb, offset, hopByHop, limit < 0);
			if (wrong !== undefined) return { counters, ...wrong };
			padding = 0;
		}
		offset += length;
		left -= length;
	}
	return undefined;
}

function parseOption(
	walk: Walk,
	skb: Skb,
	offset: number,
	hopByHop: boolean,
	strict: boolean,
): Refusal | undefined {
	const kind = byteAt(skb, offset);
	if (hopByHop && kind === option.routerAlert) {
		if (byteAt(skb, offset + 1) === 2) return undefined;
		return { reason: 'IP_INHDR', where: 'ip6_parse_tlv', cause: 'header-invalid' };
	}
	// Nobody sends jumbograms: one is either malformed or longer than the frame.
	if (hopByHop && kind === option.jumbo) {
		icmpv6Send(walk, skb, 4, 0);
		return { reason: 'IP_INHDR', where: 'ip6_parse_tlv', cause: 'header-invalid' };
	}
	const unknown: Refusal = {
		reason: 'UNHANDLED_PROTO',
		where: 'ip6_tlvopt_unknown',
		cause: 'header-invalid',
	};
	if (strict) return unknown;
	// The upper two bits say what to do with an option that is not known (RFC 8200 section 4.2).
	const action = kind >> 6;
	if (action === 0) return undefined;
	walk.step(
		'ip6_tlvopt_unknown',
		skb.ingress,
		`an option ${kind} that is not known, and that asks for the packet to be dropped`,
	);
	if (action === 2 || (action === 3 && !isMulticast6(destinationOf(skb))))
		icmpv6Send(walk, skb, 4, 2, action === 2);
	return unknown;
}

/** NEXTHDR_AUTH */
const authentication = 51;
const extensions: ReadonlySet<number> = new Set([
	ipProtocol.hopByHop,
	ipProtocol.routing,
	ipProtocol.fragment,
	authentication,
	ipProtocol.destinationOptions,
]);

/**
 * ipv6_skip_exthdr(): what stands behind all extension headers, none of which is looked into; undefined where they
 * are cut short, or where nothing follows.
 */
export function ipv6SkipExthdr(
	skb: Skb,
): { readonly protocol: number; readonly offset: number; readonly fragment: number } | undefined {
	const bytes = skb.data.length - networkHeader;
	let protocol = byteAt(skb, 6);
	let offset = 40;
	let fragment = 0;
	while (extensions.has(protocol)) {
		if (offset + (protocol === ipProtocol.fragment ? 4 : 2) > bytes) return undefined;
		if (protocol === ipProtocol.fragment) {
			fragment = wordAt(skb, offset + 2);
			if ((fragment & 0xfff8) !== 0) break;
		}
		const length =
			protocol === ipProtocol.fragment
				? 8
				: protocol === authentication
					? (byteAt(skb, offset + 1) + 2) * 4
					: lengthAt(skb, offset);
		protocol = byteAt(skb, offset);
		offset += length;
	}
	return protocol === ipProtocol.noNextHeader ? undefined : { protocol, offset, fragment };
}

/** What stands behind the extension headers of a packet to the host itself. */
export type Upper =
	| { readonly refusal: Refusal }
	| { readonly refusal?: undefined; readonly protocol: number; readonly offset: number };

/** ipv6_destopt_rcv(), ipv6_rthdr_rcv(): go through the extension headers. */
export function skipExtensions(walk: Walk, skb: Skb): Upper {
	let protocol = byteAt(skb, 6);
	let offset = 40;
	for (;;) {
		if (protocol === ipProtocol.hopByHop && offset > 40) return { protocol, offset };
		if (protocol === ipProtocol.destinationOptions) {
			const refusal = parseOptions(
				walk,
				skb,
				offset,
				'ipv6_destopt_rcv',
				walk.net.sysctls.others['net.ipv6.max_dst_opts_number'],
			);
			if (refusal !== undefined) return { refusal };
		} else if (protocol === ipProtocol.routing) {
			const refusal = ipv6RthdrRcv(walk, skb, offset);
			if (refusal !== undefined) return { refusal };
		} else if (protocol === ipProtocol.fragment) {
			// One that is the whole packet is no fragment (RFC 6946).
			if ((wordAt(skb, offset + 2) & 0xfff9) !== 0) return { protocol, offset };
		} else if (protocol !== ipProtocol.hopByHop) return { protocol, offset };
		const length = protocol === ipProtocol.fragment ? 8 : lengthAt(skb, offset);
		protocol = byteAt(skb, offset);
		offset += length;
	}
}

/** ipv6_rthdr_rcv(): the types that a host takes are off by default, and need more than a routing header. */
function ipv6RthdrRcv(walk: Walk, skb: Skb, at: number): Refusal | undefined {
	const where = 'ipv6_rthdr_rcv';
	const bytes = skb.data.length - 14;
	const counters = ['Ip6InHdrErrors'];
	if (bytes < at + 8 || bytes < at + lengthAt(skb, at))
		return { reason: 'NOT_SPECIFIED', where, cause: 'truncated', counters };
	if (isMulticast6(destinationOf(skb)) || skb.packetType !== 'host')
		return { reason: 'NOT_SPECIFIED', where, cause: 'destination-invalid', counters: ['Ip6InAddrErrors'] };
	const kind = byteAt(skb, at + 2);
	const isSegmentRouting = kind === 3 || kind === 4;
	if (byteAt(skb, at + 3) === 0 && !isSegmentRouting) return undefined;
	walk.step(where, skb.ingress, `a routing header of type ${kind}, which the host does not take`);
	// ipv6_srh_rcv(), ipv6_rpl_srh_rcv(): off on the device, and nobody is told.
	if (isSegmentRouting) return { reason: 'NOT_SPECIFIED', where, cause: 'header-invalid' };
	icmpv6Send(walk, skb, 4, 0);
	return { reason: 'NOT_SPECIFIED', where, cause: 'header-invalid', counters };
}
