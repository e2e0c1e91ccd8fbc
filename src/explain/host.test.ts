import { expect, test } from 'vitest';
import { hostOf, portMaster } from './host.ts';
import { parseSnapshot } from './parse-snapshot.ts';
import type { IpRoute, IpRule, Snapshot } from './snapshot.ts';

function link(ifname: string, more: object = {}) {
	const flags = ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'];
	return {
		ifname,
		flags,
		mtu: 1500,
		link_type: 'ether',
		address: '02:00:00:00:00:01',
		addr_info: [],
		...more,
	};
}

const standard: readonly IpRule[] = [
	{ priority: 0, src: 'all', table: 'local' },
	{ priority: 32766, src: 'all', table: 'main' },
	{ priority: 32767, src: 'all', table: 'default' },
];

function snapshot(parts: Partial<Snapshot>): Snapshot {
	const sysctls = Object.fromEntries(
		['all', 'eth0'].flatMap((device) =>
			['rp_filter', 'accept_local', 'forwarding'].map((name) => [`net.ipv4.conf.${device}.${name}`, 0]),
		),
	);
	return parseSnapshot(
		JSON.stringify({
			...{ version: 1, kernel: '6.12.1', links: [link('eth0'), link('eth1')], neighbours: [], nextHops: [] },
			...{ routes: { ipv4: [], ipv6: [] }, rules: { ipv4: standard, ipv6: [] }, tables: {}, sockets: [] },
			...{ sysctls: { 'net.ipv4.ip_forward': 0, ...sysctls }, forwarder: null, unknown: [] },
			...parts,
		}),
		'test',
	);
}

function routes(...ipv4: readonly IpRoute[]) {
	const { routes: found } = hostOf(
		snapshot({ routes: { ipv4, ipv6: [] }, nextHops: [{ id: 7, dev: 'eth0' }], tables: { isp: 100 } }),
	);
	return found;
}

test.each<[IpRoute, object]>([
	[
		{ type: 'unicast', dst: 'default', gateway: '10.0.0.1', dev: 'eth0', metric: 100, flags: ['onlink'] },
		{
			destination: '0.0.0.0/0',
			table: 254,
			metric: 100,
			nextHops: [{ device: 'eth0', via: '10.0.0.1', onlink: true }],
		},
	],
	[
		{ dst: '10.9.9.9', dev: 'eth0' },
		{ destination: '10.9.9.9/32', type: 'unicast' },
	],
	[
		{ dst: '4.0.0.0/8', via: { host: 'fe80::1' }, dev: 'eth0' },
		{ nextHops: [{ device: 'eth0', via: 'fe80::1' }] },
	],
	[
		{
			dst: '1.2.5.0/24',
			tos: '0x08',
			nexthops: [
				{ gateway: '10.0.0.1', dev: 'eth0', weight: 3 },
				{ dev: 'eth1', weight: 1 },
			],
		},
		{
			tos: 8,
			nextHops: [
				{ device: 'eth0', via: '10.0.0.1', weight: 3 },
				{ device: 'eth1', weight: 1 },
			],
		},
	],
	[{ dst: '1.2.3.0/24', nhid: 7, dev: 'eth0' }, { nextHopObject: 7 }],
	[
		{ type: 'throw', dst: '5.5.6.0/24', table: 'isp' },
		{ type: 'throw', table: 100 },
	],
	[{ dst: '7.7.7.7', dev: 'eth0', metrics: [{ mtu: 1400 }] }, { mtu: 1400 }],
	[{ dst: '9.9.9.9', dev: 'eth0', encap: 'ip' }, { lightweightTunnel: true }],
	[
		{ type: 'local', dst: '10.0.0.2', dev: 'eth0', table: 'local', protocol: 'kernel', prefsrc: '10.0.0.2' },
		{ kernel: true, source: '10.0.0.2', table: 255 },
	],
])('a route %j', (route, expected) => {
	expect(routes(route)).toEqual([expect.objectContaining({ family: 'ipv4', ...expected })]);
});

test('a route that refuses leads nowhere, whatever device IPv6 shows', () => {
	const ipv6 = [{ type: 'blackhole', dst: '2001:db8::/32', dev: 'eth0', metric: 1024 }];
	const [route] = hostOf(snapshot({ routes: { ipv4: [], ipv6 } })).routes ?? [];
	expect(route).toMatchObject({ family: 'ipv6', type: 'blackhole', destination: '2001:db8::/32' });
	expect(route).not.toHaveProperty('nextHops');
});

test.each<[IpRule, object | undefined]>([
	[
		{ priority: 5, src: 'all', fwmark: '0x80000', fwmask: '0xff0000', table: 'main' },
		{ mark: 0x80000, markMask: 0xff0000, table: 254 },
	],
	[
		{ priority: 5, src: '10.0.0.0', srclen: 8, dst: '10.1.0.1', table: '52' },
		{ from: '10.0.0.0/8', to: '10.1.0.1/32', table: 52 },
	],
	[
		{ priority: 5, not: null, src: 'all', iif: 'eth0', oif: 'eth1', table: '52' },
		{ invert: true, iif: 'eth0', oif: 'eth1' },
	],
	[
		{ priority: 5, src: 'all', ipproto: 'tcp', dport: 80, sport_start: 1, sport_end: 3, table: '52' },
		{ protocol: 6, destinationPorts: [80, 80], sourcePorts: [1, 3] },
	],
	[
		{ priority: 5, src: 'all', ipproto: 'ipproto-132', tos: 'AF11', table: '52' },
		{ protocol: 132, tos: 0x28 },
	],
	[{ priority: 5, src: 'all', dscp: '8', table: '52' }, { tos: 32 }],
	[{ priority: 5, src: 'all', action: 'prohibit' }, { action: 'prohibit' }],
	[
		{ priority: 5, src: 'all', goto: 32766 },
		{ action: 'goto', goto: 32766 },
	],
	[{ priority: 5, src: 'all', nop: null }, { action: 'nop' }],
	[
		{ priority: 5, src: 'all', l3mdev: null },
		{ action: 'lookup', vrf: true },
	],
	[{ priority: 5, src: 'all', table: '52', suppress_prefixlen: 0 }, { suppressPrefixLength: 0 }],
	[{ priority: 5, src: 'all', table: '52', uid_start: 1000 }, undefined],
	[{ priority: 5, src: 'all', table: '52', tun_id: 7 }, undefined],
])('a rule %j', (rule, expected) => {
	const host = hostOf(snapshot({ rules: { ipv4: [rule, ...standard], ipv6: [] } }));
	const own = host.rules?.filter(({ priority }) => priority === 5);
	expect(own).toEqual(
		expected === undefined ? [] : [expect.objectContaining({ family: 'ipv4', ...expected })],
	);
	expect(host.everHadRules).toBe(true);
});

