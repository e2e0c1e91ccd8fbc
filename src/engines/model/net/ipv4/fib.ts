/** The IPv4 routes and rules of a namespace: struct netns_ipv4 as far as routing asks for it. */
import type { NextHopObject, Route, RouteType } from '../../../../scenario/scenario.ts';
import { ipv4Mask, parseAddress } from '../core/address.ts';
import type { NetDevice } from '../core/device.ts';
import {
	areStartRules,
	type FibRule,
	localTable,
	mainTable,
	requiresFlowDissection,
	rulesOf,
} from '../core/fib-rules.ts';
import type { NetParts } from '../core/net.ts';
import { type NexthopSet, nexthopOf, nexthopSet } from '../core/nexthop.ts';
import { fibAddIfaddr } from './fib-frontend.ts';
import { buildTable, type FibTable } from './fib-trie.ts';

/** One route with one prefix: struct fib_alias and its fib_info. */
export interface FibAlias {
	readonly table: number;
	readonly prefix: number;
	readonly length: number;
	readonly type: RouteType;
	readonly tos: number;
	readonly metric: number;
	readonly nexthops: NexthopSet;
	/** RTNH_F_DEAD of all of it. */
	readonly dead: boolean;
	readonly mtu: number;
	readonly mtuLocked: boolean;
	/** Preferred source, 0 for none. */
	readonly source: number;
	/** Made by the kernel of an address. */
	readonly kernel: boolean;
}

export interface Fib4 {
	readonly rules: readonly FibRule[];
	/** fib_has_custom_rules */
	readonly hasCustomRules: boolean;
	/** fib_has_custom_local_routes */
	readonly hasCustomLocalRoutes: boolean;
	/** fib_rules_require_fldissect */
	readonly requireFlowDissection: boolean;
	/** Without custom rules `local` and `main` are one table with all routes of both (fib_trie_table). */
	readonly tables: ReadonlyMap<number, FibTable>;
	/** Every device's own addresses (inet_addr_lst). */
	readonly addresses: ReadonlyMap<number, NetDevice>;
}

export function prepareFib4(parts: NetParts): Fib4 {
	const { host, devices } = parts;
	const hasVrfs = host.vrfs !== undefined && Object.keys(host.vrfs).length > 0;
	const rules = rulesOf(host.rules, 'ipv4', hasVrfs);
	const hasCustomRules =
		hasVrfs || (host.everHadRules ?? !areStartRules(rules, 'ipv4')) || !areStartRules(rules, 'ipv4');
	const aliases: FibAlias[] = [];
	const addresses = new Map<number, NetDevice>();
	for (const device of devices) {
		if (device === undefined) continue;
		for (const { address } of device.ipv4) if (!addresses.has(address)) addresses.set(address, device);
		if (!host.allRoutes) fibAddIfaddr(device, parts.kernel, aliases);
	}
	let hasCustomLocalRoutes = false;
	for (const route of host.routes ?? []) {
		if (route.family !== 'ipv4') continue;
		hasCustomLocalRoutes ||= route.type === 'local' && route.kernel !== true;
		const alias = aliasOf(route, parts.objects, parts.deviceOf);
		if (alias !== undefined) aliases.push(alias);
	}
	return {
		rules,
		hasCustomRules,
		hasCustomLocalRoutes,
		requireFlowDissection: requiresFlowDissection(rules),
		tables: tablesOf(aliases, hasCustomRules),
		addresses,
	};
}

function aliasOf(
	route: Route,
	objects: ReadonlyMap<number, NextHopObject>,
	deviceOf: (name: string) => NetDevice,
): FibAlias | undefined {
	const { number, length } = parseAddress(route.destination);
	const { type = 'unicast', table = mainTable, metric = 0, tos = 0, mtu = 0, mtuLocked = false } = route;
	const nexthops =
		type === 'local' && route.nextHops === undefined && route.nextHopObject === undefined
			? { nexthops: [nexthopOf({ device: 'lo' }, deviceOf)], blackhole: false }
			: nexthopSet(route, objects, deviceOf);
	if (nexthops === undefined) return undefined;
	// Routes of host scope outlive their device's going down (fib_sync_down_dev).
	const host = type === 'local';
	const set = host
		? { ...nexthops, nexthops: nexthops.nexthops.map((hop) => ({ ...hop, dead: false, linkDown: false })) }
		: nexthops;
	return {
		table,
		prefix: (number & ipv4Mask(length)) >>> 0,
		length,
		type,
		tos,
		metric,
		nexthops: set,
		dead: set.nexthops.length > 0 && set.nexthops.every(({ dead }) => dead),
		mtu,
		mtuLocked,
		source: route.source === undefined ? 0 : parseAddress(route.source).number,
		kernel: route.kernel === true,
	};
}

function tablesOf(aliases: readonly FibAlias[], hasCustomRules: boolean): Map<number, FibTable> {
	const byTable = new Map<number, FibAlias[]>();
	for (const alias of aliases) {
		const id = !hasCustomRules && alias.table === localTable ? mainTable : alias.table;
		const list = byTable.get(id);
		if (list === undefined) byTable.set(id, [alias]);
		else list.push(alias);
	}
	const tables = new Map<number, FibTable>();
	for (const [id, list] of byTable) tables.set(id, buildTable(id, list));
	const main = tables.get(mainTable);
	if (!hasCustomRules && main !== undefined) tables.set(localTable, main);
	return tables;
}
