/** IPv4 header (RFC 791). */
import { formatIpv4 } from './address.ts';
import type { Defaulted } from './bytes.ts';
import { concatenate, hexadecimal, requireInput, requireLength, viewOf } from './bytes.ts';
import { internetChecksum } from './checksum.ts';
import type { Dissector } from './layer.ts';
import { fieldsOf } from './layer.ts';
import { ipProtocolName } from './protocol.ts';

/** Bytes of the header without options. */
export const ipv4Length = 20;

/** Lengths and checksum are not here: the encoder computes them. */
export interface Ipv4Header {
	/** DSCP in the upper six bits, ECN in the lower two (RFC 2474, RFC 3168). */
	readonly typeOfService: number;
	readonly identification: number;
	readonly dontFragment: boolean;
	readonly moreFragments: boolean;
	/** In bytes, a multiple of 8. */
	readonly fragmentOffset: number;
	readonly ttl: number;
	readonly protocol: number;
	readonly source: Uint8Array;
	readonly destination: Uint8Array;
	/** Raw, 0 to 40 bytes, a multiple of 4. */
	readonly options: Uint8Array;
}

function problem(bytes: Uint8Array): string | undefined {
	if (bytes.length < ipv4Length) return `IPv4 header needs 20 bytes, ${bytes.length} here`;
	const view = viewOf(bytes);
	const version = view.getUint8(0) >> 4;
	if (version !== 4) return `IPv4 header has version ${version}`;
	const headerLength = (view.getUint8(0) & 0x0f) * 4;
	if (headerLength < ipv4Length) return `IPv4 header length ${headerLength} is less than 20`;
	if (headerLength > bytes.length) return `IPv4 header length ${headerLength}, ${bytes.length} bytes here`;
	const totalLength = view.getUint16(2);
	if (totalLength < headerLength)
		return `IPv4 total length ${totalLength} is less than its header length ${headerLength}`;
	return undefined;
}

function read(bytes: Uint8Array): {
	readonly header: Ipv4Header;
	readonly headerLength: number;
	readonly totalLength: number;
} {
	const view = viewOf(bytes);
	const headerLength = (view.getUint8(0) & 0x0f) * 4;
	const fragment = view.getUint16(6);
	return {
		headerLength,
		totalLength: view.getUint16(2),
		header: {
			typeOfService: view.getUint8(1),
			identification: view.getUint16(4),
			dontFragment: (fragment & 0x4000) !== 0,
			moreFragments: (fragment & 0x2000) !== 0,
			fragmentOffset: (fragment & 0x1fff) * 8,
			ttl: view.getUint8(8),
			protocol: view.getUint8(9),
			source: bytes.subarray(12, 16),
			destination: bytes.subarray(16, 20),
			options: bytes.subarray(ipv4Length, headerLength),
		},
	};
}

/** The payload ends where the total length says. The checksum is not checked. The results share the bytes given. */
export function decodeIpv4(
	bytes: Uint8Array,
): { readonly header: Ipv4Header; readonly payload: Uint8Array } | undefined {
	if (problem(bytes) !== undefined) return undefined;
	const { header, headerLength, totalLength } = read(bytes);
	if (totalLength > bytes.length) return undefined;
	return { header, payload: bytes.subarray(headerLength, totalLength) };
}

/**
 * Fills header length, total length and header checksum; what is not given is 0, false or empty. Throws EF_INPUT
 * for what does not fit.
 */
export function encodeIpv4(
	header: Defaulted<Ipv4Header, 'source' | 'destination' | 'protocol' | 'ttl'>,
	payload: Uint8Array,
): Uint8Array {
	const { options = new Uint8Array(), fragmentOffset = 0 } = header;
	requireLength('IPv4 source', header.source, 4);
	requireLength('IPv4 destination', header.destination, 4);
	const headerLength = ipv4Length + options.length;
	requireInput(
		headerLength <= 60 && headerLength % 4 === 0,
		`IPv4 options have ${options.length} bytes: give a multiple of 4 up to 40`,
	);
	const totalLength = headerLength + payload.length;
	requireInput(totalLength <= 0xffff, `IPv4 total length would be ${totalLength}: give at most 65535`);
	const bytes = new Uint8Array(headerLength);
	const view = viewOf(bytes);
	view.setUint8(0, 0x40 | (headerLength / 4));
	view.setUint8(1, header.typeOfService ?? 0);
	view.setUint16(2, totalLength);
	view.setUint16(4, header.identification ?? 0);
	view.setUint16(
		6,
		(header.dontFragment ? 0x4000 : 0) |
			(header.moreFragments ? 0x2000 : 0) |
			((fragmentOffset / 8) & 0x1fff),
	);
	view.setUint8(8, header.ttl);
	view.setUint8(9, header.protocol);
	bytes.set(header.source, 12);
	bytes.set(header.destination, 16);
	bytes.set(options, ipv4Length);
	view.setUint16(10, internetChecksum(bytes));
	return concatenate([bytes, payload]);
}

/** See {@link Dissector}. */
export const dissectIpv4: Dissector = (bytes, carrier) => {
	const wrong = problem(bytes);
	if (wrong !== undefined) return wrong;
	const { header, headerLength, totalLength } = read(bytes);
	const source = formatIpv4(header.source);
	const destination = formatIpv4(header.destination);
	const missing = totalLength > bytes.length;
	const notes = [
		`ttl ${header.ttl}`,
		...(header.typeOfService ? [`tos ${hexadecimal(header.typeOfService, 2)}`] : []),
		...(header.dontFragment ? ['df'] : []),
		...(header.moreFragments ? ['mf'] : []),
		`id ${header.identification}`,
		...(header.fragmentOffset ? [`fragment offset ${header.fragmentOffset}`] : []),
		...(header.options.length ? [`options ${header.options.length} bytes`] : []),
		`length ${totalLength}`,
		`protocol ${ipProtocolName(header.protocol)}`,
	];
	const isFragment = header.moreFragments || header.fragmentOffset > 0;
	return {
		protocol: 'ipv4',
		length: headerLength,
		end: Math.min(totalLength, bytes.length),
		summary: `IPv4 ${source} > ${destination}, ${notes.join(', ')}`,
		brief: `IPv4 ${source} > ${destination} ttl ${header.ttl}${isFragment ? ` fragment offset ${header.fragmentOffset}` : ''}`,
		fields: fieldsOf({
			source,
			destination,
			ttl: header.ttl,
			protocol: ipProtocolName(header.protocol),
			dscp: header.typeOfService >> 2,
			ecn: header.typeOfService & 3,
			'header length': headerLength,
			'total length': totalLength,
			identification: header.identification,
			"don't fragment": header.dontFragment,
			'more fragments': header.moreFragments,
			'fragment offset': header.fragmentOffset,
			checksum: hexadecimal(viewOf(bytes).getUint16(10), 4),
		}),
		checksum: internetChecksum(bytes.subarray(0, headerLength)) === 0 ? 'good' : 'bad',
		next:
			header.fragmentOffset > 0
				? undefined
				: {
						space: 'ipv4',
						number: header.protocol,
						carrier: { addresses: header, cut: carrier.cut || missing || header.moreFragments },
					},
		truncated:
			missing && !carrier.cut ? `IPv4 total length ${totalLength}, ${bytes.length} bytes here` : undefined,
	};
};
