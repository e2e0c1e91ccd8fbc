/** IP addresses read from bytes of ASCII text without making strings: for files of very many. */
import { parseIpv6 } from '../packet/address.ts';

const [dot, zero, nine, colon] = [0x2e, 0x30, 0x39, 0x3a];

/**
 * Reads all of text[start, end) as what `parseIp` takes and writes the address to `into` at `at`.
 * Gives its length, 4 or 16; 0 when it is none, then what stands in `into` means nothing.
 */
export function scanIp(
	text: Uint8Array,
	start: number,
	end: number,
	into: Uint8Array,
	at: number,
): 0 | 4 | 16 {
	let [part, digits, parts] = [0, 0, 0];
	for (let index = start; index < end; index++) {
		const byte = text[index] as number;
		if (byte >= zero && byte <= nine) {
			if (digits > 0 && part === 0) return scanIpv6(text, start, end, into, at);
			part = part * 10 + byte - zero;
			digits++;
			if (digits > 3) return scanIpv6(text, start, end, into, at);
		} else if (byte === dot) {
			if (digits === 0 || part > 255 || parts === 3) return 0;
			into[at + parts++] = part;
			part = 0;
			digits = 0;
		} else return scanIpv6(text, start, end, into, at);
	}
	if (digits === 0 || part > 255 || parts !== 3) return 0;
	into[at + 3] = part;
	return 4;
}

/** The value of each byte as a hexadecimal digit, or -1. */
const hexadecimal = new Int8Array(256).fill(-1);
for (const [value, digit] of [...'0123456789abcdef'].entries())
	for (const form of [digit, digit.toUpperCase()]) hexadecimal[form.charCodeAt(0)] = value;

function scanIpv6(text: Uint8Array, start: number, end: number, into: Uint8Array, at: number): 0 | 16 {
	// Where :: stands, in words written; then what follows it is moved to the end.
	let [gap, words, word, digits, index] = [-1, 0, 0, 0, start];
	if (text[start] === colon) {
		if (end - start < 2 || text[start + 1] !== colon) return 0;
		gap = 0;
		index = start + 2;
	}
	for (; index < end; index++) {
		const byte = text[index] as number;
		const digit = hexadecimal[byte] as number;
		if (digit >= 0) {
			word = (word << 4) | digit;
			if (++digits > 4) return 0;
			continue;
		}
		if (byte === dot) return scanEmbedded(text, start, end, into, at);
		if (byte !== colon || digits === 0 || words === 8) return 0;
		into[at + words * 2] = word >> 8;
		into[at + words * 2 + 1] = word & 255;
		words++;
		word = 0;
		digits = 0;
		if (index + 1 === end) return 0;
		if (text[index + 1] === colon) {
			if (gap >= 0) return 0;
			gap = words;
			index++;
		}
	}
	if (digits > 0) {
		if (words === 8) return 0;
		into[at + words * 2] = word >> 8;
		into[at + words * 2 + 1] = word & 255;
		words++;
	}
	if (gap < 0) return words === 8 ? 16 : 0;
	if (words === 8) return 0;
	into.copyWithin(at + 16 - (words - gap) * 2, at + gap * 2, at + words * 2);
	into.fill(0, at + gap * 2, at + 16 - (words - gap) * 2);
	return 16;
}

/** The rare form with an IPv4 address at its end. */
function scanEmbedded(text: Uint8Array, start: number, end: number, into: Uint8Array, at: number): 0 | 16 {
	const bytes = parseIpv6(String.fromCharCode(...text.subarray(start, Math.min(end, start + 64))));
	if (bytes === undefined || end - start > 64) return 0;
	into.set(bytes, at);
	return 16;
}

/** Whether all bits of an address behind the first `length` are zero; `width` is 32 or 128. */
export function isNetwork(bytes: Uint8Array, at: number, length: number, width: number): boolean {
	if (length === width) return true;
	let index = length >> 3;
	if (((bytes[at + index] as number) & (0xff >> (length & 7))) !== 0) return false;
	for (index++; index < width >> 3; index++) if (bytes[at + index] !== 0) return false;
	return true;
}

/** Whether the first `length` bits of two addresses are the same. */
export function isWithin(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, length: number): boolean {
	const whole = length >> 3;
	for (let index = 0; index < whole; index++) if (a[aAt + index] !== b[bAt + index]) return false;
	const rest = length & 7;
	return (
		rest === 0 || (((a[aAt + whole] as number) ^ (b[bAt + whole] as number)) & (0xff00 >> rest) & 255) === 0
	);
}
