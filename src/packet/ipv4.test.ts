import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo, damaged, ipv4Header } from '../../test/packet/arbitraries.ts';
import { concatenate } from './bytes.ts';
import { decodeIpv4, encodeIpv4 } from './ipv4.ts';

const required = {
	source: Uint8Array.of(192, 168, 0, 1),
	destination: Uint8Array.of(192, 168, 0, 199),
	protocol: 17,
	ttl: 64,
};

test('the bytes, checksum included', () => {
	const bytes = encodeIpv4({ ...required, dontFragment: true }, new Uint8Array(95));
	expect(Buffer.from(bytes.subarray(0, 20)).toString('hex')).toBe('45000073000040004011b861c0a80001c0a800c7');
});

test('fragment bits and options, as bytes', () => {
	const bytes = encodeIpv4(
		{ ...required, moreFragments: true, fragmentOffset: 1480, options: Uint8Array.of(148, 4, 0, 0) },
		new Uint8Array(),
	);
	expect(bytes[0]).toBe(0x46);
	expect([...bytes.subarray(6, 8)]).toEqual([0x20, 185]);
	expect([...bytes.subarray(20)]).toEqual([148, 4, 0, 0]);
});

test('decode gives back what encode took, and no padding', () => {
	fc.assert(
		fc.property(ipv4Header, bytesUpTo(40), bytesUpTo(20), (header, payload, padding) => {
			const bytes = concatenate([encodeIpv4(header, payload), padding]);
			expect(decodeIpv4(bytes)).toEqual({ header, payload });
		}),
	);
});

test('what is truncated or contradicts itself is undefined', () => {
	const packet = encodeIpv4(required, new Uint8Array(4));
	for (let length = 0; length < packet.length; length++)
		expect(decodeIpv4(packet.subarray(0, length))).toBeUndefined();
	for (const [offset, value] of [
		[0, 0x65],
		[0, 0x44],
		[0, 0x4f],
		[3, 19],
		[3, 25],
	] as const) {
		const bytes = packet.slice();
		bytes[offset] = value;
		expect(decodeIpv4(bytes), `${offset}: ${value}`).toBeUndefined();
	}
});

test('what does not fit is refused', () => {
	expect(() => encodeIpv4({ ...required, options: new Uint8Array(3) }, new Uint8Array())).toThrow(
		'multiple of 4',
	);
	expect(() => encodeIpv4({ ...required, options: new Uint8Array(44) }, new Uint8Array())).toThrow(
		'up to 40',
	);
	expect(() => encodeIpv4(required, new Uint8Array(65516))).toThrow('at most 65535');
	expect(() => encodeIpv4({ ...required, source: new Uint8Array(16) }, new Uint8Array())).toThrow('16 bytes');
});

test('decode never throws', () => {
	const packets = damaged(ipv4Header.map((header) => encodeIpv4(header, new Uint8Array(8))));
	fc.assert(
		fc.property(packets, (bytes) => {
			decodeIpv4(bytes);
		}),
		{ numRuns: 5000 },
	);
});
