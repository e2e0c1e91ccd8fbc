/** Routes that the kernel makes of addresses and devices: net/ipv6/addrconf.c, net/ipv6/anycast.c. */

import type { Bytes } from '../core/address.ts';
import { isAny6, isLinkLocal6, sameBytes } from '../core/address.ts';
import { masterIfindex, type NetDevice, vrfTable } from '../core/device.ts';
import { localTable, mainTable } from '../core/fib-rules.ts';
import type { Net } from '../core/net.ts';
import type { Fib6Info } from './ip6-fib.ts';

/** IP6_RT_PRIO_ADDRCONF */
const addrconfMetric = 256;
const allMulticast = Uint8Array.of(0xff, ...new Uint8Array(15));

/** ipv6_chk_addr(), ipv6_chk_acast_addr_src(): whether an address is the host's own, as seen from a device. */
export function isOwn(net: Net, device: NetDevice, address: Bytes): boolean {
	const isLinks = isLinkLocal6(address);
	return net.devices.some((other) => {
		if (other === undefined || (isLinks && other !== device)) return false;
		const isSeen = masterIfindex(other) === masterIfindex(device);
		if (isSeen && other.ipv6.some((own) => sameBytes(own.address, address))) return true;
		return anycastAddresses(other).some((subnet) => sameBytes(subnet, address));
	});
}

/** The subnet routers' anycast addresses that a device has, down or up (addrconf_join_anycast). */
function anycastAddresses({ conf6, ipv6 }: NetDevice): readonly Bytes[] {
	if (conf6 === undefined || conf6.forwarding === 0) return [];
	return ipv6.flatMap(({ length, network }) => (length < 127 && !isAny6(network) ? [network] : []));
}

/** All of one device: an address's own, its subnet's, the subnet routers' anycast, and the link's multicast. */
export function addrconfRoutes(device: NetDevice, routes: Fib6Info[]): void {
	const { conf6, ipv6, up, loopback } = device;
	if (conf6 === undefined || conf6.disable_ipv6 !== 0) return;
	const local = vrfTable(device) ?? localTable;
	const main = vrfTable(device) ?? mainTable;
	for (const { address, length, network: subnet } of ipv6) {
		routes.push(route(device, local, 'local', address, 128, 0));
		if (!up) continue;
		if (length < 128 || loopback) {
			if (
				!routes.some(
					(other) =>
						other.type === 'unicast' &&
						other.table === main &&
						other.length === length &&
						isSame(other.prefix, subnet) &&
						other.nexthop?.device === device,
				)
			)
				routes.push(route(device, main, 'unicast', subnet, length, addrconfMetric));
		}
	}
	for (const subnet of anycastAddresses(device)) routes.push(route(device, local, 'anycast', subnet, 128, 0));
	if (up && !loopback && device.table === undefined)
		routes.push(route(device, local, 'multicast', allMulticast, 8, addrconfMetric));
}

function isSame(a: Bytes, b: Bytes): boolean {
	return a === b || sameBytes(a, b);
}

function route(
	device: NetDevice,
	table: number,
	type: Fib6Info['type'],
	prefix: Bytes,
	length: number,
	metric: number,
): Fib6Info {
	const own = type === 'local' || type === 'anycast';
	return {
		table,
		type,
		prefix,
		length,
		metric,
		nexthop: {
			device,
			weight: 1,
			dead: !device.up && !own,
			linkDown: !own && !(device.carrier && device.up),
			lightweightTunnel: false,
		},
		mtu: 0,
		mtuLocked: false,
	};
}
