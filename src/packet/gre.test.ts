import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo, damaged, greHeader } from '../../test/packet/arbitraries.ts';
import { internetChecksum } from './checksum.ts';
import { decodeGre, encodeGre } from './gre.ts';

function hexadecimal(...input: Parameters<typeof encodeGre>): string {
	return Buffer.from(encodeGre(...input)).toString('hex');
}

const payload = Uint8Array.of(0xff);

test('the bytes: optional fields stand in the order checksum, key, sequence number', () => {
	expect(hexadecimal({ etherType: 0x0800 }, payload)).toBe('00000800ff');
	expect(hexadecimal({ etherType: 0x86dd, key: 0 }, payload)).toBe('200086dd00000000ff');
	expect(hexadecimal({ etherType: 0x6558, sequence: 7 }, payload)).toBe('1000655800000007ff');
	// ~(0xb000 + 0x0800 + 1 + 0xfffffffe folded + 0xff00), the payload padded to a word.
	expect(hexadecimal({ etherType: 0x0800, checksum: true, key: 1, sequence: 0xffffffff }, payload)).toBe(
		'b000080048fd000000000001ffffffffff',
	);
});

test('decode gives back what encode took', () => {
	fc.assert(
		fc.property(greHeader, bytesUpTo(40), (header, bytes) => {
			const encoded = encodeGre(header, bytes);
			expect(decodeGre(encoded)).toEqual({ header, payload: bytes });
			if (header.checksum) expect(internetChecksum(encoded)).toBe(0);
		}),
	);
});

test('what is truncated, of another version or of RFC 1701 is undefined', () => {
	const bytes = encodeGre({ etherType: 0x0800, checksum: true, key: 1, sequence: 2 }, new Uint8Array());
	for (let length = 0; length < bytes.length; length++)
		expect(decodeGre(bytes.subarray(0, length))).toBeUndefined();
	for (const flags of [0x0001, 0x4000, 0x0800, 0x0100])
		expect(decodeGre(Uint8Array.of(flags >> 8, flags & 0xff, 8, 0))).toBeUndefined();
});

test('what does not fit is refused', () => {
	for (const number of [-1, 1.5, 2 ** 32]) {
		expect(() => encodeGre({ etherType: 0x0800, key: number }, payload)).toThrow('0 to 4294967295');
		expect(() => encodeGre({ etherType: 0x0800, sequence: number }, payload)).toThrow('0 to 4294967295');
	}
});

test('decode never throws', () => {
	fc.assert(
		fc.property(damaged(greHeader.map((header) => encodeGre(header, new Uint8Array(8)))), (bytes) => {
			decodeGre(bytes);
		}),
		{ numRuns: 2000 },
	);
});
