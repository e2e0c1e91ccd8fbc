import { expect, test } from 'vitest';
import { addressBytes, cellOf } from '../../test/support/journeys.ts';
import { onLinkDevice, ownerOf } from './addresses.ts';
import { exampleScenario } from './example.ts';

const { router } = exampleScenario(cellOf(), new Uint8Array(8));

test.each([
	['10.11.1.2', 'veth0', 'veth0'],
	['10.11.2.2', 'veth1', 'veth1'],
	['10.11.2.77', undefined, 'veth1'],
	['10.11.1.255', undefined, 'veth0'],
	['192.0.2.1', undefined, undefined],
	['fc00:dead:cafe:2::2', 'veth1', 'veth1'],
	['fc00:dead:cafe:1::77', undefined, 'veth0'],
	['fc00:dead:cafe:3::1', undefined, undefined],
	['::', undefined, undefined],
	['0.0.0.0', undefined, undefined],
])('%s is owned by %s and on the link of %s', (address, owner, link) => {
	expect(ownerOf(router, addressBytes(address))).toBe(owner);
	expect(onLinkDevice(router, addressBytes(address))).toBe(link);
});

test('families are not mixed up by equal bytes, and a /32 has no link of others', () => {
	const host = {
		devices: {
			a: { mac: '02:00:00:00:00:01', addresses: ['10.0.0.1/32', '10.1.0.1/0'] },
			b: { mac: '02:00:00:00:00:02', addresses: ['a00:1::/128'] },
		},
		neighbours: [],
		sysctls: {},
	};
	expect(ownerOf(host, addressBytes('a00:1::'))).toBe('b');
	expect(ownerOf(host, addressBytes('10.0.0.1'))).toBe('a');
	expect(onLinkDevice(host, addressBytes('8.8.8.8'))).toBe('a');
	expect(onLinkDevice(host, addressBytes('a00:2::'))).toBeUndefined();
});
