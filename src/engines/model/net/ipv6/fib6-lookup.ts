/** Which route of an IPv6 table is taken: rt6_select() and what is around it in net/ipv6/route.c. */
import type { RouteType } from '../../../../scenario/scenario.ts';
import type { Bytes } from '../core/address.ts';
import { isValid, neighbourOf } from '../core/neighbour.ts';
import type { Net } from '../core/net.ts';
import type { Nexthop } from '../core/nexthop.ts';
import { type Fib6Info, type Fib6Table, isReject, leavesFor } from './ip6-fib.ts';

/** struct fib6_result */
export interface Fib6Result {
	readonly info: Fib6Info;
	/** Undefined for a route that rejects. */
	nexthop: Nexthop | undefined;
	readonly type: RouteType;
}

interface Strictness {
	/** RT6_LOOKUP_F_IFACE */
	readonly strict: boolean;
	/** RT6_LOOKUP_F_REACHABLE: routers that are known not to answer are left out at first. */
	readonly reachable: boolean;
}

/** fib6_table_lookup(); undefined for the null entry. */
export function fib6TableLookup(
	net: Net,
	table: Fib6Table,
	oif: number,
	{ destination, source }: { readonly destination: Bytes; readonly source: Bytes },
	strictness: Strictness,
): Fib6Result | undefined {
	for (const leaf of leavesFor(table, destination, source)) {
		const found = rt6Select(net, leaf, oif, strictness);
		if (found !== undefined) return found;
	}
	return strictness.reachable
		? fib6TableLookup(net, table, oif, { destination, source }, { ...strictness, reachable: false })
		: undefined;
}

/** rt6_select(), find_rr_leaf(): the best of the lowest metric that has any; the first of equals. */
function rt6Select(
	net: Net,
	leaf: readonly Fib6Info[],
	oif: number,
	strictness: Strictness,
): Fib6Result | undefined {
	let best: Fib6Result | undefined;
	let bestScore = -1;
	let metric = leaf[0]?.metric;
	for (const info of leaf) {
		if (info.metric !== metric) {
			if (best !== undefined) return best;
			// Behind the lowest metric all others are looked at as one.
			metric = info.metric;
		}
		if (info.object?.blackhole) return { info, nexthop: undefined, type: 'blackhole' };
		for (const nexthop of info.object?.nexthops ?? [info.nexthop]) {
			const score = scoreOf(net, info, nexthop, oif, strictness);
			if (score === undefined || score <= bestScore) continue;
			bestScore = score;
			best = { info, nexthop, type: info.type };
		}
	}
	return best;
}

/** find_match(), rt6_score_route(): undefined where the route cannot be taken. */
function scoreOf(
	net: Net,
	info: Fib6Info,
	nexthop: Nexthop | undefined,
	oif: number,
	{ strict, reachable }: Strictness,
): number | undefined {
	// A route that rejects is on the loopback device.
	if (nexthop === undefined)
		return isReject(info.type)
			? strict && oif !== 1
				? undefined
				: oif === 1 || oif === 0
					? 2
					: 0
			: undefined;
	if (nexthop.dead) return undefined;
	if (nexthop.linkDown && nexthop.device.conf6?.ignore_routes_with_linkdown) return undefined;
	const score = oif === 0 || nexthop.device.ifindex === oif ? 2 : 0;
	if (score === 0 && strict) return undefined;
	if (reachable && nexthop.gateway !== undefined) {
		const entry = neighbourOf(net, nexthop.device, nexthop.gateway.bytes);
		// RT6_NUD_FAIL_PROBE is less than any score.
		if (entry !== undefined && !isValid(entry) && entry.state === 'failed') return undefined;
	}
	return score;
}

/** fib6_select_path(): the next hops that a packet can be sent to, by a hash that nobody knows. */
export function fib6SelectPath(net: Net, { info, nexthop }: Fib6Result): readonly Nexthop[] {
	if (info.object !== undefined) {
		const { nexthops, object } = info.object;
		if (object !== 'group') return nexthops;
		const good = nexthops.filter(({ device, gateway }) => {
			const entry = gateway && neighbourOf(net, device, gateway.bytes);
			return entry === undefined || isValid(entry);
		});
		return good.length > 0 ? good : nexthops.slice(0, 1);
	}
	const own = nexthop === undefined ? [] : [nexthop];
	if (info.siblings === undefined) return own;
	const alive = info.siblings
		.flatMap((sibling) => sibling.nexthop ?? [])
		.filter(
			({ dead, linkDown, device }) => !dead && !(linkDown && device.conf6?.ignore_routes_with_linkdown),
		);
	return alive.length > 0 ? alive : own;
}
