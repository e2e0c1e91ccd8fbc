import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesUpTo, damaged, icmpv6Header, mac } from '../../test/packet/arbitraries.ts';
import { concatenate } from './bytes.ts';
import {
	decodeIcmpv6,
	encodeIcmpv6,
	encodeLinkLayerOption,
	findLinkLayerOption,
	linkLayerOption,
	neighbourFlag,
} from './icmpv6.ts';

const addresses = { source: new Uint8Array(16), destination: new Uint8Array(16) };

test('the bytes, checksum included', () => {
	const echo = encodeIcmpv6({ type: 128, code: 0, identifier: 7, sequence: 1 }, new Uint8Array(), addresses);
	// ~(0x8000 + 7 + 1 + length 8 + next header 58)
	expect(Buffer.from(echo).toString('hex')).toBe('80007fb500070001');
	const flags = neighbourFlag.solicited | neighbourFlag.override;
	const target = new Uint8Array(16).fill(0x11);
	const advertisement = encodeIcmpv6({ type: 136, code: 0, flags, target }, new Uint8Array(), addresses);
	expect(Buffer.from(advertisement.subarray(4)).toString('hex')).toBe(`60000000${'11'.repeat(16)}`);
});

test('decode gives back what encode took', () => {
	fc.assert(
		fc.property(icmpv6Header, bytesUpTo(40), (header, payload) => {
			expect(decodeIcmpv6(encodeIcmpv6(header, payload, addresses))).toEqual({ header, payload });
		}),
	);
});

test('a truncated header is undefined, that of neighbour discovery before its target ends', () => {
	expect(decodeIcmpv6(new Uint8Array(7))).toBeUndefined();
	expect(decodeIcmpv6(Uint8Array.of(135, ...new Uint8Array(22)))).toBeUndefined();
	expect(decodeIcmpv6(Uint8Array.of(135, ...new Uint8Array(23)))).toBeDefined();
});

test('the link-layer option is found behind others', () => {
	fc.assert(
		fc.property(mac, (address) => {
			const option = encodeLinkLayerOption(linkLayerOption.target, address);
			const nonce = Uint8Array.of(14, 1, 0, 0, 0, 0, 0, 0);
			expect(findLinkLayerOption(concatenate([nonce, option]), linkLayerOption.target)).toEqual(address);
			expect(findLinkLayerOption(option, linkLayerOption.source)).toBeUndefined();
		}),
	);
	expect(findLinkLayerOption(new Uint8Array(16), 1)).toBeUndefined();
});

test('decode and the search for options never throw', () => {
	const messages = icmpv6Header.map((header) => encodeIcmpv6(header, new Uint8Array(8), addresses));
	fc.assert(
		fc.property(damaged(messages), (bytes) => {
			decodeIcmpv6(bytes);
			findLinkLayerOption(bytes, 1);
		}),
		{ numRuns: 2000 },
	);
});
