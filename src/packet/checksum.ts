/** The internet checksum: RFC 1071, its pseudo headers, and its incremental update. */
import { viewOf } from './bytes.ts';

/** The two addresses of a pseudo header: 4 bytes each for IPv4, 16 each for IPv6. An IP header is one, too. */
export interface Addresses {
	readonly source: Uint8Array;
	readonly destination: Uint8Array;
}

function fold(sum: number): number {
	let folded = sum;
	while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
	return folded;
}

/** Folded ones' complement sum of 16-bit big endian words; an odd last byte is padded with zero (RFC 1071). */
export function onesComplementSum(bytes: Uint8Array, initial = 0): number {
	const view = viewOf(bytes);
	const even = bytes.length & ~1;
	let sum = initial;
	for (let offset = 0; offset < even; offset += 2) sum += view.getUint16(offset);
	if (even < bytes.length) sum += view.getUint8(even) << 8;
	return fold(sum);
}

/** The internet checksum, a 16-bit number. Over bytes that hold their own right checksum it is 0. */
export function internetChecksum(bytes: Uint8Array, initialSum = 0): number {
	return 0xffff - onesComplementSum(bytes, initialSum);
}

/**
 * Sum of the pseudo header: of IPv4 (RFC 9293 section 3.1, RFC 768) for addresses of 4 bytes, else of IPv6
 * (RFC 8200 section 8.1). The length is that of the transport header and its payload, in bytes.
 */
export function pseudoHeaderSum(addresses: Addresses, protocol: number, length: number): number {
	const sum = onesComplementSum(addresses.destination, onesComplementSum(addresses.source));
	return fold(sum + protocol + length);
}

/** Checksum of a transport segment with its pseudo header: what to write when its field is 0, else 0 if it is right. */
export function transportChecksum(segment: Uint8Array, protocol: number, addresses: Addresses): number {
	return internetChecksum(segment, pseudoHeaderSum(addresses, protocol, segment.length));
}

/** The checksum after one 16-bit word it covers changed: RFC 1624 equation 3, HC' = ~(~HC + ~m + m'). */
export function updateChecksum(checksum: number, before: number, after: number): number {
	return 0xffff - fold(0xffff - checksum + (0xffff - before) + after);
}
