import { expect, test } from 'vitest';
import { datapathDevices } from './device-facts.ts';
import type { Device } from './devices.ts';

function device(index: number, name: string, more: Partial<Device> = {}): Device {
	return { index, name, ethernet: true, mac: `02:00:00:00:00:0${index}`, addresses: [], ...more };
}

const host = [
	device(2, 'eth0', { addresses: ['192.0.2.1', '2001:db8::1', '192.0.2.9'] }),
	device(3, 'veth0', { kind: 'veth' }),
	device(4, 'tun0', { kind: 'tun', ethernet: false, mac: '' }),
];

test('what the kernel says of each device, and what holds for those it does not know', () => {
	expect(datapathDevices(host, new Set([2]), ['eth0'], undefined)).toEqual([
		{ index: 0, xdp: false, egress: true },
		{
			index: 2,
			address: Uint8Array.of(2, 0, 0, 0, 0, 2),
			xdp: true,
			egress: true,
			unfinished: false,
			ipv4: Uint8Array.of(192, 0, 2, 1),
			ipv6: Uint8Array.from([0x20, 1, 0x0d, 0xb8, ...Array(11).fill(0), 1]),
		},
		{ index: 3, address: Uint8Array.of(2, 0, 0, 0, 0, 3), xdp: false, egress: true, unfinished: true },
		{ index: 4, xdp: false, egress: true, unfinished: true },
	]);
});

test('packets may leave by the devices of a list, and by no other, also not by one that comes later', () => {
	const facts = datapathDevices(host, undefined, ['eth0'], ['veth0']);
	expect(facts.map(({ index, xdp, egress }) => [index, xdp, egress])).toEqual([
		[0, false, false],
		[2, false, false],
		[3, false, true],
		[4, false, false],
	]);
});

test('of more devices than there is room for, those that matter are told', () => {
	const many = Array.from({ length: 5000 }, (_, number) => device(number + 10, `d${number}`));
	const facts = datapathDevices([...many, ...host], new Set([3]), ['eth0'], ['tun0']);
	expect(facts).toHaveLength(4096);
	expect(facts.slice(0, 4).map(({ index }) => index)).toEqual([0, 2, 3, 4]);
});
