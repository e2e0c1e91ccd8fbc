/** IPv6 extension headers (RFC 8200 section 4): options, routing and fragment. */
import { concatenate, hexadecimal, requireInput, viewOf } from './bytes.ts';
import type { Dissector } from './layer.ts';
import { fieldsOf } from './layer.ts';
import { ipProtocol, ipProtocolName } from './protocol.ts';

const fragmentLength = 8;

type SizedType = 'hop-by-hop' | 'routing' | 'destination options';

/** The extension headers whose length is in their second byte, in units of 8 bytes beyond the first 8. */
const sizedNumbers: Readonly<Record<SizedType, number>> = {
	'hop-by-hop': ipProtocol.hopByHop,
	routing: ipProtocol.routing,
	'destination options': ipProtocol.destinationOptions,
};

/** One extension header, without the number of the next one. */
export type Ipv6Extension =
	| {
			readonly type: SizedType;
			/** All that follows the length byte: 6 bytes and a multiple of 8. */
			readonly body: Uint8Array;
	  }
	| {
			readonly type: 'fragment';
			/** In bytes, a multiple of 8. */
			readonly offset: number;
			readonly moreFragments: boolean;
			readonly identification: number;
	  };

/** A chain of extension headers and what follows it. */
export interface Ipv6ExtensionChain {
	readonly extensions: readonly Ipv6Extension[];
	/** Protocol number of the payload. */
	readonly protocol: number;
	/** Behind a fragment header with an offset: bytes from the middle of a packet. */
	readonly payload: Uint8Array;
}

function sizedType(number: number): SizedType | undefined {
	for (const [type, candidate] of Object.entries(sizedNumbers))
		if (candidate === number) return type as SizedType;
	return undefined;
}

function lengthOf(number: number, bytes: Uint8Array): number {
	return number === ipProtocol.fragment ? fragmentLength : 8 + (bytes[1] ?? 0) * 8;
}

function problem(number: number, bytes: Uint8Array): string | undefined {
	const name = ipProtocolName(number);
	if (bytes.length < 8) return `IPv6 ${name} header needs 8 bytes, ${bytes.length} here`;
	const length = lengthOf(number, bytes);
	return length > bytes.length
		? `IPv6 ${name} header length ${length}, ${bytes.length} bytes here`
		: undefined;
}

function readFragment(bytes: Uint8Array): Ipv6Extension & { type: 'fragment' } {
	const view = viewOf(bytes);
	const offset = view.getUint16(2);
	return {
		type: 'fragment',
		offset: offset & 0xfff8,
		moreFragments: (offset & 1) !== 0,
		identification: view.getUint32(4),
	};
}

/**
 * Walks from the next header of an IPv6 header, over its payload, to the first header that is no extension header
 * (of those in this file), or to a fragment that is not the first. Undefined when a header is truncated.
 */
export function decodeIpv6Extensions(nextHeader: number, bytes: Uint8Array): Ipv6ExtensionChain | undefined {
	const extensions: Ipv6Extension[] = [];
	let protocol = nextHeader;
	let payload = bytes;
	for (;;) {
		const type = sizedType(protocol);
		if (type === undefined && protocol !== ipProtocol.fragment) return { extensions, protocol, payload };
		if (problem(protocol, payload) !== undefined) return undefined;
		const length = lengthOf(protocol, payload);
		const extension =
			type === undefined ? readFragment(payload) : { type, body: payload.subarray(2, length) };
		extensions.push(extension);
		protocol = payload[0] ?? 0;
		payload = payload.subarray(length);
		if (extension.type === 'fragment' && extension.offset > 0) return { extensions, protocol, payload };
	}
}

