/** Addresses as the model computes with them: IPv4 as a 32-bit number, IPv6 as 16 bytes. */

import { EncapForwardError } from '../../../../error.ts';
import { maskBytes, parseIp, parseMac } from '../../../../packet/address.ts';

export type Bytes = Uint8Array;

export interface ParsedPrefix {
	readonly family: 'ipv4' | 'ipv6';
	/** As it was written, bits behind the length included. */
	readonly bytes: Bytes;
	/** Of IPv4. */
	readonly number: number;
	readonly length: number;
	/** The same for the same address, whatever its prefix length. */
	readonly key: string;
	/** The network: the bytes with the bits behind the length zero. */
	readonly network: Bytes;
}

/** What was read before: scenarios of one search have nearly all their addresses in common. */
const known = new Map<string, ParsedPrefix>();
const knownMacs = new Map<string, Bytes>();
const most = 10_000;

/** An address with or without a prefix length. @throws EF_INPUT */
export function parseAddress(text: string): ParsedPrefix {
	const before = known.get(text);
	if (before !== undefined) return before;
	const slash = text.indexOf('/');
	const ip = parseIp(slash < 0 ? text : text.slice(0, slash));
	const width = ip?.family === 'ipv4' ? 32 : 128;
	const length = slash < 0 ? width : Number(text.slice(slash + 1));
	if (ip === undefined || !(Number.isInteger(length) && length >= 0 && length <= width)) {
		throw new EncapForwardError('EF_INPUT', `the scenario's "${text}" is no IP address or prefix`);
	}
	const number = ip.family === 'ipv4' ? ipv4At(ip.bytes, 0) : 0;
	const network = maskBytes(ip.bytes, length);
	const parsed = {
		...ip,
		number,
		length,
		key: addressKey(ip.family === 'ipv4' ? number : ip.bytes),
		network,
	};
	if (known.size >= most) known.clear();
	known.set(text, parsed);
	return parsed;
}

/** Of aa:bb:cc:dd:ee:ff. @throws EF_INPUT */
export function parseEthernet(text: string): Bytes {
	const before = knownMacs.get(text);
	if (before !== undefined) return before;
	const mac = parseMac(text);
	if (mac === undefined)
		throw new EncapForwardError('EF_INPUT', `the scenario's "${text}" is no Ethernet address`);
	if (knownMacs.size >= most) knownMacs.clear();
	knownMacs.set(text, mac);
	return mac;
}

/** An address, a number or 16 bytes, as a key of maps. */
export function addressKey(address: number | Bytes): string {
	if (typeof address === 'number') return `${address}`;
	let key = '';
	for (let index = 0; index < 16; index += 2) {
		key += String.fromCharCode(((address[index] ?? 0) << 8) | (address[index + 1] ?? 0));
	}
	return key;
}

/** The IPv4 address at an offset. */
export function ipv4At(bytes: Bytes, offset: number): number {
	return (
		(((bytes[offset] ?? 0) << 24) |
			((bytes[offset + 1] ?? 0) << 16) |
			((bytes[offset + 2] ?? 0) << 8) |
			(bytes[offset + 3] ?? 0)) >>>
		0
	);
}

export function ipv4Bytes(address: number): Bytes {
	return Uint8Array.of(address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255);
}

export function ipv4Text(address: number): string {
	return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** The network mask of a prefix length. */
export function ipv4Mask(length: number): number {
	return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}

export function sameBytes(a: Bytes, b: Bytes): boolean {
	for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
	return a.length === b.length;
}

/** Whether the first `length` bits are the same (ipv6_prefix_equal). */
export function samePrefix(a: Bytes, b: Bytes, length: number): boolean {
	const whole = length >> 3;
	for (let index = 0; index < whole; index++) if (a[index] !== b[index]) return false;
	const rest = length & 7;
	return rest === 0 || (((a[whole] ?? 0) ^ (b[whole] ?? 0)) & (0xff00 >> rest) & 0xff) === 0;
}

/** Kinds of IPv4 addresses (include/linux/in.h). */
export const isMulticast4 = (address: number): boolean => address >>> 28 === 0xe;
export const isBroadcast4 = (address: number): boolean => address === 0xffffffff;
export const isLoopback4 = (address: number): boolean => address >>> 24 === 127;

/** Kinds of IPv6 addresses (include/net/ipv6.h). */
export const isMulticast6 = (address: Bytes): boolean => address[0] === 0xff;
export const isLinkLocal6 = (address: Bytes): boolean =>
	address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80;
export const isAny6 = (address: Bytes): boolean => address.every((byte) => byte === 0);
export const isLoopback6 = (address: Bytes): boolean =>
	address[15] === 1 && address.subarray(0, 15).every((byte) => byte === 0);
/** A link's own: only a route of the very device counts (rt6_need_strict). */
export const needsStrict6 = (address: Bytes): boolean =>
	isLinkLocal6(address) || isMulticast6(address) || isLoopback6(address);
