import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo } from '../../test/packet/arbitraries.ts';
import { viewOf } from './bytes.ts';
import {
	internetChecksum,
	onesComplementSum,
	pseudoHeaderSum,
	transportChecksum,
	updateChecksum,
} from './checksum.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

test('the example of RFC 1071 section 3', () => {
	expect(onesComplementSum(bytes('0001 f203 f4f5 f6f7'))).toBe(0xddf2);
	expect(internetChecksum(bytes('0001 f203 f4f5 f6f7'))).toBe(0x220d);
});

test('an odd last byte is the upper half of a word', () => {
	expect(onesComplementSum(bytes('01'))).toBe(0x0100);
	expect(onesComplementSum(bytes('0001 02'), 0xffff)).toBe(0x0201);
});

test('the longest packet of ones does not overflow', () => {
	expect(internetChecksum(new Uint8Array(65535).fill(0xff))).toBe(0x00ff);
});

test('the pseudo headers, as bytes', () => {
	const ipv4 = { source: bytes('c0a80001'), destination: bytes('c0a800c7') };
	expect(pseudoHeaderSum(ipv4, 17, 95)).toBe(onesComplementSum(bytes('c0a80001 c0a800c7 0011 005f')));
	const ipv6 = { source: bytes('fc00'.repeat(8)), destination: bytes('2001'.repeat(8)) };
	const header = `${'fc00'.repeat(8)} ${'2001'.repeat(8)} 00012345 0000003a`;
	expect(pseudoHeaderSum(ipv6, 58, 0x12345)).toBe(onesComplementSum(bytes(header)));
});

test('a segment with its checksum filled in sums to zero', () => {
	const addresses = { source: bytes('0a0b0201'), destination: bytes('0a0b0202') };
	fc.assert(
		fc.property(bytesUpTo(100), (payload) => {
			const segment = Uint8Array.of(0, 0, ...payload);
			viewOf(segment).setUint16(0, transportChecksum(segment, 17, addresses));
			expect(transportChecksum(segment, 17, addresses)).toBe(0);
		}),
	);
});

test('the example of RFC 1624 section 4', () => {
	expect(updateChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
});

test('the update is what a new computation gives', () => {
	const even = fc
		.uint8Array({ minLength: 4, maxLength: 60 })
		.map((array) => array.subarray(0, array.length & ~1));
	fc.assert(
		fc.property(even, fc.nat(0xffff), (data, after) => {
			const view = viewOf(data);
			const before = view.getUint16(2);
			const checksum = internetChecksum(data);
			view.setUint16(2, after);
			// All words zero has the sum zero, which no update reaches: RFC 1624 section 3.
			fc.pre(data.some((byte) => byte !== 0));
			expect(updateChecksum(checksum, before, after)).toBe(internetChecksum(data));
		}),
	);
});
