import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Datapath, loadDatapath } from '../../src/datapath/datapath.ts';
import { testRun } from '../../src/kernel/test-run.ts';
import { formatPrefix, maskBytes, parsePrefix, prefixContains } from '../../src/packet/address.ts';
import type { Tunnel } from '../../src/tunnel/tunnel.ts';
import { requires } from '../needs.ts';
import { addressBytes, ipFrame } from '../support/journeys.ts';

/** Addresses that have long beginnings in common, and none that stay on their link. */
const anyAddress = fc
	.tuple(fc.boolean(), fc.array(fc.constantFrom(0, 1, 128, 255), { minLength: 16, maxLength: 16 }))
	.map(([ipv4, bytes]) =>
		ipv4
			? ['10', ...bytes.slice(1, 4)].join('.')
			: `2001:db8:${Array.from({ length: 6 }, (_, word) => (((bytes[word] ?? 0) << 8) | (bytes[word + 6] ?? 0)).toString(16)).join(':')}`,
	);

const anyMatches = fc
	.array(fc.tuple(anyAddress, fc.nat(128)), { minLength: 1, maxLength: 80 })
	.map((list) => [
		...new Set(
			list.map(([address, length]) => {
				const { family, bytes } = parsePrefix(address) ?? { family: 'ipv4', bytes: new Uint8Array(4) };
				const short = Math.min(length, bytes.length * 8);
				return formatPrefix({ family, bytes: maskBytes(bytes, short), length: short });
			}),
		),
	]);

describe('the tunnel with the longest prefix', requires('root'), () => {
	let datapath: Datapath;
	beforeAll(() => {
		datapath = loadDatapath({ hook: 'xdp', forwarding: 'stack', tunnels: 2000 });
	});
	afterAll(() => datapath?.close());

	/** The second half of the outer destination: the number of the tunnel that took it; undefined if none did. */
	const taken = (destination: string): number | undefined => {
		const source = destination.includes(':') ? '2001:db8::99' : '192.0.2.99';
		const data = ipFrame(source, destination);
		const words = new Uint32Array(6);
		words[1] = data.length;
		const program = datapath.programs[0]?.program ?? -1;
		const run = testRun(program, { data, context: new Uint8Array(words.buffer) });
		if (run.data.length === data.length) return undefined;
		const ipv6 = run.data[12] === 0x86;
		const end = 14 + (ipv6 ? 40 : 20);
		return ((run.data[end - 2] ?? 0) << 8) | (run.data[end - 1] ?? 0);
	};
	const longest = (matches: readonly string[], destination: string): number | undefined => {
		let [best, found] = [-1, undefined as number | undefined];
		for (const [number, match] of matches.entries()) {
			const prefix = parsePrefix(match);
			if (prefix === undefined || !prefixContains(prefix, addressBytes(destination))) continue;
			if (prefix.length > best) [best, found] = [prefix.length, number];
		}
		return found;
	};
	const tunnelsOf = (matches: readonly string[]): Tunnel[] =>
		matches.map((match, number) => ({
			match,
			encapsulation: 'ip',
			...(number % 2 === 0
				? { source: '198.51.100.1', destination: `203.0.${number >> 8}.${number & 255}` }
				: { source: 'fd00::1', destination: `fd00:1::${number.toString(16)}` }),
		}));

	test('takes a packet, whatever other prefixes there are, and after any change of them', () => {
		fc.assert(
			fc.property(anyMatches, fc.array(anyAddress, { minLength: 1, maxLength: 30 }), (matches, others) => {
				datapath.setTunnels(tunnelsOf(matches));
				const destinations = [...others, ...matches.map((match) => match.split('/')[0] ?? '')].filter(
					(address) => !/^(0|127|22[4-9]|2[345])\.|^::1?$/.test(address),
				);
				for (const destination of destinations) {
					expect([destination, taken(destination)]).toEqual([destination, longest(matches, destination)]);
				}
			}),
			{ numRuns: 150 },
		);
	});

	test('of a thousand, over many changes, is found each time', () => {
		const match = (number: number): string => `10.${number >> 8}.${number & 255}.0/24`;
		for (const first of [0, 500, 1000, 400, 0]) {
			const matches = Array.from({ length: 1000 }, (_, index) => match(first + index));
			datapath.setTunnels(tunnelsOf(matches));
			for (let number = 0; number < 2100; number += 7) {
				const wanted = number >= first && number < first + 1000 ? number - first : undefined;
				expect([first, number, taken(`10.${number >> 8}.${number & 255}.9`)]).toEqual([
					first,
					number,
					wanted,
				]);
			}
		}
	});
});
