import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo, damaged, tcpHeader } from '../../test/packet/arbitraries.ts';
import { decodeTcp, encodeTcp, tcpFlag } from './tcp.ts';

const addresses = { source: new Uint8Array(4), destination: new Uint8Array(4) };
const required = { sourcePort: 1, destinationPort: 2, flags: tcpFlag.syn };

test('the bytes, checksum included', () => {
	const bytes = encodeTcp({ ...required, sequence: 3, window: 4 }, new Uint8Array(), addresses);
	// ~(1 + 2 + 3 + 0x5002 + 4 + pseudo header: 6 + 20)
	expect(Buffer.from(bytes).toString('hex')).toBe('0001000200000003' + '00000000' + '50020004' + 'afd90000');
});

test('decode gives back what encode took', () => {
	fc.assert(
		fc.property(tcpHeader, bytesUpTo(40), (header, payload) => {
			expect(decodeTcp(encodeTcp(header, payload, addresses))).toEqual({ header, payload });
		}),
	);
});

test('what is truncated or has a wrong header length is undefined', () => {
	const bytes = encodeTcp({ ...required, options: new Uint8Array(4) }, new Uint8Array(), addresses);
	for (let length = 0; length < bytes.length; length++)
		expect(decodeTcp(bytes.subarray(0, length))).toBeUndefined();
	bytes[12] = 0x40;
	expect(decodeTcp(bytes)).toBeUndefined();
});

test('options that do not fit are refused', () => {
	for (const length of [1, 44])
		expect(() =>
			encodeTcp({ ...required, options: new Uint8Array(length) }, new Uint8Array(), addresses),
		).toThrow(`${length} bytes`);
});

test('decode never throws', () => {
	const segments = tcpHeader.map((header) => encodeTcp(header, new Uint8Array(8), addresses));
	fc.assert(
		fc.property(damaged(segments), (bytes) => {
			decodeTcp(bytes);
		}),
		{ numRuns: 2000 },
	);
});
