/** Routes that the kernel makes of addresses, and source validation: net/ipv4/fib_frontend.c. */

import type { Kernel } from '../../kernel.ts';
import type { Walk } from '../../walk.ts';
import { ipv4Mask, ipv4Text } from '../core/address.ts';
import { loopbackIfindex, masterIfindex, type NetDevice, vrfTable } from '../core/device.ts';
import { localTable, mainTable } from '../core/fib-rules.ts';
import { skbPorts } from '../core/flow-dissector.ts';
import type { Net } from '../core/net.ts';
import type { Skb } from '../core/skb.ts';
import type { FibAlias } from './fib.ts';
import { fibLookup } from './fib-rules.ts';
import { fibInfoNhUsesDev } from './fib-semantics.ts';
import type { FibResult, Flow4 } from './fib-trie.ts';

/** Before Linux 5.14 the lowest address of a subnet was a broadcast address, too. */
const lowestIsUnicast = 5014;

/** fib_add_ifaddr(), for every address of a device. */
export function fibAddIfaddr(device: NetDevice, kernel: Kernel, aliases: FibAlias[]): void {
	for (const { address, length, primary } of device.ipv4) {
		const mask = ipv4Mask(length);
		const prefix = (address & mask) >>> 0;
		const broadcast = (prefix | ~mask) >>> 0;
		add(aliases, device, 'local', address, 32, primary);
		if (!device.up || primary !== address || prefix === 0) continue;
		if (length < 32) add(aliases, device, device.loopback ? 'local' : 'unicast', prefix, length, primary);
		if (length < 31) {
			if (kernel.version < lowestIsUnicast) add(aliases, device, 'broadcast', prefix, 32, primary);
			add(aliases, device, 'broadcast', broadcast, 32, primary);
		}
	}
}

/** fib_magic() */
function add(
	aliases: FibAlias[],
	device: NetDevice,
	type: 'local' | 'unicast' | 'broadcast',
	prefix: number,
	length: number,
	source: number,
): void {
	const table = vrfTable(device) ?? (type === 'unicast' ? mainTable : localTable);
	if (
		aliases.some(
			(other) =>
				other.prefix === prefix &&
				other.length === length &&
				other.table === table &&
				other.type === type &&
				other.nexthops.nexthops[0]?.device === device,
		)
	)
		return;
	const linkDown = type !== 'local' && !(device.carrier && device.up);
	aliases.push({
		table,
		prefix,
		length,
		type,
		tos: 0,
		metric: 0,
		nexthops: {
			nexthops: [{ device, weight: 1, dead: false, linkDown, lightweightTunnel: false }],
			blackhole: false,
		},
		dead: false,
		mtu: 0,
		mtuLocked: false,
		source,
		kernel: true,
	});
}

/** Why a source is refused: it is the host's own, it is none that can be, or the way back is another. */
export type SourceError = 'local' | 'invalid' | 'reverse-path';

/**
 * fib_validate_source(): may this source have come in by this device?
 * @param oif the egress device's ifindex, 0 for a packet to the host itself
 */
export function fibValidateSource(
	walk: Walk,
	skb: Skb,
	source: number,
	destination: number,
	oif: number,
	device: NetDevice,
): SourceError | undefined {
	const { net } = walk;
	const { all4 } = net.sysctls;
	const { conf4 } = device;
	const rpFilter = Math.max(all4.rp_filter, conf4.rp_filter);
	const acceptLocal = (all4.accept_local | conf4.accept_local) !== 0;
	const sendRedirects = (all4.send_redirects | conf4.send_redirects) !== 0;
	const where = 'fib_validate_source';
	if (rpFilter === 0 && (device.ifindex !== oif || !sendRedirects)) {
		if (acceptLocal) {
			walk.step(where, device, 'rp_filter is 0 and accept_local is on: any source is let in');
			return undefined;
		}
		if (!net.ipv4.hasCustomLocalRoutes && !net.ipv4.hasCustomRules) {
			const owner = net.ipv4.addresses.get(source);
			walk.step(
				where,
				device,
				owner === undefined
					? `rp_filter is 0 and ${ipv4Text(source)} is no address of the host: let in`
					: `${ipv4Text(source)} is the host's own address, on ${owner.name}, and accept_local is 0: refused`,
			);
			return owner === undefined ? undefined : 'local';
		}
	}
	return validateByRoute(walk, skb, source, destination, oif, device, rpFilter, acceptLocal);
}

