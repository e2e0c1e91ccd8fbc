import { expect, test } from 'vitest';
import {
	endOf,
	hostMac,
	type RouterOptions,
	routerMac,
	send,
	udpFrame,
} from '../../../../../test/support/router.ts';

/** VLAN 7 on each device. */
const vlans: RouterOptions = {
	devices: {
		'veth0.7': { mac: routerMac.veth0, addresses: ['10.7.0.2/24'], vlan: { device: 'veth0', id: 7 } },
		'veth1.7': { mac: routerMac.veth1, addresses: ['10.7.1.2/24'], vlan: { device: 'veth1', id: 7 } },
	},
	neighbours: [{ device: 'veth1.7', address: '10.7.1.1', mac: hostMac.host1 }],
};

test('a tagged frame is its VLAN device’s, and leaves tagged by one', () => {
	const { outcome, sightings } = send({ from: '10.7.0.1', to: '10.7.1.1', vlan: 7 }, vlans);
	if (outcome.kind !== 'forwarded') throw new Error(endOf({ outcome } as never));
	expect(outcome.device).toBe('host1');
	expect([...outcome.frame.subarray(12, 18)]).toEqual([0x81, 0, 0, 7, 8, 0]);
	expect(outcome.frame.length).toBe(udpFrame({ from: '10.7.0.1', to: '10.7.1.1', vlan: 7 }).length);
	expect(sightings.map(({ place, device }) => `${place} ${device}`)).toEqual([
		'sent host0',
		'receive veth0',
		'receive veth0.7',
		'transmit veth1.7',
		'transmit veth1',
		'arrived host1',
	]);
});

test('what counts is the VLAN device’s own configuration', () => {
	const sysctls = { 'net.ipv4.conf.veth0/7.forwarding': 0 };
	expect(endOf(send({ from: '10.7.0.1', to: '10.7.1.1', vlan: 7 }, { ...vlans, sysctls }))).toBe(
		'IP_INADDRERRORS ip_error forwarding-off',
	);
});

test('a VLAN without a device is another host’s; priority alone is no VLAN', () => {
	expect(endOf(send({ from: '10.0.0.1', to: '10.0.1.1', vlan: 9 }, vlans))).toBe(
		'OTHERHOST ip_rcv_core wrong-mac',
	);
	expect(endOf(send({ from: '10.0.0.1', to: '10.0.1.1', vlan: 0 }))).toBe('forwarded host1');
});

test('a VLAN device goes down with its device', () => {
	const down = { ...vlans, devices: { ...vlans.devices, veth1: { up: false } } };
	expect(endOf(send({ from: '10.7.0.1', to: '10.7.1.1', vlan: 7 }, down))).toBe(
		'IP_INNOROUTES ip_error no-route',
	);
});

/** Both devices in a VRF of its own table. */
const vrf: RouterOptions = {
	vrfs: { red: 100 },
	devices: { veth0: { vrf: 'red' }, veth1: { vrf: 'red' } },
};

test('devices of a VRF have its table, and strict rp_filter holds within it', () => {
	const sysctls = { 'net.ipv4.conf.veth0.rp_filter': 1 };
	expect(endOf(send({ from: '10.0.0.1', to: '10.0.1.1' }, { ...vrf, sysctls }))).toBe('forwarded host1');
	expect(endOf(send({ from: 'fc00::1', to: 'fc00:0:0:1::1' }, vrf))).toBe('forwarded host1');
	expect(endOf(send({ from: '10.0.1.9', to: '10.0.1.1' }, { ...vrf, sysctls }))).toBe(
		'IP_RPFILTER ip_rcv_finish_core reverse-path',
	);
});

test('a VRF sees the table main too, unless an unreachable route ends it', () => {
	const one: RouterOptions = { ...vrf, devices: { veth0: { vrf: 'red' } } };
	const packet = { from: '10.0.0.1', to: '10.0.1.1' };
	expect(endOf(send(packet, one))).toBe('forwarded host1');
	const routes = [
		{ family: 'ipv4', destination: '0.0.0.0/0', type: 'unreachable', table: 100, metric: 8192 },
	] as const;
	const { outcome, sightings } = send(packet, { ...one, routes });
	expect(outcome).toMatchObject({ where: 'ip_error', cause: 'route-unreachable' });
	// From ip_rcv_finish on the packet is at the VRF device.
	expect(sightings.at(-1)).toMatchObject({ place: 'drop', device: 'red' });
});
