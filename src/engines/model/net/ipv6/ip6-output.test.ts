import { expect, test } from 'vitest';
import {
	endOf,
	hostMac,
	macBytes,
	type PacketOptions,
	type RouterOptions,
	send,
} from '../../../../../test/support/router.ts';

const from = 'fc00::1';
const to = 'fc00:0:0:1::1';
const through = 'forwarded host1';

const allOff = { 'net.ipv6.conf.all.forwarding': 0 };

const cases: readonly [
	what: string,
	packet: Partial<PacketOptions>,
	options: RouterOptions,
	end: string,
	icmp: string,
][] = [
	['plain', {}, {}, through, ''],
	['from another link: nobody validates sources', { from: 'fc00:0:0:1::9' }, {}, through, ''],
	['from the router’s own address', { from: 'fc00:0:0:1::2' }, {}, through, ''],
	['hop limit 1', { ttl: 1 }, {}, 'IP_INHDR ip6_forward ttl-expired', '3/0'],
	['forwarding off', {}, { sysctls: allOff }, 'IP_INADDRERRORS ip6_forward forwarding-off', ''],
	[
		'off for the device alone, which nobody asks',
		{},
		{ sysctls: { 'net.ipv6.conf.veth0.forwarding': 0 } },
		through,
		'',
	],
	['forced', {}, { sysctls: { ...allOff, 'net.ipv6.conf.veth0.force_forwarding': 1 } }, through, ''],
	[
		'forced before there was such a thing',
		{},
		{ sysctls: { ...allOff, 'net.ipv6.conf.veth0.force_forwarding': 1 }, kernel: '6.16.0' },
		'IP_INADDRERRORS ip6_forward forwarding-off',
		'',
	],
	['link-local source', { from: 'fe80::9' }, {}, 'IP_INADDRERRORS ip6_forward source-invalid', '1/2'],
	['unspecified source', { from: '::' }, {}, 'IP_INADDRERRORS ip6_forward source-invalid', ''],
	['loopback source', { from: '::1' }, {}, 'IP_INHDR ip6_rcv_core loopback-address', ''],
	['multicast source', { from: 'ff02::9' }, {}, 'IP_INHDR ip6_rcv_core source-invalid', ''],
	['no route', { to: '2001:db8::1' }, {}, 'IP_INNOROUTES ip6_pkt_discard no-route', '1/0'],
	[
		'IPv6 off on the device',
		{},
		{ sysctls: { 'net.ipv6.conf.veth0.disable_ipv6': 1 } },
		'IPV6DISABLED ip6_rcv_core ipv6-disabled',
		'',
	],
	[
		'too long for the device',
		{ bytes: 1400 },
		{ devices: { veth1: { mtu: 1300 } } },
		'PKT_TOO_BIG ip6_forward too-big',
		'2/0',
	],
	[
		'too long for another’s Ethernet address',
		{ mac: '02:00:00:00:00:77' },
		{},
		'OTHERHOST ip6_rcv_core wrong-mac',
		'',
	],
	['to the router', { to: 'fc00::2' }, {}, 'NO_SOCKET __udp6_lib_rcv no-receiver', '1/4'],
	[
		'to the subnet routers’ anycast address',
		{ to: 'fc00:0:0:1::' },
		{},
		'NO_SOCKET __udp6_lib_rcv no-receiver',
		'1/4',
	],
	[
		'to that address of a device that is down',
		{ to: 'fc00:0:0:1::' },
		{ devices: { veth1: { up: false } } },
		'NO_SOCKET __udp6_lib_rcv no-receiver',
		'1/4',
	],
	['to a group nobody is in', { to: 'ff05::77' }, {}, 'NOT_SPECIFIED ip6_mc_input destination-invalid', ''],
];

test.each(cases)('%s', (_, packet, options, end, icmp) => {
	const journey = send({ from, to, ...packet }, options);
	const { type, code } = journey.traces?.icmp ?? {};
	expect(endOf(journey)).toBe(end);
	expect(type === undefined ? '' : `${type}/${code}`).toBe(icmp);
});

test.each([
	['blackhole', 'NOT_SPECIFIED dst_discard_out route-blackhole'],
	['unreachable', 'IP_INNOROUTES ip6_pkt_discard route-unreachable'],
	['prohibit', 'IP_INNOROUTES ip6_pkt_prohibit route-prohibit'],
	['throw', 'IP_INNOROUTES ip6_pkt_discard no-route'],
] as const)('a route of type %s', (type, end) => {
	const routes = [{ family: 'ipv6', destination: '2001:db8::/32', type }] as const;
	expect(endOf(send({ from, to: '2001:db8::1' }, { routes }))).toBe(end);
});

test('only a locked MTU of a route counts when forwarding; any, when sending', () => {
	const route = {
		family: 'ipv6',
		destination: '2001:db8::/32',
		nextHops: [{ device: 'veth1', via: to }],
		mtu: 1300,
	} as const;
	const long = { from, to: '2001:db8::1', bytes: 1300 };
	expect(endOf(send(long, { routes: [route] }))).toBe('NOT_SPECIFIED ip6_fragment too-big');
	expect(endOf(send(long, { routes: [{ ...route, mtuLocked: true }] }))).toBe(
		'PKT_TOO_BIG ip6_forward too-big',
	);
});

test('what is forwarded has one hop less and the next hop’s Ethernet address, found out by asking', () => {
	const { outcome, sightings } = send({ from, to });
	if (outcome.kind !== 'forwarded') throw new Error(outcome.kind);
	expect(outcome.frame[21]).toBe(63);
	expect(outcome.frame.subarray(0, 6)).toEqual(macBytes(hostMac.host1));
	expect(sightings.filter(({ packet }) => !packet)).toHaveLength(3);
});

test('rules without the table local send the neighbour’s answer astray', () => {
	const rules = [{ family: 'ipv6', priority: 1, action: 'lookup', table: 254 }] as const;
	expect(endOf(send({ from, to }, { rules }))).toBe('NOT_SPECIFIED neigh_invalidate neighbour-failed');
});

test('routes for some sources, and then for any', () => {
	const near = { device: 'veth0', via: from };
	const far = { device: 'veth1', via: to };
	const routes = [
		{ family: 'ipv6', destination: '2001:db8::/32', nextHops: [far] },
		{ family: 'ipv6', destination: '2001:db8::/32', from: 'fc00::/64', nextHops: [near] },
	] as const;
	expect(endOf(send({ from, to: '2001:db8::1' }, { routes }))).toBe('forwarded host0');
	expect(endOf(send({ from: 'fc00:9::1', to: '2001:db8::1' }, { routes }))).toBe(
		'IP_INNOROUTES ip6_pkt_discard no-route',
	);
});

test('of routes with one metric that of the ingress device is taken; of gateways any', () => {
	const routes = (via: boolean) =>
		[
			['veth1', to],
			['veth0', from],
		].map(([device = '', address = '']) => ({
			family: 'ipv6' as const,
			destination: '2001:db8::/32',
			nextHops: [{ device, ...(via ? { via: address } : {}) }],
		}));
	const neighbours = [{ device: 'veth0', address: '2001:db8::1', mac: hostMac.host0 }];
	expect(endOf(send({ from, to: '2001:db8::1' }, { routes: routes(false), neighbours }))).toBe(
		'forwarded host0',
	);
	const journey = send({ from, to: '2001:db8::1' }, { routes: routes(true) });
	expect(
		[journey.outcome, ...(journey.alternatives ?? [])].map(
			(outcome) => outcome.kind === 'forwarded' && outcome.device,
		),
	).toEqual(['host1', 'host0']);
});
