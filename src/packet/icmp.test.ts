import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo, damaged, icmpHeader } from '../../test/packet/arbitraries.ts';
import { decodeIcmp, encodeIcmp } from './icmp.ts';

test('the bytes, checksum included', () => {
	const echo = encodeIcmp({ type: 8, code: 0, identifier: 1, sequence: 2 }, Uint8Array.of(1));
	expect(Buffer.from(echo).toString('hex')).toBe('0800f6fc0001000201');
	const tooBig = encodeIcmp({ type: 3, code: 4, rest: 1480 }, new Uint8Array());
	expect(Buffer.from(tooBig).toString('hex')).toBe('0304f733000005c8');
});

test('decode gives back what encode took', () => {
	fc.assert(
		fc.property(icmpHeader, bytesUpTo(40), (header, payload) => {
			expect(decodeIcmp(encodeIcmp(header, payload))).toEqual({ header, payload });
		}),
	);
});

test('a truncated header is undefined', () => {
	expect(decodeIcmp(new Uint8Array(7))).toBeUndefined();
});

test('decode never throws', () => {
	fc.assert(
		fc.property(damaged(icmpHeader.map((header) => encodeIcmp(header, new Uint8Array()))), (bytes) => {
			decodeIcmp(bytes);
		}),
		{ numRuns: 2000 },
	);
});