/** __fib_validate_source(): the full check, by the route back. */
function validateByRoute(
	walk: Walk,
	skb: Skb,
	source: number,
	destination: number,
	oif: number,
	device: NetDevice,
	rpFilter: number,
	acceptLocal: boolean,
): SourceError | undefined {
	const { net } = walk;
	const { all4 } = net.sysctls;
	const where = '__fib_validate_source';
	const marked = (all4.src_valid_mark | device.conf4.src_valid_mark) !== 0;
	const flow: Flow4 = {
		iif: oif === 0 ? loopbackIfindex : oif,
		oif: 0,
		l3mdev: masterIfindex(device),
		destination: source,
		source: destination,
		tos: skb.tos,
		mark: marked ? skb.mark : 0,
		protocol: 0,
		sourcePort: 0,
		destinationPort: 0,
	};
	if (net.ipv4.requireFlowDissection) {
		const { protocol, sourcePort, destinationPort } = skbPorts(skb);
		Object.assign(flow, { protocol, sourcePort: destinationPort, destinationPort: sourcePort });
	}
	const { result } = fibLookup(net, flow);
	const back = `the way back to ${ipv4Text(source)}`;
	const strictly = rpFilter === 0 ? 'rp_filter is 0' : `rp_filter is ${rpFilter}`;
	const lastResort = (why: string): SourceError | undefined => {
		walk.step(where, device, `${why}, and ${strictly}: ${rpFilter === 0 ? 'let in' : 'refused'}`);
		return rpFilter === 0 ? undefined : 'reverse-path';
	};
	if (typeof result === 'string') return lastResort(`there is no ${back.slice(4)} (${result})`);
	const { type } = result.alias;
	const out = result.nexthop?.device.name;
	if (type === 'local' && !acceptLocal) {
		walk.step(
			where,
			device,
			`${ipv4Text(source)} is local to the host, on ${out}, and accept_local is 0: refused`,
		);
		return 'local';
	}
	if (type !== 'unicast' && type !== 'local') {
		walk.step(where, device, `${ipv4Text(source)} is a ${type} address, which nobody sends from: refused`);
		return 'invalid';
	}
	if (fibInfoNhUsesDev(result, device) || (type === 'local' && device.loopback)) {
		walk.step(where, device, `${back} leads out of ${device.name}, where the packet came in: let in`);
		return undefined;
	}
	if (device.ipv4.length === 0)
		return lastResort(`${back} leads out of ${out}, ${device.name} has no IPv4 address`);
	walk.step(
		where,
		device,
		rpFilter === 1
			? `${back} leads out of ${out}, not of ${device.name}, and rp_filter is 1: refused`
			: `${back} leads out of ${out}, not of ${device.name}, which ${strictly} lets pass`,
	);
	return rpFilter === 1 ? 'reverse-path' : undefined;
}

/**
 * Whether an address is one of the host's, a subnet's broadcast, multicast or another's (inet_addr_type and others).
 * @param device only what leads out of it counts (inet_addr_type_dev_table)
 */
export function inetAddrType(
	net: Net,
	address: number,
	table: number = localTable,
	device?: NetDevice,
): string {
	if (address === 0 || address === 0xffffffff) return 'broadcast';
	if (address >>> 28 === 0xe) return 'multicast';
	const found = net.ipv4.tables.get(table);
	for (const { mask, leaves } of found?.levels ?? []) {
		const leaf = leaves.get((address & mask) >>> 0);
		const alias = leaf?.find(({ dead, table: own }) => !dead && (own === table || found?.id !== table));
		if (alias === undefined) continue;
		return device === undefined || alias.nexthops.nexthops[0]?.device === device ? alias.type : 'unicast';
	}
	return 'unicast';
}

/** fib_result_prefsrc(): the address that a route is left from. */
export function fibResultPrefsrc(net: Net, { alias, nexthop }: FibResult): number {
	if (alias.source !== 0 || nexthop === undefined) return alias.source;
	const { device, gateway } = nexthop;
	return inetSelectAddr(net, device, gateway?.family === 'ipv4' ? gateway.number : 0);
}

/** inet_select_addr(): the address that the host speaks from out of a device; 0 where it has none. */
export function inetSelectAddr(net: Net, device: NetDevice, destination: number): number {
	const near = device.ipv4.find(({ address, length }) => ((address ^ destination) & ipv4Mask(length)) === 0);
	const own = near ?? device.ipv4[0];
	if (own !== undefined) return own.address;
	for (const other of net.devices) {
		if (other === undefined || masterIfindex(other) !== masterIfindex(device)) continue;
		const global = other.ipv4.find(({ address }) => address >>> 24 !== 127);
		if (global !== undefined) return global.address;
	}
	return 0;
}
