import { expect, test } from 'vitest';
import { formatIpv6 } from '../../../../packet/address.ts';
import type { Device, Host } from '../../../../scenario/scenario.ts';
import { parseKernel } from '../../kernel.ts';
import { parseAddress } from '../core/address.ts';
import { deviceNamed, prepareNet } from '../core/net.ts';
import { ipv6DevGetSaddr } from './source-address.ts';

const device = (index: number, ...addresses: string[]): Device => ({
	mac: `02:00:00:00:0${index}:02`,
	addresses,
});
const host: Host = {
	devices: {
		lo: { mac: '00:00:00:00:00:00', addresses: ['2001:db8:9::1/128'] },
		veth0: device(0, 'fc00::2/64', 'fc00::5/64', '2001:db8:1::2/64'),
		veth1: device(1, '2002:a::1/64', '2001:db8:2::2/48', '2001:0:5::1/64'),
		veth2: device(2),
	},
	neighbours: [],
	sysctls: {},
};
const nobody: Host = { devices: {}, neighbours: [], sysctls: {} };
const net = prepareNet(host, nobody, [], 'router', parseKernel('6.18.0'));

// What `ip -6 route get TO` says on Linux 6.18 of a host with these addresses.
test.each([
	['fc00::9', 'veth0', 'fc00::5'], // the newest of equals
	['fc00::2', 'veth0', 'fc00::2'],
	['fc12::9', 'veth2', 'fc00::5'], // a unique local one, though the device has none
	['2001:db8:1:77::1', 'veth2', '2001:db8:1::2'],
	['2001:db8:2:5::1', 'veth1', '2001:db8:2::2'],
	['2001:db8:5::1', 'veth0', '2001:db8:1::2'],
	['2002:b::1', 'veth2', '2002:a::1'], // 6to4
	['2001:0:7::1', 'veth2', '2001:0:5::1'], // Teredo
	['2001:db8:9::9', 'veth0', '2001:db8:1::2'], // the device comes before the prefix
	['2600::1', 'veth2', '2001:db8:9::1'], // of the loopback device, which comes first
	['fe80::9', 'veth1', 'fe80::ff:fe00:102'],
	['ff02::1', 'veth0', 'fe80::ff:fe00:2'],
	['ff05::1', 'veth0', '2001:db8:1::2'],
	['ff0e::1', 'veth1', '2001:db8:2::2'],
])('to %s by %s from %s', (to, name, from) => {
	const source = ipv6DevGetSaddr(net, deviceNamed(net, name), parseAddress(to).bytes);
	expect(source && formatIpv6(source)).toBe(from);
});
