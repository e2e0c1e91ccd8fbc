/** Text forms of IP addresses, prefixes and Ethernet addresses: strict to read, canonical to write. */
import { viewOf } from './bytes.ts';

export type Family = 'ipv4' | 'ipv6';

/** 4 bytes for IPv4, 16 for IPv6, in network order. */
export interface IpAddress {
	readonly family: Family;
	readonly bytes: Uint8Array;
}

/** A network: `length` bits of `bytes` count, the others are zero. */
export interface Prefix {
	readonly family: Family;
	readonly bytes: Uint8Array;
	readonly length: number;
}

/** Dotted quad of decimal numbers without leading zeros (RFC 6943 section 3.1.1, "strict form"); 4 bytes. */
export function parseIpv4(text: string): Uint8Array | undefined {
	const parts = text.split('.');
	if (parts.length !== 4) return undefined;
	if (!parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
	return Uint8Array.from(parts, Number);
}

/** Words of one side of `::`, a last IPv4 part as two; undefined when one is wrong. */
function parseWords(text: string, isLastSide: boolean): number[] | undefined {
	if (text === '') return [];
	const words: number[] = [];
	const parts = text.split(':');
	for (const [index, part] of parts.entries()) {
		if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
			words.push(Number.parseInt(part, 16));
			continue;
		}
		const embedded = isLastSide && index === parts.length - 1 ? parseIpv4(part) : undefined;
		if (embedded === undefined) return undefined;
		words.push(viewOf(embedded).getUint16(0), viewOf(embedded).getUint16(2));
	}
	return words;
}

/** RFC 4291 section 2.2, all three forms; no zone, no prefix length; 16 bytes. `::` stands for at least one word. */
export function parseIpv6(text: string): Uint8Array | undefined {
	const sides = text.split('::');
	if (sides.length > 2) return undefined;
	const [left = '', right] = sides;
	const head = parseWords(left, right === undefined);
	const tail = right === undefined ? [] : parseWords(right, true);
	if (head === undefined || tail === undefined) return undefined;
	const missing = 8 - head.length - tail.length;
	if (right === undefined ? missing !== 0 : missing < 1) return undefined;
	const bytes = new Uint8Array(16);
	const view = viewOf(bytes);
	for (const [index, word] of head.entries()) view.setUint16(index * 2, word);
	for (const [index, word] of tail.entries()) view.setUint16((8 - tail.length + index) * 2, word);
	return bytes;
}

/** Either family. */
export function parseIp(text: string): IpAddress | undefined {
	const ipv4 = parseIpv4(text);
	if (ipv4) return { family: 'ipv4', bytes: ipv4 };
	const ipv6 = parseIpv6(text);
	return ipv6 && { family: 'ipv6', bytes: ipv6 };
}

/** Of 4 bytes. */
export function formatIpv4(bytes: Uint8Array): string {
	return bytes.join('.');
}

/** Of 16 bytes: RFC 5952, an IPv4-mapped address with its last part as IPv4 (section 5). */
export function formatIpv6(bytes: Uint8Array): string {
	const view = viewOf(bytes);
	const words = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2));
	if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff)
		return `::ffff:${formatIpv4(bytes.subarray(12))}`;
	// The first of the longest runs of two zero words or more is shortened (RFC 5952 section 4.2).
	let best = { start: 0, length: 1 };
	for (let start = 0; start < 8; start++) {
		let length = 0;
		while (words[start + length] === 0) length++;
		if (length > best.length) best = { start, length };
	}
	const text = words.map((word) => word.toString(16));
	if (best.length < 2) return text.join(':');
	return `${text.slice(0, best.start).join(':')}::${text.slice(best.start + best.length).join(':')}`;
}

/** Of 4 or 16 bytes. */
export function formatIp(bytes: Uint8Array): string {
	return bytes.length === 4 ? formatIpv4(bytes) : formatIpv6(bytes);
}

/** The bytes with all bits behind the first `length` zero. */
export function maskBytes(bytes: Uint8Array, length: number): Uint8Array {
	return bytes.map((byte, index) => {
		const kept = Math.min(8, Math.max(0, length - index * 8));
		return byte & (0xff00 >> kept);
	});
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** A prefix, or in words why the text is none. */
function readPrefix(text: string): Prefix | string {
	const slash = text.indexOf('/');
	const address = slash < 0 ? text : text.slice(0, slash);
	const ip = parseIp(address);
	if (ip === undefined) return `'${address}' is not an IP address`;
	const width = ip.bytes.length * 8;
	if (slash < 0) return { ...ip, length: width };
	const lengthText = text.slice(slash + 1);
	const length = /^(0|[1-9][0-9]{0,2})$/.test(lengthText) ? Number(lengthText) : width + 1;
	if (length > width) return `prefix length '${lengthText}' is not a number from 0 to ${width}`;
	const bytes = maskBytes(ip.bytes, length);
	if (!sameBytes(bytes, ip.bytes))
		return `'${text}' has bits set behind its prefix length: the network is ${formatIp(bytes)}/${length}`;
	return { ...ip, length };
}

/** `address/length`; a bare address is a prefix of its full length. Bits behind the length must be zero. */
export function parsePrefix(text: string): Prefix | undefined {
	const result = readPrefix(text);
	return typeof result === 'string' ? undefined : result;
}

/** In words, why {@link parsePrefix} does not take the text; undefined when it does. */
export function prefixProblem(text: string): string | undefined {
	const result = readPrefix(text);
	return typeof result === 'string' ? result : undefined;
}

/** Always with its length. */
export function formatPrefix(prefix: Prefix): string {
	return `${formatIp(prefix.bytes)}/${prefix.length}`;
}

/** Whether an address, 4 or 16 bytes, is in the prefix; never when it is of the other family. */
export function prefixContains(prefix: Prefix, bytes: Uint8Array): boolean {
	return sameBytes(maskBytes(bytes, prefix.length), prefix.bytes);
}

/** Six pairs of hexadecimal digits with colons, of either case; 6 bytes. */
export function parseMac(text: string): Uint8Array | undefined {
	if (!/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(text)) return undefined;
	return Uint8Array.from(text.split(':'), (pair) => Number.parseInt(pair, 16));
}

/** `aa:bb:cc:dd:ee:ff`, lower case. */
export function formatMac(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
