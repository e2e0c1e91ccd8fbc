import fc from 'fast-check';
import { Address4, Address6 } from 'ip-address';
import { expect, test } from 'vitest';
import { ipv4Address, ipv6Address, mac } from '../../test/packet/arbitraries.ts';
import {
	formatIp,
	formatIpv6,
	formatMac,
	formatPrefix,
	parseIp,
	parseIpv4,
	parseIpv6,
	parseMac,
	parsePrefix,
	prefixContains,
	prefixProblem,
} from './address.ts';

/** Text that is nearly an address: pieces of addresses in any order. */
const ipv4Like = fc
	.array(
		fc.oneof(
			fc.nat(300).map(String),
			fc.nat(255).map(String),
			fc.constantFrom('', '00', '01', '0x1', '1e1', ' 1', '-1', '٣'),
		),
		{ minLength: 3, maxLength: 5 },
	)
	.map((parts) => parts.join('.'));
const ipv6Like = fc
	.array(
		fc.oneof(
			{ weight: 4, arbitrary: fc.nat(0xffff).map((word) => word.toString(16)) },
			{ weight: 2, arbitrary: fc.constant('') },
			{ weight: 1, arbitrary: fc.constantFrom('0', 'ABCD', '00001', 'g', '1.2.3.4', '1.2.3', '01.2.3.4') },
		),
		{ minLength: 1, maxLength: 10 },
	)
	.map((parts) => parts.join(':'));

test('ip-address takes the IPv4 text that parseIpv4 takes, for the same bytes', () => {
	fc.assert(
		fc.property(fc.oneof(ipv4Like, ipv4Address.map(formatIp)), (text) => {
			const bytes = parseIpv4(text);
			expect(bytes !== undefined).toBe(Address4.isValid(text));
			if (bytes) expect([...bytes]).toEqual(new Address4(text).toArray());
		}),
		{ numRuns: 2000 },
	);
});

test('ip-address takes the IPv6 text that parseIpv6 takes, for the same bytes', () => {
	fc.assert(
		fc.property(fc.oneof(ipv6Like, ipv6Address.map(formatIp)), (text) => {
			const bytes = parseIpv6(text);
			expect(bytes !== undefined).toBe(Address6.isValid(text));
			if (bytes) expect([...bytes]).toEqual(paddedTo16(new Address6(text).toUnsignedByteArray()));
		}),
		{ numRuns: 5000 },
	);
});

function paddedTo16(bytes: readonly number[]): number[] {
	return [...new Array<number>(16 - bytes.length).fill(0), ...bytes];
}

test('formatIpv6 writes what ip-address calls the correct form', () => {
	fc.assert(
		fc.property(ipv6Address, (bytes) => {
			const address = Address6.fromUnsignedByteArray([...bytes]);
			const text = formatIpv6(bytes);
			if (text.includes('.')) expect(text).toMatch(/^::ffff:\d+\.\d+\.\d+\.\d+$/);
			else expect(text).toBe(address.correctForm());
			expect(parseIpv6(text)).toEqual(bytes);
		}),
		{ numRuns: 2000 },
	);
});

test('the examples of RFC 5952', () => {
	for (const [text, canonical] of [
		['2001:0db8::0001', '2001:db8::1'],
		['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
		['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
		['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
		['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
		['2001:DB8::A', '2001:db8::a'],
		['::ffff:c000:0201', '::ffff:192.0.2.1'],
		['0:0:0:0:0:0:0:0', '::'],
		['1::', '1::'],
	] as const)
		expect(formatIp(parseIpv6(text) ?? new Uint8Array(4))).toBe(canonical);
});

test('text that is no IP address', () => {
	for (const text of [
		...['', '1.2.3', '1.2.3.4.', '01.2.3.4', '1.2.3.256', '0x1.2.3.4', '1.2.3.4 ', '1.2.3.4/32', '16909060'],
		...[':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8::', '::12345', 'fe80::1%eth0', '1.2.3.4::'],
		...['::1.2.3', '::1.2.3.4:5', '1:2:3:4:5:6:7:1.2.3.4', '[::1]', '::1/128'],
	])
		expect(parseIp(text), text).toBeUndefined();
});

test('prefixes: read, written, and what is wrong with them', () => {
	for (const [text, canonical] of [
		['10.11.2.0/24', '10.11.2.0/24'],
		['10.11.2.1', '10.11.2.1/32'],
		['0.0.0.0/0', '0.0.0.0/0'],
		['fc00:dead:cafe:1::/64', 'fc00:dead:cafe:1::/64'],
		['FC00::1', 'fc00::1/128'],
		['::/0', '::/0'],
	] as const) {
		const prefix = parsePrefix(text);
		expect(prefix && formatPrefix(prefix)).toBe(canonical);
		expect(prefixProblem(text)).toBeUndefined();
	}
	for (const [text, problem] of [
		['10.11.2.1/24', /the network is 10\.11\.2\.0\/24/],
		['fc00::1/64', /the network is fc00::\/64/],
		['10.11.2.0/33', /prefix length '33' is not a number from 0 to 32/],
		['10.11.2.0/024', /prefix length '024'/],
		['10.11.2.0/', /prefix length ''/],
		['::/129', /from 0 to 128/],
		['10.11.2/24', /'10\.11\.2' is not an IP address/],
		['::/64/64', /prefix length '64\/64'/],
	] as const) {
		expect(parsePrefix(text), text).toBeUndefined();
		expect(prefixProblem(text)).toMatch(problem);
	}
});

test('ip-address says the same of what a prefix contains', () => {
	const ipv4 = fc.tuple(ipv4Address, ipv4Address, fc.nat(32));
	const ipv6 = fc.tuple(ipv6Address, ipv6Address, fc.nat(128));
	fc.assert(
		fc.property(fc.oneof(ipv4, ipv6), fc.nat(), ([bytes, other, length], flipped) => {
			const Address = bytes.length === 4 ? Address4 : Address6;
			const network = new Address(`${formatIp(bytes)}/${length}`).startAddress().correctForm();
			const prefix = parsePrefix(`${network}/${length}`);
			if (prefix === undefined) throw new Error(`${network}/${length} is not read`);
			const near = bytes.slice();
			const bit = flipped % (bytes.length * 8);
			near[bit >> 3] = (near[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
			expect(prefixContains(prefix, bytes)).toBe(true);
			expect(prefixContains(prefix, near)).toBe(bit >= length);
			const inside = new Address(formatIp(other)).isInSubnet(new Address(`${network}/${length}`));
			expect(prefixContains(prefix, other)).toBe(inside);
			expect(prefixContains(prefix, new Uint8Array(bytes.length === 4 ? 16 : 4))).toBe(false);
		}),
		{ numRuns: 2000 },
	);
});

test('Ethernet addresses', () => {
	fc.assert(
		fc.property(mac, (bytes) => {
			expect(formatMac(bytes)).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
			expect(parseMac(formatMac(bytes))).toEqual(bytes);
		}),
	);
	expect(parseMac('AA:bb:0C:00:01:ff')).toEqual(Uint8Array.of(0xaa, 0xbb, 0x0c, 0, 1, 0xff));
	for (const text of [
		'',
		'aa:bb:cc:dd:ee',
		'aa-bb-cc-dd-ee-ff',
		'a:b:c:d:e:f',
		'aabb.ccdd.eeff',
		'ag:bb:cc:dd:ee:ff',
	])
		expect(parseMac(text), text).toBeUndefined();
});
