import { expect, test } from 'vitest';
import { endOf, type RouterOptions, send } from '../../../../../test/support/router.ts';
import type { RouteType } from '../../../../scenario/scenario.ts';

const from = '10.0.0.1';

function routed(type: RouteType): RouterOptions {
	return { routes: [{ family: 'ipv4', destination: '198.51.100.0/24', type }] };
}

/** Destination, router, how it ends, and the ICMP error. */
const cases: readonly [to: string, options: RouterOptions, end: string, icmp: string][] = [
	['10.0.1.1', {}, 'forwarded host1', ''],
	['198.51.100.1', {}, 'IP_INNOROUTES ip_error no-route', '3/0'],
	['198.51.100.1', routed('throw'), 'IP_INNOROUTES ip_error no-route', '3/0'],
	['198.51.100.1', routed('unreachable'), 'NOT_SPECIFIED ip_error route-unreachable', '3/1'],
	['198.51.100.1', routed('prohibit'), 'NOT_SPECIFIED ip_error route-prohibit', '3/13'],
	['198.51.100.1', routed('blackhole'), 'NOT_SPECIFIED ip_error route-blackhole', ''],
	['127.0.0.1', {}, 'IP_LOCALNET ip_rcv_finish_core loopback-address', ''],
	['0.0.0.0', {}, 'IP_INVALID_DEST ip_rcv_finish_core destination-invalid', ''],
	['10.0.0.2', {}, 'NO_SOCKET __udp4_lib_rcv no-receiver', '3/3'],
	['10.0.1.2', {}, 'NO_SOCKET __udp4_lib_rcv no-receiver', '3/3'],
	['10.0.0.2', { sockets: [{ protocol: 17, port: 4321 }] }, 'delivered veth0', ''],
	['224.1.2.3', {}, 'NOT_SPECIFIED ip_rcv_finish_core destination-invalid', ''],
	['255.255.255.255', {}, 'NOT_SPECIFIED __udp4_lib_rcv no-receiver', ''],
	['10.0.1.255', {}, 'NOT_SPECIFIED __udp4_lib_rcv no-receiver', ''],
];

test.each(cases)('to %s with %o', (to, options, end, icmp) => {
	const journey = send({ from, to }, options);
	const { type, code } = journey.traces?.icmp ?? {};
	expect(endOf(journey)).toBe(end);
	expect(type === undefined ? '' : `${type}/${code}`).toBe(icmp);
});

test('forwarding is the ingress device’s own, and comes before source validation', () => {
	const off = { 'net.ipv4.conf.veth0.forwarding': 0, 'net.ipv4.conf.veth0.rp_filter': 1 };
	expect(endOf(send({ from: '192.0.2.1', to: '10.0.1.1' }, { sysctls: off }))).toBe(
		'IP_INADDRERRORS ip_error forwarding-off',
	);
	const egress = { 'net.ipv4.conf.veth1.forwarding': 0 };
	expect(endOf(send({ from, to: '10.0.1.1' }, { sysctls: egress }))).toBe('forwarded host1');
	// Writing all.forwarding or ip_forward sets every device; what a device is set to then counts.
	const on = { 'net.ipv4.ip_forward': 0, 'net.ipv4.conf.veth0.forwarding': 1 };
	expect(endOf(send({ from, to: '10.0.1.1' }, { sysctls: on }))).toBe('forwarded host1');
});

test('of what forwarding off answers, nothing is answered', () => {
	const off = { 'net.ipv4.ip_forward': 0 };
	const { traces } = send({ from, to: '198.51.100.1' }, { sysctls: off });
	expect(traces).toEqual({ counters: ['IpInReceives', 'IpInAddrErrors'] });
});

test.each(['127.0.0.9', '224.0.0.9', '0.0.0.0', '255.255.255.255'])(
	'a packet from %s is refused',
	(source) => {
		expect(endOf(send({ from: source, to: '10.0.1.1' }))).toMatch(
			/^IP_(LOCALNET|INVALID_SOURCE) ip_rcv_finish_core/,
		);
		const before = send({ from: source, to: '10.0.1.1' }, { kernel: '6.12.0' });
		expect(before.outcome).toMatchObject({ reason: 'NOT_SPECIFIED', where: 'ip_rcv_finish_core' });
	},
);

test('route_localnet of all or of the device lets loopback addresses be routed', () => {
	for (const device of ['all', 'veth0']) {
		const sysctls = { [`net.ipv4.conf.${device}.route_localnet`]: 1 };
		expect(endOf(send({ from, to: '127.0.0.1' }, { sysctls }))).toBe('NO_SOCKET __udp4_lib_rcv no-receiver');
	}
});

test('of a multipath route every way is told, for nobody knows the hash', () => {
	const journey = send(
		{ from, to: '198.51.100.1' },
		{
			routes: [
				{
					family: 'ipv4',
					destination: '198.51.100.0/24',
					nextHops: [
						{ device: 'veth1', via: '10.0.1.1' },
						{ device: 'veth0', via: '10.0.0.1' },
					],
				},
			],
		},
	);
	expect(journey.outcome).toMatchObject({ kind: 'forwarded', device: 'host1' });
	expect(journey.alternatives).toMatchObject([{ kind: 'forwarded', device: 'host0' }]);
	const step = journey.steps?.find(({ where }) => where === 'fib_select_multipath');
	expect(step?.text).toMatch(/^one of 2 next hops by a hash/);
});

test('with fib_multipath_use_neigh a next hop that failed is left out', () => {
	const journey = send(
		{ from, to: '198.51.100.1' },
		{
			sysctls: { 'net.ipv4.fib_multipath_use_neigh': 1 },
			neighbours: [{ device: 'veth1', address: '10.0.1.1', state: 'failed' }],
			routes: [
				{
					family: 'ipv4',
					destination: '198.51.100.0/24',
					nextHops: [
						{ device: 'veth1', via: '10.0.1.1' },
						{ device: 'veth0', via: '10.0.0.1' },
					],
				},
			],
		},
	);
	expect(endOf(journey)).toBe('forwarded host0');
	expect(journey.alternatives).toBeUndefined();
});
