import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipv4Address, ipv6Address } from '../../test/packet/arbitraries.ts';
import { formatIp, maskBytes, parseIp } from '../packet/address.ts';
import { isNetwork, isWithin, scanIp } from './scan-address.ts';

const nearlyAddress = fc.oneof(
	fc.oneof(ipv4Address, ipv6Address).map(formatIp),
	ipv6Address.map((bytes) =>
		Buffer.from(bytes)
			.toString('hex')
			.replace(/(....)(?!$)/g, '$1:'),
	),
	fc
		.array(fc.constantFrom('', '0', '00', '1', 'ff', 'FFFF', '12345', 'g', '255', '256', '1.2.3.4', ' '), {
			minLength: 1,
			maxLength: 10,
		})
		.chain((parts) => fc.constantFrom('.', ':').map((separator) => parts.join(separator))),
	fc.string({ unit: fc.constantFrom(...'0123456789abF:.') }),
);

test('reads what parseIp reads, for the same bytes, and writes nothing behind them', () => {
	fc.assert(
		fc.property(nearlyAddress, (text) => {
			const bytes = new TextEncoder().encode(`<${text}>`);
			const into = new Uint8Array(40).fill(0xee);
			const length = scanIp(bytes, 1, bytes.length - 1, into, 8);
			const expected = parseIp(text)?.bytes;
			expect(length).toBe(expected?.length ?? 0);
			if (expected) expect(into.subarray(8, 8 + length)).toEqual(expected);
			expect(into.subarray(0, 8)).toEqual(new Uint8Array(8).fill(0xee));
			expect(into.subarray(24)).toEqual(new Uint8Array(16).fill(0xee));
		}),
		{ numRuns: 5000 },
	);
});

test('networks, and what is within them, are what masks say', () => {
	fc.assert(
		fc.property(ipv6Address, fc.nat(128), fc.nat(127), (address, length, flipped) => {
			const network = maskBytes(address, length);
			expect(isNetwork(address, 0, length, 128)).toBe(Buffer.from(address).equals(network));
			expect(isNetwork(network, 0, length, 128)).toBe(true);
			expect(isWithin(network, 0, address, 0, length)).toBe(true);
			const other = address.slice();
			other[flipped >> 3] = (other[flipped >> 3] ?? 0) ^ (0x80 >> (flipped & 7));
			expect(isWithin(network, 0, other, 0, length)).toBe(flipped >= length);
		}),
	);
});