function encodeExtension(extension: Ipv6Extension, nextHeader: number): Uint8Array {
	if (extension.type !== 'fragment') {
		const beyond = (extension.body.length - 6) / 8;
		requireInput(
			Number.isInteger(beyond) && beyond >= 0 && beyond <= 255,
			`IPv6 ${extension.type} body has ${extension.body.length} bytes: give 6 and a multiple of 8 up to 2040`,
		);
		return concatenate([Uint8Array.of(nextHeader, beyond), extension.body]);
	}
	const bytes = new Uint8Array(fragmentLength);
	const view = viewOf(bytes);
	view.setUint8(0, nextHeader);
	view.setUint16(2, (extension.offset & 0xfff8) | (extension.moreFragments ? 1 : 0));
	view.setUint32(4, extension.identification);
	return bytes;
}

/** The next header for the IPv6 header, and its payload: the chain in order, then the chain's payload. */
export function encodeIpv6Extensions(chain: Ipv6ExtensionChain): {
	readonly nextHeader: number;
	readonly payload: Uint8Array;
} {
	let nextHeader = chain.protocol;
	const parts = [chain.payload];
	for (const extension of chain.extensions.toReversed()) {
		parts.unshift(encodeExtension(extension, nextHeader));
		nextHeader = extension.type === 'fragment' ? ipProtocol.fragment : sizedNumbers[extension.type];
	}
	return { nextHeader, payload: concatenate(parts) };
}

function dissectSized(protocol: string, title: string, number: number): Dissector {
	return (bytes, carrier) => {
		const wrong = problem(number, bytes);
		if (wrong !== undefined) return wrong;
		const nextHeader = bytes[0] ?? 0;
		const length = lengthOf(number, bytes);
		const isRouting = number === ipProtocol.routing;
		const [routingType = 0, segmentsLeft = 0] = bytes.subarray(2, 4);
		const routing = isRouting ? `, type ${routingType}, segments left ${segmentsLeft}` : '';
		return {
			protocol,
			length,
			end: bytes.length,
			summary: `${title}${routing}, length ${length}, next header ${ipProtocolName(nextHeader)}`,
			brief: title,
			fields: fieldsOf({
				'next header': ipProtocolName(nextHeader),
				'header length': length,
				...(isRouting ? { 'routing type': routingType, 'segments left': segmentsLeft } : {}),
			}),
			next: {
				space: 'ipv6',
				number: nextHeader,
				// With segments left, the checksum is over the last segment, not over the destination (RFC 8200 8.1).
				carrier: isRouting && segmentsLeft > 0 ? { cut: carrier.cut } : carrier,
			},
		};
	};
}

/** See {@link Dissector}. */
export const dissectHopByHop: Dissector = dissectSized(
	'ipv6-hop-by-hop',
	'IPv6 hop-by-hop options',
	ipProtocol.hopByHop,
);

/** See {@link Dissector}. */
export const dissectRouting: Dissector = dissectSized(
	'ipv6-routing',
	'IPv6 routing header',
	ipProtocol.routing,
);

/** See {@link Dissector}. */
export const dissectDestinationOptions: Dissector = dissectSized(
	'ipv6-destination-options',
	'IPv6 destination options',
	ipProtocol.destinationOptions,
);

/** See {@link Dissector}. */
export const dissectFragment: Dissector = (bytes, carrier) => {
	const wrong = problem(ipProtocol.fragment, bytes);
	if (wrong !== undefined) return wrong;
	const { offset, moreFragments, identification } = readFragment(bytes);
	const nextHeader = bytes[0] ?? 0;
	const id = hexadecimal(identification, 8);
	return {
		protocol: 'ipv6-fragment',
		length: fragmentLength,
		end: bytes.length,
		summary: `IPv6 fragment, offset ${offset}${moreFragments ? ', more fragments' : ''}, id ${id}, next header ${ipProtocolName(nextHeader)}`,
		brief: `IPv6 fragment offset ${offset}`,
		fields: fieldsOf({
			'next header': ipProtocolName(nextHeader),
			'fragment offset': offset,
			'more fragments': moreFragments,
			identification: id,
		}),
		next:
			offset > 0
				? undefined
				: { space: 'ipv6', number: nextHeader, carrier: { ...carrier, cut: carrier.cut || moreFragments } },
	};
};