test('what cannot be known of the rules is not said', () => {
	const local = { type: 'local', dst: '10.0.0.0/8', dev: 'eth0', table: '100', protocol: 'static' };
	expect(hostOf(snapshot({}))).not.toHaveProperty('everHadRules');
	expect(hostOf(snapshot({ routes: { ipv4: [local], ipv6: [] } })).everHadRules).toBe(true);
	expect(hostOf(snapshot({ rules: { ipv4: standard.slice(1), ipv6: [] } })).everHadRules).toBe(true);
});

test('devices of every kind: down, without carrier, without Ethernet, of a VRF', () => {
	const vrf = { linkinfo: { info_kind: 'vrf', info_data: { table: 10 } } };
	const { devices, vrfs, sysctls } = hostOf(
		snapshot({
			links: [
				link('down', { flags: ['BROADCAST'] }),
				link('cable', { flags: ['NO-CARRIER', 'BROADCAST', 'UP'] }),
				link('wg0', {
					flags: ['POINTOPOINT', 'NOARP', 'UP', 'LOWER_UP'],
					link_type: 'none',
					address: undefined,
					mtu: 1420,
				}),
				link('tunl0', { flags: ['NOARP', 'UP', 'LOWER_UP'], link_type: 'ipip', address: '0.0.0.0' }),
				link('red', vrf),
				link('eth0.5', { master: 'red', addr_info: [{ family: 'inet6', local: 'fc00::1', prefixlen: 64 }] }),
			],
		}),
	);
	expect(devices.down).toMatchObject({ up: false, carrier: false });
	expect(devices.cable).toMatchObject({ up: true, carrier: false });
	expect(devices.wg0).toMatchObject({
		mac: '00:00:00:00:00:00',
		arp: false,
		mtu: 1420,
		up: true,
		carrier: true,
	});
	expect(devices.tunl0).toMatchObject({ mac: '00:00:00:00:00:00', arp: false });
	expect(devices['eth0.5']).toMatchObject({ vrf: 'red', addresses: ['fc00::1/64'] });
	expect(devices.cable).not.toHaveProperty('arp');
	expect(vrfs).toEqual({ red: 10 });
	expect(sysctls['net.ipv6.conf.eth0/5.addr_gen_mode']).toBe(1);
});

test('frames of a port are those of its bridge or bond, not those of a VRF', () => {
	const links = [
		link('br0', { linkinfo: { info_kind: 'bridge' } }),
		link('veth1', { master: 'br0', linkinfo: { info_kind: 'veth', info_slave_kind: 'bridge' } }),
		link('red', { linkinfo: { info_kind: 'vrf', info_data: { table: 10 } } }),
		link('eth1', { master: 'red', linkinfo: { info_slave_kind: 'vrf' } }),
		link('bond0', { linkinfo: { info_kind: 'bond' } }),
		link('eth2', { master: 'bond0' }),
	];
	const state = snapshot({ links });
	expect(['br0', 'veth1', 'eth1', 'eth2'].map((name) => portMaster(state, name))).toEqual([
		...[undefined, 'br0', undefined, 'bond0'],
	]);
});

test('neighbours keep their states; one without an Ethernet address has none', () => {
	const neighbours = [
		{ dst: '10.0.0.1', dev: 'eth0', lladdr: '02:00:00:00:00:09', state: ['STALE'] },
		{ dst: '10.0.0.2', dev: 'eth0', state: ['FAILED'] },
		{ dst: '10.0.0.3', dev: 'eth0', lladdr: '10.1.1.1', state: ['NOARP'] },
	];
	expect(hostOf(snapshot({ neighbours })).neighbours).toEqual([
		{ device: 'eth0', address: '10.0.0.1', mac: '02:00:00:00:00:09', state: 'stale' },
		{ device: 'eth0', address: '10.0.0.2', state: 'failed' },
		{ device: 'eth0', address: '10.0.0.3', state: 'noarp' },
	]);
});

test('addresses stand in the order in which they were given', () => {
	const addr_info = ['10.0.0.1', '10.0.0.2', 'fd00::2', 'fd00::1', 'fe80::1'].map((local) => ({
		...{ family: local.includes(':') ? 'inet6' : 'inet', local, prefixlen: local.includes(':') ? 64 : 24 },
	}));
	expect(hostOf(snapshot({ links: [link('eth0', { addr_info })] as never })).devices.eth0?.addresses).toEqual(
		['10.0.0.1', '10.0.0.2', 'fe80::1', 'fd00::1', 'fd00::2'].map((address) =>
			address.includes(':') ? `${address}/64` : `${address}/24`,
		),
	);
});
