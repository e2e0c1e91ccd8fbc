/** IPv6 header (RFC 8200 section 3). Its extension headers are in ipv6-extension.ts. */
import { formatIpv6 } from './address.ts';
import type { Defaulted } from './bytes.ts';
import { concatenate, hexadecimal, requireInput, requireLength, viewOf } from './bytes.ts';
import type { Dissector } from './layer.ts';
import { fieldsOf } from './layer.ts';
import { ipProtocolName } from './protocol.ts';

/** Bytes of the header. */
export const ipv6Length = 40;

/** The payload length is not here: the encoder computes it. */
export interface Ipv6Header {
	/** DSCP in the upper six bits, ECN in the lower two. */
	readonly trafficClass: number;
	/** 20 bits. */
	readonly flowLabel: number;
	/** Protocol number of the first extension header, or of the payload. */
	readonly nextHeader: number;
	readonly hopLimit: number;
	readonly source: Uint8Array;
	readonly destination: Uint8Array;
}

function problem(bytes: Uint8Array): string | undefined {
	if (bytes.length < ipv6Length) return `IPv6 header needs 40 bytes, ${bytes.length} here`;
	const version = viewOf(bytes).getUint8(0) >> 4;
	return version === 6 ? undefined : `IPv6 header has version ${version}`;
}

function read(bytes: Uint8Array): { readonly header: Ipv6Header; readonly payloadLength: number } {
	const view = viewOf(bytes);
	const first = view.getUint32(0);
	return {
		payloadLength: view.getUint16(4),
		header: {
			trafficClass: (first >>> 20) & 0xff,
			flowLabel: first & 0xfffff,
			nextHeader: view.getUint8(6),
			hopLimit: view.getUint8(7),
			source: bytes.subarray(8, 24),
			destination: bytes.subarray(24, 40),
		},
	};
}

/**
 * The payload begins with the extension headers, if any, and ends where the payload length says; jumbograms are
 * not supported. The results share the bytes given.
 */
export function decodeIpv6(
	bytes: Uint8Array,
): { readonly header: Ipv6Header; readonly payload: Uint8Array } | undefined {
	if (problem(bytes) !== undefined) return undefined;
	const { header, payloadLength } = read(bytes);
	const end = ipv6Length + payloadLength;
	if (end > bytes.length) return undefined;
	return { header, payload: bytes.subarray(ipv6Length, end) };
}

/** Fills the payload length; what is not given is 0. Throws EF_INPUT for what does not fit. */
export function encodeIpv6(
	header: Defaulted<Ipv6Header, 'source' | 'destination' | 'nextHeader' | 'hopLimit'>,
	payload: Uint8Array,
): Uint8Array {
	const { trafficClass = 0, flowLabel = 0 } = header;
	requireLength('IPv6 source', header.source, 16);
	requireLength('IPv6 destination', header.destination, 16);
	requireInput(payload.length <= 0xffff, `IPv6 payload has ${payload.length} bytes: give at most 65535`);
	const bytes = new Uint8Array(ipv6Length);
	const view = viewOf(bytes);
	view.setUint32(0, 0x60000000 | ((trafficClass & 0xff) << 20) | (flowLabel & 0xfffff));
	view.setUint16(4, payload.length);
	view.setUint8(6, header.nextHeader);
	view.setUint8(7, header.hopLimit);
	bytes.set(header.source, 8);
	bytes.set(header.destination, 24);
	return concatenate([bytes, payload]);
}

/** See {@link Dissector}. */
export const dissectIpv6: Dissector = (bytes, carrier) => {
	const wrong = problem(bytes);
	if (wrong !== undefined) return wrong;
	const { header, payloadLength } = read(bytes);
	const source = formatIpv6(header.source);
	const destination = formatIpv6(header.destination);
	const end = ipv6Length + payloadLength;
	const missing = end > bytes.length;
	const notes = [
		`hop limit ${header.hopLimit}`,
		...(header.trafficClass ? [`class ${hexadecimal(header.trafficClass, 2)}`] : []),
		...(header.flowLabel ? [`flow label ${hexadecimal(header.flowLabel, 5)}`] : []),
		`payload length ${payloadLength}`,
		`next header ${ipProtocolName(header.nextHeader)}`,
	];
	return {
		protocol: 'ipv6',
		length: ipv6Length,
		end: Math.min(end, bytes.length),
		summary: `IPv6 ${source} > ${destination}, ${notes.join(', ')}`,
		brief: `IPv6 ${source} > ${destination} hop limit ${header.hopLimit}`,
		fields: fieldsOf({
			source,
			destination,
			'hop limit': header.hopLimit,
			'next header': ipProtocolName(header.nextHeader),
			dscp: header.trafficClass >> 2,
			ecn: header.trafficClass & 3,
			'flow label': hexadecimal(header.flowLabel, 5),
			'payload length': payloadLength,
		}),
		next: {
			space: 'ipv6',
			number: header.nextHeader,
			carrier: { addresses: header, cut: carrier.cut || missing },
		},
		truncated:
			missing && !carrier.cut
				? `IPv6 payload length ${payloadLength}, ${bytes.length - ipv6Length} bytes here`
				: undefined,
	};
};
