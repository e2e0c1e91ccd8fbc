/** Lookup in one IPv4 table: net/ipv4/fib_trie.c. */
import { ipv4Mask } from '../core/address.ts';
import { type Errno, routeErrors } from '../core/error.ts';
import type { Flow } from '../core/fib-rules.ts';
import type { Net } from '../core/net.ts';
import type { Nexthop } from '../core/nexthop.ts';
import type { FibAlias } from './fib.ts';

/** struct flowi4 */
export interface Flow4 extends Flow {
	destination: number;
	source: number;
	tos: number;
}

/** struct fib_result: a route, and the next hop of it that was chosen. */
export interface FibResult {
	readonly alias: FibAlias;
	nexthop: Nexthop | undefined;
}

/** Routes of one table by prefix length, longest first, and by prefix. */
export interface FibTable {
	readonly id: number;
	readonly levels: readonly Level[];
	/** How many default routes it has (tb_num_default). */
	readonly defaults: number;
}

interface Level {
	readonly mask: number;
	readonly leaves: ReadonlyMap<number, readonly FibAlias[]>;
}

/** The bits of TOS that routes and rules are matched by (IPTOS_RT_MASK). */
const tosMask = 0x1c;

export function buildTable(id: number, aliases: readonly FibAlias[]): FibTable {
	const byLength = new Map<number, Map<number, FibAlias[]>>();
	for (const alias of aliases) {
		const leaves = byLength.get(alias.length) ?? new Map<number, FibAlias[]>();
		byLength.set(alias.length, leaves);
		const leaf = leaves.get(alias.prefix);
		if (leaf === undefined) leaves.set(alias.prefix, [alias]);
		else insert(leaf, alias);
	}
	const levels = [...byLength]
		.sort(([a], [b]) => b - a)
		.map(([length, leaves]) => ({ mask: ipv4Mask(length), leaves }));
	return { id, levels, defaults: byLength.get(0)?.get(0)?.length ?? 0 };
}

/** fib_insert_alias(): `local` before `main`, then more TOS before less, then by metric, then as they came. */
function insert(leaf: FibAlias[], alias: FibAlias): void {
	const before = leaf.findIndex(
		(other) =>
			other.table < alias.table ||
			(other.table === alias.table &&
				(other.tos < alias.tos || (other.tos === alias.tos && other.metric > alias.metric))),
	);
	if (before < 0) leaf.push(alias);
	else leaf.splice(before, 0, alias);
}

/** @param ignoreLinkState FIB_LOOKUP_IGNORE_LINKSTATE */
export function fibTableLookup(
	net: Net,
	table: FibTable,
	flow: Flow4,
	ignoreLinkState = false,
): FibResult | Errno {
	// A next-hop object without a usable next hop makes the kernel leave out the other routes of the same leaf.
	let missed: number | undefined;
	for (const { mask, leaves } of table.levels) {
		const key = (flow.destination & mask) >>> 0;
		if (key === missed) continue;
		const leaf = leaves.get(key);
		if (leaf === undefined) continue;
		for (const alias of leaf) {
			if (alias.tos !== 0 && alias.tos !== (flow.tos & tosMask)) continue;
			const error = routeErrors[alias.type];
			if (error !== undefined) return error;
			if (alias.dead) continue;
			if (alias.nexthops.blackhole) return 'EINVAL';
			const nexthop = alias.nexthops.nexthops.find((each) =>
				fibLookupGoodNhc(net, each, flow, ignoreLinkState),
			);
			if (nexthop !== undefined) return { alias, nexthop };
			if (alias.nexthops.object !== undefined) {
				missed = key;
				break;
			}
		}
	}
	return 'EAGAIN';
}

/** fib_lookup_good_nhc() */
function fibLookupGoodNhc(net: Net, hop: Nexthop, flow: Flow4, ignoreLinkState: boolean): boolean {
	if (hop.dead) return false;
	if (hop.linkDown && !ignoreLinkState && ignoresLinkDown(net, hop)) return false;
	return flow.oif === 0 || flow.oif === hop.device.ifindex;
}

/** ip_ignore_linkdown(): IN_DEV_IGNORE_ROUTES_WITH_LINKDOWN */
export function ignoresLinkDown(net: Net, { device }: Nexthop): boolean {
	return net.sysctls.all4.ignore_routes_with_linkdown !== 0 || device.conf4.ignore_routes_with_linkdown !== 0;
}

/** Whether the TOS of a route or rule matches the packet's (fib_dscp_masked_match). */
export function tosMatches(tos: number, flow: Flow4): boolean {
	return tos === (flow.tos & tosMask);
}
