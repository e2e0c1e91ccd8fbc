/** The devices of a scenario's host as the kernel has them, numbered. */

import { EncapForwardError } from '../../../../error.ts';
import type { Device, Host, Link } from '../../../../scenario/scenario.ts';
import { type Bytes, ipv4Mask, parseAddress, parseEthernet } from './address.ts';
import type { Sysctls } from './devconf.ts';
import type { NetDevice } from './device.ts';

/** Ethernet's MTU. */
const ethernetMtu = 1500;
/** An IPv6 link carries at least so much (RFC 8200 section 5). */
export const leastIpv6Mtu = 1280;

type Writable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

export function prepareDevices(
	host: Host,
	far: Host,
	links: readonly Link[],
	side: 'router' | 'host',
	sysctls: Sysctls,
): (NetDevice | undefined)[] {
	const other = side === 'router' ? 'host' : 'router';
	const byName = new Map<string, Writable<NetDevice>>();
	const lo = host.devices.lo;
	add(
		byName,
		'lo',
		{
			mac: '00:00:00:00:00:00',
			mtu: 65536,
			...lo,
			addresses: ['127.0.0.1/8', '::1/128', ...(lo?.addresses ?? []).filter((each) => !isImplied(each))],
		},
		sysctls,
		true,
	);
	for (const name in host.devices) {
		const device = host.devices[name];
		if (device !== undefined && name !== 'lo') add(byName, name, device, sysctls, false);
	}
	for (const name in host.vrfs) {
		const none = { mac: '00:00:00:00:00:00', addresses: [] };
		const vrf = byName.get(name) ?? add(byName, name, none, sysctls, false);
		const table = host.vrfs[name];
		if (table !== undefined) vrf.table = table;
	}
	for (const name in host.devices) {
		const device = host.devices[name];
		const made = byName.get(name);
		if (device === undefined || made === undefined) continue;
		if (device.vrf !== undefined) made.master = named(byName, device.vrf);
		if (device.vlan !== undefined) {
			const lower = named(byName, device.vlan.device);
			made.vlan = { device: lower, id: device.vlan.id };
			// It goes down with its device, and has that one's carrier.
			made.up = made.up && lower.up;
			made.carrier = made.carrier && lower.carrier;
		}
	}
	for (const link of links) {
		const near = named(byName, link[side]);
		const peer = far.devices[link[other]];
		near.far = { name: link[other], mtu: peer?.mtu ?? ethernetMtu };
		// The cable has a signal only if both ends are up.
		if (peer?.up === false) near.carrier = false;
	}
	return [undefined, ...byName.values()];
}

/** What the kernel gives the loopback device by itself. */
function isImplied(address: string): boolean {
	return address === '127.0.0.1/8' || address === '::1/128';
}

function named(byName: ReadonlyMap<string, Writable<NetDevice>>, name: string): Writable<NetDevice> {
	const device = byName.get(name);
	if (device === undefined) throw new EncapForwardError('EF_INPUT', `the scenario has no device ${name}`);
	return device;
}

function add(
	byName: Map<string, Writable<NetDevice>>,
	name: string,
	given: Device,
	sysctls: Sysctls,
	loopback: boolean,
): Writable<NetDevice> {
	const mac = parseEthernet(given.mac);
	const mtu = given.mtu ?? ethernetMtu;
	const conf6 = mtu < leastIpv6Mtu ? undefined : sysctls.ipv6(name);
	const ipv4: { address: number; length: number; primary: number }[] = [];
	const ipv6: { address: Bytes; length: number; network: Bytes }[] = [];
	const hasIpv6 = conf6 !== undefined && conf6.disable_ipv6 === 0;
	for (const text of given.addresses) {
		const { family, number, bytes, length, network } = parseAddress(text);
		if (family === 'ipv4') ipv4.push({ address: number, length, primary: primaryOf(ipv4, number, length) });
		else if (hasIpv6) ipv6.push({ address: bytes, length, network });
	}
	if (hasIpv6 && !loopback && conf6.addr_gen_mode === 0)
		ipv6.push({ address: linkLocal(mac), length: 64, network: linkLocalNetwork });
	const device: Writable<NetDevice> = {
		name,
		ifindex: byName.size + 1,
		mac,
		mtu,
		up: given.up ?? true,
		carrier: given.carrier ?? true,
		loopback,
		noArp: given.arp === false,
		ipv4,
		ipv6,
		conf4: sysctls.ipv4(name),
		conf6,
	};
	byName.set(name, device);
	return device;
}

/** The first address of the same subnet: others are secondary to it (IFA_F_SECONDARY). */
function primaryOf(
	before: readonly { readonly address: number; readonly length: number }[],
	address: number,
	length: number,
): number {
	const mask = ipv4Mask(length);
	const first = before.find((other) => other.length === length && ((other.address ^ address) & mask) === 0);
	return first?.address ?? address;
}

const linkLocalNetwork = Uint8Array.of(0xfe, 0x80, ...new Uint8Array(14));

/** The link-local address made of an Ethernet address (RFC 2464 section 5). */
function linkLocal(mac: Bytes): Bytes {
	const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac;
	return Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f);
}
