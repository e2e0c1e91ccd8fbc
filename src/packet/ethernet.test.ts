import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo, damaged, ethernetHeader } from '../../test/packet/arbitraries.ts';
import { decodeEthernet, encodeEthernet } from './ethernet.ts';

const header = {
	destination: Uint8Array.of(1, 2, 3, 4, 5, 6),
	source: Uint8Array.of(7, 8, 9, 10, 11, 12),
	etherType: 0x86dd,
};

test('the bytes, without and with a tag', () => {
	expect([...encodeEthernet(header, Uint8Array.of(0xff))]).toEqual([
		...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
		...[0x86, 0xdd, 0xff],
	]);
	const vlan = { priority: 5, dropEligible: true, id: 0x123 };
	expect([...encodeEthernet({ ...header, vlan }, new Uint8Array()).subarray(12)]).toEqual([
		...[0x81, 0x00, 0xb1, 0x23, 0x86, 0xdd],
	]);
});

test('decode gives back what encode took', () => {
	fc.assert(
		fc.property(ethernetHeader, bytesUpTo(40), (header, payload) => {
			expect(decodeEthernet(encodeEthernet(header, payload))).toEqual({ header, payload });
		}),
	);
});

test('a truncated header or tag is undefined', () => {
	const frame = encodeEthernet(
		{ ...header, vlan: { priority: 0, dropEligible: false, id: 1 } },
		new Uint8Array(),
	);
	for (let length = 0; length < frame.length; length++)
		expect(decodeEthernet(frame.subarray(0, length))).toBeUndefined();
});

test('an address of another length is refused', () => {
	expect(() => encodeEthernet({ ...header, source: new Uint8Array(5) }, new Uint8Array())).toThrow(
		'Ethernet source has 5 bytes: give 6',
	);
});

test('decode never throws', () => {
	const frames = damaged(ethernetHeader.map((header) => encodeEthernet(header, new Uint8Array())));
	fc.assert(
		fc.property(frames, (bytes) => {
			decodeEthernet(bytes);
		}),
		{ numRuns: 2000 },
	);
});
