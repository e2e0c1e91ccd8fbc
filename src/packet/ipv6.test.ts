import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo, damaged, ipv6Header } from '../../test/packet/arbitraries.ts';
import { concatenate } from './bytes.ts';
import { decodeIpv6, encodeIpv6 } from './ipv6.ts';

const required = {
	source: new Uint8Array(16).fill(0xaa),
	destination: new Uint8Array(16).fill(0xbb),
	nextHeader: 58,
	hopLimit: 63,
};

test('the bytes', () => {
	const bytes = encodeIpv6({ ...required, trafficClass: 0xb9, flowLabel: 0x12345 }, new Uint8Array(3));
	expect(Buffer.from(bytes).toString('hex')).toBe(
		`6b91234500033a3f${'aa'.repeat(16)}${'bb'.repeat(16)}000000`,
	);
});

test('decode gives back what encode took, and no padding', () => {
	fc.assert(
		fc.property(ipv6Header, bytesUpTo(40), bytesUpTo(20), (header, payload, padding) => {
			const bytes = concatenate([encodeIpv6(header, payload), padding]);
			expect(decodeIpv6(bytes)).toEqual({ header, payload });
		}),
	);
});

test('what is truncated or of another version is undefined', () => {
	const packet = encodeIpv6(required, new Uint8Array(4));
	for (let length = 0; length < packet.length; length++)
		expect(decodeIpv6(packet.subarray(0, length))).toBeUndefined();
	packet[0] = 0x45;
	expect(decodeIpv6(packet)).toBeUndefined();
});

test('what does not fit is refused', () => {
	expect(() => encodeIpv6(required, new Uint8Array(65536))).toThrow('at most 65535');
	expect(() => encodeIpv6({ ...required, destination: new Uint8Array(4) }, new Uint8Array())).toThrow(
		'4 bytes',
	);
});

test('decode never throws', () => {
	const packets = damaged(ipv6Header.map((header) => encodeIpv6(header, new Uint8Array(8))));
	fc.assert(
		fc.property(packets, (bytes) => {
			decodeIpv6(bytes);
		}),
		{ numRuns: 5000 },
	);
});
