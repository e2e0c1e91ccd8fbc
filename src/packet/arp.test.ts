import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arpHeader, bytesUpTo, damaged } from '../../test/packet/arbitraries.ts';
import { decodeArp, encodeArp } from './arp.ts';
import { concatenate } from './bytes.ts';

test('the bytes', () => {
	const bytes = encodeArp({
		operation: 1,
		senderHardware: Uint8Array.of(2, 0, 0, 0, 0, 1),
		senderProtocol: Uint8Array.of(10, 0, 0, 1),
		targetHardware: new Uint8Array(6),
		targetProtocol: Uint8Array.of(10, 0, 0, 2),
	});
	expect(Buffer.from(bytes).toString('hex')).toBe(
		'0001080006040001020000000001' + '0a000001' + '0000000000000a000002',
	);
});

test('decode gives back what encode took, and no padding', () => {
	fc.assert(
		fc.property(arpHeader, bytesUpTo(20), (header, padding) => {
			const decoded = decodeArp(concatenate([encodeArp(header), padding]));
			expect(decoded).toEqual({ header, payload: new Uint8Array() });
		}),
	);
});

test('what is truncated, or not for IPv4 over Ethernet, is undefined', () => {
	const [bytes = new Uint8Array()] = fc.sample(arpHeader.map(encodeArp), 1);
	expect(decodeArp(bytes.subarray(0, 27))).toBeUndefined();
	for (const offset of [1, 3, 4, 5]) {
		const other = bytes.slice();
		other[offset] = 99;
		expect(decodeArp(other)).toBeUndefined();
	}
});

test('decode never throws', () => {
	fc.assert(
		fc.property(damaged(arpHeader.map(encodeArp)), (bytes) => {
			decodeArp(bytes);
		}),
		{ numRuns: 2000 },
	);
});
