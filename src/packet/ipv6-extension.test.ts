import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo, damaged, fragmentExtension, ipv6Extensions } from '../../test/packet/arbitraries.ts';
import type { Ipv6Extension } from './ipv6-extension.ts';
import { decodeIpv6Extensions, encodeIpv6Extensions } from './ipv6-extension.ts';

test('the bytes of a chain', () => {
	const extensions: readonly Ipv6Extension[] = [
		{ type: 'hop-by-hop', body: Uint8Array.of(5, 2, 0, 0, 1, 0) },
		{ type: 'routing', body: new Uint8Array(14) },
		{ type: 'fragment', offset: 1448, moreFragments: true, identification: 0xdeadbeef },
	];
	const { nextHeader, payload } = encodeIpv6Extensions({
		extensions,
		protocol: 58,
		payload: Uint8Array.of(9),
	});
	expect(nextHeader).toBe(0);
	expect(Buffer.from(payload).toString('hex')).toBe(
		`2b00050200000100${`2c01${'00'.repeat(14)}`}3a0005a9deadbeef09`,
	);
});

test('decode gives back what encode took', () => {
	fc.assert(
		fc.property(ipv6Extensions, bytesUpTo(40), (extensions, payload) => {
			const chain = { extensions, protocol: 58, payload };
			const encoded = encodeIpv6Extensions(chain);
			expect(decodeIpv6Extensions(encoded.nextHeader, encoded.payload)).toEqual(chain);
		}),
	);
});

test('the walk ends at a fragment that is not the first', () => {
	fc.assert(
		fc.property(fragmentExtension, bytesUpTo(40), (fragment, payload) => {
			const chain = { extensions: [{ ...fragment, offset: 8 }], protocol: 60, payload };
			const encoded = encodeIpv6Extensions(chain);
			expect(decodeIpv6Extensions(encoded.nextHeader, encoded.payload)).toEqual(chain);
		}),
	);
});

test('a truncated chain is undefined', () => {
	const extensions = [{ type: 'destination options', body: new Uint8Array(14) }] as const;
	const { payload } = encodeIpv6Extensions({ extensions, protocol: 59, payload: new Uint8Array() });
	for (let length = 0; length < payload.length; length++)
		expect(decodeIpv6Extensions(60, payload.subarray(0, length))).toBeUndefined();
});

test('a body that does not fit is refused', () => {
	for (const length of [0, 5, 7, 2047, 2054]) {
		const extensions = [{ type: 'routing', body: new Uint8Array(length) }] as const;
		expect(() => encodeIpv6Extensions({ extensions, protocol: 59, payload: new Uint8Array() })).toThrow(
			'8 up to',
		);
	}
});

test('decode never throws', () => {
	const chains = ipv6Extensions.map(
		(extensions) => encodeIpv6Extensions({ extensions, protocol: 60, payload: new Uint8Array(8) }).payload,
	);
	fc.assert(
		fc.property(fc.constantFrom(0, 43, 44, 60, 6), damaged(chains), (nextHeader, bytes) => {
			decodeIpv6Extensions(nextHeader, bytes);
		}),
		{ numRuns: 5000 },
	);
});
