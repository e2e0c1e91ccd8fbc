import { expect, test } from 'vitest';
import {
	endOf,
	hostMac,
	macBytes,
	type RouterOptions,
	routerMac,
	send,
} from '../../../../../test/support/router.ts';
import type { Journey } from '../../../../journey/journey.ts';
import { internetChecksum } from '../../../../packet/checksum.ts';
import { dissect } from '../../../../packet/dissect.ts';

const packet = { from: '10.0.0.1', to: '10.0.1.1' };

function frameOf({ outcome }: Journey): Uint8Array {
	return outcome.kind === 'forwarded' ? outcome.frame : new Uint8Array();
}

test('what is forwarded has the next hop’s Ethernet header, one hop less and a right checksum', () => {
	for (const ttl of [2, 64, 255]) {
		const frame = frameOf(send({ ...packet, ttl }));
		expect(frame.subarray(0, 6)).toEqual(macBytes(hostMac.host1));
		expect(frame.subarray(6, 12)).toEqual(macBytes(routerMac.veth1));
		expect(frame[22]).toBe(ttl - 1);
		expect(internetChecksum(frame.subarray(14, 34))).toBe(0);
		expect(dissect(frame).map(({ protocol, checksum }) => `${protocol} ${checksum}`)).toContain('udp good');
	}
});

test.each([0, 1])('a TTL of %i ends here, before the MTU is asked for', (ttl) => {
	const journey = send(
		{ ...packet, ttl, bytes: 1400, dontFragment: true },
		{ devices: { veth1: { mtu: 1000 } } },
	);
	expect(endOf(journey)).toBe('IP_INHDR ip_forward ttl-expired');
	expect(journey.traces?.icmp).toEqual({ type: 11, code: 0, to: '10.0.0.1' });
});

/** The MTU of device and route, with the longest payload that is forwarded unfragmented. */
const mtus: readonly [what: string, options: RouterOptions, mtu: number][] = [
	['the device’s', { devices: { veth1: { mtu: 1000 } } }, 1000],
	[
		'the route’s, locked or not',
		{ routes: [{ family: 'ipv4', destination: '10.0.1.1/32', mtu: 900, nextHops: [{ device: 'veth1' }] }] },
		900,
	],
];

test.each(mtus)('MTU: %s', (_, options, mtu) => {
	const fits = mtu - 28;
	expect(endOf(send({ ...packet, bytes: fits, dontFragment: true }, options))).toBe('forwarded host1');
	const journey = send({ ...packet, bytes: fits + 1, dontFragment: true }, options);
	expect(endOf(journey)).toBe('PKT_TOO_BIG ip_forward too-big');
	expect(journey.traces?.icmp).toEqual({ type: 3, code: 4, to: '10.0.0.1' });
});

test('without DF it goes on in fragments that are whole again together', () => {
	const journey = send({ ...packet, bytes: 1400 }, { devices: { veth1: { mtu: 600 } } });
	const arrived = journey.sightings.filter(({ place }) => place === 'arrived' && true);
	const fragments = arrived
		.filter(({ frame }) => frame[12] === 8 && frame[13] === 0)
		.map(({ frame }) => frame);
	expect(endOf(journey)).toBe('forwarded host1');
	expect(fragments).toHaveLength(3);
	const payload: number[] = [];
	for (const [index, frame] of fragments.entries()) {
		const view = new DataView(frame.buffer, frame.byteOffset + 14);
		expect(frame.length).toBe(14 + view.getUint16(2));
		expect(view.getUint16(2)).toBeLessThanOrEqual(600);
		expect(internetChecksum(frame.subarray(14, 34))).toBe(0);
		expect((view.getUint16(6) & 0x1fff) * 8).toBe(payload.length);
		expect((view.getUint16(6) & 0x2000) !== 0).toBe(index < 2);
		payload.push(...frame.subarray(34));
	}
	expect(payload).toHaveLength(1408);
	expect(payload.slice(8).every((byte) => byte === 0xa5)).toBe(true);
});

test('an unresolved next hop costs three seconds and the packet', () => {
	const journey = send(packet, { far: [] });
	expect(endOf(journey)).toBe('NEIGH_FAILED neigh_invalidate neighbour-failed');
	expect(journey.sightings.at(-1)?.after).toBeGreaterThanOrEqual(3_000_000_000);
	expect(journey.traces?.icmp).toEqual({ type: 3, code: 1, to: '10.0.0.1' });
});

test.each(['permanent', 'noarp', 'reachable', 'stale', 'delay', 'probe'] as const)(
	'a neighbour that is %s is used',
	(state) => {
		const mac = '02:00:00:00:99:99';
		const frame = frameOf(
			send(packet, { neighbours: [{ device: 'veth1', address: '10.0.1.1', mac, state }] }),
		);
		expect(frame.subarray(0, 6)).toEqual(macBytes(mac));
	},
);

test.each(['incomplete', 'failed'] as const)('a neighbour that is %s is asked for', (state) => {
	const journey = send(packet, { neighbours: [{ device: 'veth1', address: '10.0.1.1', state }] });
	expect(frameOf(journey).subarray(0, 6)).toEqual(macBytes(hostMac.host1));
	expect(journey.sightings.filter((sighting) => !sighting.packet).map(({ place }) => place)).toEqual([
		'transmit',
		'arrived',
		'receive',
	]);
});

test('an egress device that is down has no routes; one without carrier only if told so', () => {
	expect(endOf(send(packet, { devices: { veth1: { up: false } } }))).toBe('IP_INNOROUTES ip_error no-route');
	const noCarrier = {
		devices: { veth1: { carrier: false } },
		neighbours: [{ device: 'veth1', address: '10.0.1.1', mac: hostMac.host1 }],
	};
	expect(endOf(send(packet, noCarrier))).toBe('QDISC_DROP __dev_queue_xmit no-carrier');
	// Nobody is heard over it.
	const unknown = { ...noCarrier, neighbours: [] };
	expect(endOf(send(packet, unknown))).toBe('NEIGH_FAILED neigh_invalidate neighbour-failed');
	const sysctls = { 'net.ipv4.conf.veth1.ignore_routes_with_linkdown': 1 };
	expect(endOf(send(packet, { ...noCarrier, sysctls }))).toBe('IP_INNOROUTES ip_error no-route');
});

test('a broadcast address is one by its route, where that leads out of the device: nobody is asked for', () => {
	const to = '10.99.0.130';
	const route = { family: 'ipv4', destination: '10.99.0.128/25', type: 'broadcast' } as const;
	const options = (more: RouterOptions = {}): RouterOptions => ({
		sysctls: { 'net.ipv4.conf.all.bc_forwarding': 1, 'net.ipv4.conf.veth0.bc_forwarding': 1 },
		routes: [{ ...route, nextHops: [{ device: 'veth1' }] }],
		...more,
	});
	const sent = send({ from: '10.0.0.1', to }, options());
	expect(endOf(sent)).toBe('forwarded host1');
	expect(frameOf(sent).subarray(0, 6)).toEqual(new Uint8Array(6).fill(0xff));
	// With rules, main is a table of its own, and local, which is asked for the kind, does not have it.
	const apart = send({ from: '10.0.0.1', to }, options({ everHadRules: true }));
	expect(endOf(apart)).toBe('NEIGH_FAILED neigh_invalidate neighbour-failed');
});
