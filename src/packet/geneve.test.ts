import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo, damaged, geneveHeader } from '../../test/packet/arbitraries.ts';
import { decodeGeneve, encodeGeneve } from './geneve.ts';

function hexadecimal(...input: Parameters<typeof encodeGeneve>): string {
	return Buffer.from(encodeGeneve(...input)).toString('hex');
}

const payload = Uint8Array.of(0xff);

test('the bytes', () => {
	expect(hexadecimal({ etherType: 0x6558, vni: 0x123456 }, payload)).toBe('0000655812345600ff');
	const options = Uint8Array.of(1, 2, 3, 0);
	expect(hexadecimal({ etherType: 0x0800, vni: 0xffffff, control: true, options }, payload)).toBe(
		'01800800ffffff0001020300ff',
	);
	expect(hexadecimal({ etherType: 0x86dd, vni: 0, critical: true }, payload)).toBe('004086dd00000000ff');
	expect(encodeGeneve({ etherType: 0, vni: 0, options: new Uint8Array(252) }, payload)[0]).toBe(0x3f);
});

test('decode gives back what encode took', () => {
	fc.assert(
		fc.property(geneveHeader, bytesUpTo(40), (header, bytes) => {
			expect(decodeGeneve(encodeGeneve(header, bytes))).toEqual({ header, payload: bytes });
		}),
	);
});

test('what is truncated or of another version is undefined', () => {
	const bytes = encodeGeneve({ etherType: 0x6558, vni: 1, options: new Uint8Array(8) }, new Uint8Array());
	for (let length = 0; length < bytes.length; length++)
		expect(decodeGeneve(bytes.subarray(0, length))).toBeUndefined();
	for (const version of [1, 2, 3])
		expect(decodeGeneve(Uint8Array.of(version << 6, 0, 0, 0, 0, 0, 0, 0))).toBeUndefined();
});

test('what does not fit is refused', () => {
	for (const vni of [-1, 1.5, 2 ** 24])
		expect(() => encodeGeneve({ etherType: 0, vni }, payload)).toThrow('0 to 16777215');
	for (const length of [1, 256])
		expect(() => encodeGeneve({ etherType: 0, vni: 0, options: new Uint8Array(length) }, payload)).toThrow(
			'up to 252',
		);
});

test('decode never throws', () => {
	fc.assert(
		fc.property(damaged(geneveHeader.map((header) => encodeGeneve(header, new Uint8Array(8)))), (bytes) => {
			decodeGeneve(bytes);
		}),
		{ numRuns: 2000 },
	);
});
