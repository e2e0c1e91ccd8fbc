import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo, damaged, udpHeader } from '../../test/packet/arbitraries.ts';
import { concatenate } from './bytes.ts';
import { decodeUdp, encodeUdp } from './udp.ts';

const addresses = { source: new Uint8Array(4), destination: new Uint8Array(4) };

test('the bytes, checksum included', () => {
	const bytes = encodeUdp({ sourcePort: 1, destinationPort: 2 }, Uint8Array.of(0xff), addresses);
	// ~(1 + 2 + length 9 + 0xff00 + pseudo header: 17 + 9)
	expect(Buffer.from(bytes).toString('hex')).toBe('00010002000900d9ff');
});

test('a checksum that comes out as zero is sent as ones (RFC 768)', () => {
	const header = { sourcePort: 0xffff - 8 - 8 - 17, destinationPort: 0 };
	expect([...encodeUdp(header, new Uint8Array(), addresses).subarray(6)]).toEqual([0xff, 0xff]);
});

test('no checksum is zero', () => {
	const header = { sourcePort: 1, destinationPort: 2, withoutChecksum: true } as const;
	expect([...encodeUdp(header, new Uint8Array(), addresses).subarray(6)]).toEqual([0, 0]);
});

test('decode gives back what encode took, and no padding', () => {
	fc.assert(
		fc.property(udpHeader, bytesUpTo(40), bytesUpTo(20), (header, payload, padding) => {
			const bytes = concatenate([encodeUdp(header, payload, addresses), padding]);
			expect(decodeUdp(bytes)).toEqual({ header, payload });
		}),
	);
});

test('what is truncated or too short for its header is undefined', () => {
	const bytes = encodeUdp({ sourcePort: 1, destinationPort: 2 }, new Uint8Array(4), addresses);
	for (let length = 0; length < bytes.length; length++)
		expect(decodeUdp(bytes.subarray(0, length))).toBeUndefined();
	bytes[5] = 7;
	expect(decodeUdp(bytes)).toBeUndefined();
});

test('what does not fit is refused', () => {
	const header = { sourcePort: 1, destinationPort: 2 };
	expect(() => encodeUdp(header, new Uint8Array(65528), addresses)).toThrow('at most 65535');
});

test('decode never throws', () => {
	const datagrams = udpHeader.map((header) => encodeUdp(header, new Uint8Array(8), addresses));
	fc.assert(
		fc.property(damaged(datagrams), (bytes) => {
			decodeUdp(bytes);
		}),
		{ numRuns: 2000 },
	);
});
