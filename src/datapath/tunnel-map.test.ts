import { expect, test } from 'vitest';
import { tunnelEntry } from './tunnel-map.ts';

function hexadecimal(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('hex');
}

const ipv4 = { source: '10.11.2.2', destination: '10.11.2.1' };
const ipv6 = { source: 'fc00:dead:cafe:2::2', destination: 'fc00:dead:cafe:2::1' };

const valueIpv4 = `0a0b0202${'0'.repeat(24)}0a0b0201${'0'.repeat(24)}0240` + '0000';
const valueIpv6 = `fc00deadcafe00020000000000000002fc00deadcafe000200000000000000010aff0000`;

test.each([
	['10.11.1.0/24', 'tunnels_ipv4', '180000000a0b0100'],
	['0.0.0.0/0', 'tunnels_ipv4', '0000000000000000'],
	['192.0.2.1/32', 'tunnels_ipv4', '20000000c0000201'],
	['fc00:dead:cafe:1::/64', 'tunnels_ipv6', '40000000fc00deadcafe00010000000000000000'],
	['::/0', 'tunnels_ipv6', `00000000${'0'.repeat(32)}`],
	['2001:db8::1/128', 'tunnels_ipv6', '8000000020010db8000000000000000000000001'],
] as const)('the key of %s', (match, map, key) => {
	const entry = tunnelEntry({ match, encapsulation: 'ip', ...ipv4 });
	expect({ map: entry.map, key: hexadecimal(entry.key) }).toEqual({ map, key });
});

test('the value is of the outer family, whatever the inner is', () => {
	for (const match of ['10.11.1.0/24', 'fc00:dead:cafe:1::/64']) {
		expect(hexadecimal(tunnelEntry({ match, encapsulation: 'ip', ...ipv4 }).value)).toBe(valueIpv4);
		const six = tunnelEntry({ match, encapsulation: 'ip', ...ipv6, ttl: 255 });
		expect(hexadecimal(six.value)).toBe(valueIpv6);
	}
});

test('a tunnel that cannot be is refused before there is an entry', () => {
	const refused = { match: '10.11.1.0/24', encapsulation: 'ip', ...ipv4, ttl: 0 } as const;
	expect(() => tunnelEntry(refused)).toThrow(expect.objectContaining({ code: 'EF_INPUT' }));
});
