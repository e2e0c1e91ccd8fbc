/** The IPv6 routes of a namespace, and the tree they stand in: net/ipv6/ip6_fib.c. */

import type { NextHopObject, Route, RouteType } from '../../../../scenario/scenario.ts';
import { addressKey, type Bytes, parseAddress, samePrefix } from '../core/address.ts';
import type { NetDevice } from '../core/device.ts';
import {
	areStartRules,
	type FibRule,
	mainTable,
	requiresFlowDissection,
	rulesOf,
} from '../core/fib-rules.ts';
import type { NetParts } from '../core/net.ts';
import { type Nexthop, type NexthopSet, nexthopSet } from '../core/nexthop.ts';
import { addrconfRoutes } from './addrconf.ts';

/** One route with one next hop: struct fib6_info. */
export interface Fib6Info {
	readonly table: number;
	readonly type: RouteType;
	readonly prefix: Bytes;
	readonly length: number;
	/** Source prefix of a route that is for some sources only (`from`). */
	readonly source?: { readonly bytes: Bytes; readonly length: number };
	readonly metric: number;
	/** Undefined for a type that has none, and where `object` stands in its place. */
	readonly nexthop?: Nexthop;
	/** By a next-hop object. */
	readonly object?: NexthopSet;
	readonly mtu: number;
	readonly mtuLocked: boolean;
	readonly preferredSource?: Bytes;
	/** The others of the same multipath route (fib6_siblings), this one included. */
	siblings?: readonly Fib6Info[];
}

export interface Fib6 {
	readonly rules: readonly FibRule[];
	/** fib6_has_custom_rules */
	readonly hasCustomRules: boolean;
	readonly requireFlowDissection: boolean;
	readonly tables: ReadonlyMap<number, Fib6Table>;
}

/** Routes of one destination: those for any source, and those for some, longest source prefix first. */
interface Node {
	readonly prefix: Bytes;
	readonly length: number;
	readonly leaf: Fib6Info[];
	readonly subtree: { readonly source: Bytes; readonly length: number; readonly leaf: Fib6Info[] }[];
}

/** Longest destination prefix first. */
export type Fib6Table = readonly Node[];

/** IP6_RT_PRIO_USER: the metric of a route that is given none. */
const userMetric = 1024;

export function prepareFib6(parts: NetParts): Fib6 {
	const { host, devices } = parts;
	const hasVrfs = host.vrfs !== undefined && Object.keys(host.vrfs).length > 0;
	const rules = rulesOf(host.rules, 'ipv6', hasVrfs);
	const routes: Fib6Info[] = [];
	if (!host.allRoutes) for (const device of devices) if (device !== undefined) addrconfRoutes(device, routes);
	for (const route of host.routes ?? []) {
		if (route.family === 'ipv6') routes.push(...infosOf(route, parts.objects, parts.deviceOf));
	}
	return {
		rules,
		hasCustomRules: hasVrfs || !areStartRules(rules, 'ipv6'),
		requireFlowDissection: requiresFlowDissection(rules),
		tables: tablesOf(routes),
	};
}

function infosOf(
	route: Route,
	objects: ReadonlyMap<number, NextHopObject>,
	deviceOf: (name: string) => NetDevice,
): Fib6Info[] {
	const { network, length } = parseAddress(route.destination);
	const { type = 'unicast', table = mainTable, metric = 0, mtu = 0, mtuLocked = false } = route;
	const from = route.from === undefined ? undefined : parseAddress(route.from);
	const common = {
		table,
		type,
		prefix: network,
		length,
		metric: metric === 0 ? userMetric : metric,
		mtu,
		mtuLocked,
		...(from === undefined || from.length === 0
			? {}
			: { source: { bytes: from.network, length: from.length } }),
		...(route.source === undefined ? {} : { preferredSource: parseAddress(route.source).bytes }),
	};
	if (isReject(type)) return [common];
	const set = nexthopSet(route, objects, deviceOf);
	if (set === undefined) return [];
	if (set.object !== undefined) return [{ ...common, object: set }];
	// Local and anycast routes do not ask for a carrier (fib6_nh_init).
	const own = type === 'local' || type === 'anycast';
	return set.nexthops.map((nexthop) => ({
		...common,
		nexthop: own ? { ...nexthop, linkDown: false } : nexthop,
	}));
}

/** RTF_REJECT */
export function isReject(type: RouteType): boolean {
	return type === 'blackhole' || type === 'unreachable' || type === 'prohibit' || type === 'throw';
}

function tablesOf(routes: readonly Fib6Info[]): Map<number, Fib6Table> {
	const nodes = new Map<number, Map<string, Node>>();
	for (const route of routes) {
		const table = nodes.get(route.table) ?? new Map<string, Node>();
		nodes.set(route.table, table);
		const key = `${addressKey(route.prefix)}${route.length}`;
		let node = table.get(key);
		if (node === undefined) {
			node = { prefix: route.prefix, length: route.length, leaf: [], subtree: [] };
			table.set(key, node);
		}
		addRoute(node, route);
	}
	const tables = new Map<number, Fib6Table>();
	for (const [id, table] of nodes)
		tables.set(
			id,
			[...table.values()].sort((a, b) => b.length - a.length),
		);
	return tables;
}

function addRoute(node: Node, route: Fib6Info): void {
	const { source } = route;
	if (source === undefined) {
		addToLeaf(node.leaf, route);
		return;
	}
	let entry = node.subtree.find(
		(each) => each.length === source.length && samePrefix(each.source, source.bytes, 128),
	);
	if (entry === undefined) {
		entry = { source: source.bytes, length: source.length, leaf: [] };
		node.subtree.push(entry);
		node.subtree.sort((a, b) => b.length - a.length);
	}
	addToLeaf(entry.leaf, route);
}

/** fib6_add_rt2node(): by metric; routes of one metric by gateways are one multipath route. */
function addToLeaf(leaf: Fib6Info[], route: Fib6Info): void {
	const before = leaf.findIndex(({ metric }) => metric > route.metric);
	leaf.splice(before < 0 ? leaf.length : before, 0, route);
	if (!qualifiesForEcmp(route)) return;
	const siblings = leaf.filter((other) => other.metric === route.metric && qualifiesForEcmp(other));
	if (siblings.length > 1) for (const sibling of siblings) sibling.siblings = siblings;
}

/** rt6_qualify_for_ecmp() */
function qualifiesForEcmp({ nexthop, object }: Fib6Info): boolean {
	return object === undefined && nexthop?.gateway !== undefined;
}

/**
 * fib6_node_lookup() and then fib6_backtrack() again and again: the leaves in the order they are asked. The first
 * lookup passes over the routes for any source of a destination that has some for this source's like, none of
 * which is for it; going back finds them.
 */
export function* leavesFor(
	table: Fib6Table,
	destination: Bytes,
	source: Bytes,
): Generator<readonly Fib6Info[]> {
	let first = true;
	for (const { prefix, length, leaf, subtree } of table) {
		if (!samePrefix(prefix, destination, length)) continue;
		let matched = false;
		for (const entry of subtree) {
			if (!samePrefix(entry.source, source, entry.length)) continue;
			matched = true;
			first = false;
			yield entry.leaf;
		}
		if (first && subtree.length > 0 && !matched && length > 0) continue;
		if (leaf.length === 0) continue;
		first = false;
		yield leaf;
	}
}
