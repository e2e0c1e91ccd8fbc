import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo, damaged, gueHeader } from '../../test/packet/arbitraries.ts';
import { decodeGue, encodeGue } from './gue.ts';

function hexadecimal(...input: Parameters<typeof encodeGue>): string {
	return Buffer.from(encodeGue(...input)).toString('hex');
}

const payload = Uint8Array.of(0xff);

test('the bytes', () => {
	expect(hexadecimal({ protocol: 4 }, payload)).toBe('00040000ff');
	const extensions = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
	expect(hexadecimal({ protocol: 41, flags: 0x8001, extensions }, payload)).toBe(
		'022980010102030405060708ff',
	);
	expect(hexadecimal({ control: true, protocol: 1 }, payload)).toBe('20010000ff');
	expect(encodeGue({ protocol: 4, extensions: new Uint8Array(124) }, payload)[0]).toBe(0x1f);
});

test('decode gives back what encode took', () => {
	fc.assert(
		fc.property(gueHeader, bytesUpTo(40), (header, bytes) => {
			expect(decodeGue(encodeGue(header, bytes))).toEqual({ header, payload: bytes });
		}),
	);
});

test('what is truncated or of another variant is undefined', () => {
	const bytes = encodeGue({ protocol: 4, extensions: new Uint8Array(8) }, new Uint8Array());
	for (let length = 0; length < bytes.length; length++)
		expect(decodeGue(bytes.subarray(0, length))).toBeUndefined();
	for (const variant of [1, 2, 3]) expect(decodeGue(Uint8Array.of(variant << 6, 4, 0, 0))).toBeUndefined();
});

test('what does not fit is refused', () => {
	for (const length of [1, 128])
		expect(() => encodeGue({ protocol: 4, extensions: new Uint8Array(length) }, payload)).toThrow(
			'up to 124',
		);
});

test('decode never throws', () => {
	fc.assert(
		fc.property(damaged(gueHeader.map((header) => encodeGue(header, new Uint8Array(8)))), (bytes) => {
			decodeGue(bytes);
		}),
		{ numRuns: 2000 },
	);
});
