/** UDP header (RFC 768). */
import { concatenate, hexadecimal, requireInput, viewOf } from './bytes.ts';
import type { Addresses } from './checksum.ts';
import { transportChecksum } from './checksum.ts';
import type { Dissector } from './layer.ts';
import { fieldsOf } from './layer.ts';
import { ipProtocol } from './protocol.ts';

/** Bytes of the header. */
export const udpLength = 8;

/** Length and checksum are not here: the encoder computes them. */
export interface UdpHeader {
	readonly sourcePort: number;
	readonly destinationPort: number;
	/** The checksum is zero: not computed. IPv6 allows that to tunnels only (RFC 6935). */
	readonly withoutChecksum?: true;
}

function problem(bytes: Uint8Array): string | undefined {
	if (bytes.length < udpLength) return `UDP header needs 8 bytes, ${bytes.length} here`;
	const length = viewOf(bytes).getUint16(4);
	return length < udpLength ? `UDP length ${length} is less than 8` : undefined;
}

function read(bytes: Uint8Array): {
	readonly header: UdpHeader;
	readonly length: number;
	readonly checksum: number;
} {
	const view = viewOf(bytes);
	const checksum = view.getUint16(6);
	return {
		header: {
			sourcePort: view.getUint16(0),
			destinationPort: view.getUint16(2),
			...(checksum === 0 ? { withoutChecksum: true } : {}),
		},
		length: view.getUint16(4),
		checksum,
	};
}

/** The payload ends where the length says. The checksum is not checked. The results share the bytes given. */
export function decodeUdp(
	bytes: Uint8Array,
): { readonly header: UdpHeader; readonly payload: Uint8Array } | undefined {
	if (problem(bytes) !== undefined) return undefined;
	const { header, length } = read(bytes);
	if (length > bytes.length) return undefined;
	return { header, payload: bytes.subarray(udpLength, length) };
}

/** Fills length and checksum. Throws EF_INPUT for what does not fit. */
export function encodeUdp(header: UdpHeader, payload: Uint8Array, addresses: Addresses): Uint8Array {
	const length = udpLength + payload.length;
	requireInput(length <= 0xffff, `UDP length would be ${length}: give at most 65535`);
	const bytes = concatenate([new Uint8Array(udpLength), payload]);
	const view = viewOf(bytes);
	view.setUint16(0, header.sourcePort);
	view.setUint16(2, header.destinationPort);
	view.setUint16(4, length);
	// Zero would mean "no checksum": its other form in ones' complement is sent instead (RFC 768).
	if (!header.withoutChecksum)
		view.setUint16(6, transportChecksum(bytes, ipProtocol.udp, addresses) || 0xffff);
	return bytes;
}

/** See {@link Dissector}. The port that decides about tunnels is the destination's. */
export const dissectUdp: Dissector = (bytes, carrier) => {
	const wrong = problem(bytes);
	if (wrong !== undefined) return wrong;
	const { header, length, checksum } = read(bytes);
	const { sourcePort, destinationPort } = header;
	const missing = length > bytes.length;
	const ports = `UDP ${sourcePort} > ${destinationPort}`;
	const { addresses } = carrier;
	const isChecked = checksum !== 0 && !carrier.cut && !missing && addresses !== undefined;
	const isGood = isChecked && transportChecksum(bytes.subarray(0, length), ipProtocol.udp, addresses) === 0;
	return {
		protocol: 'udp',
		length: udpLength,
		end: Math.min(length, bytes.length),
		summary: `${ports}, length ${length - udpLength}`,
		brief: `${ports} length ${length - udpLength}`,
		fields: fieldsOf({
			'source port': sourcePort,
			'destination port': destinationPort,
			length,
			checksum: checksum === 0 ? '0x0000 (none)' : hexadecimal(checksum, 4),
		}),
		checksum: isChecked ? (isGood ? 'good' : 'bad') : undefined,
		next: { space: 'udp', number: destinationPort, carrier: { cut: carrier.cut || missing } },
		truncated: missing && !carrier.cut ? `UDP length ${length}, ${bytes.length} bytes here` : undefined,
	};
};
