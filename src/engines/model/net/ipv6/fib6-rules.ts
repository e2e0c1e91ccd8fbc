/** IPv6 routing rules, and the lookup through them: net/ipv6/fib6_rules.c. */
import { type Bytes, samePrefix } from '../core/address.ts';
import type { Errno } from '../core/error.ts';
import { routeErrors } from '../core/error.ts';
import {
	type FibRule,
	type Flow,
	fibRulesLookup,
	l3mdevUpdateFlow,
	localTable,
	mainTable,
} from '../core/fib-rules.ts';
import type { Net } from '../core/net.ts';
import { type Fib6Result, fib6TableLookup } from './fib6-lookup.ts';

/** struct flowi6 */
export interface Flow6 extends Flow {
	destination: Bytes;
	source: Bytes;
	/** Traffic class byte. */
	trafficClass: number;
}

export interface Lookup6 {
	/** A route, also one that rejects; or the error of a rule, or of there being no route at all. */
	readonly result: Fib6Result | Errno;
	/** The error is a rule's own. */
	readonly rule?: FibRule;
}

/**
 * fib6_rule_lookup(), and for each table ip6_pol_route_input() or ip6_pol_route_output()
 * @param strict only routes of the very device count (RT6_LOOKUP_F_IFACE)
 */
export function fib6RuleLookup(
	net: Net,
	flow: Flow6,
	strict: boolean,
	direction: 'input' | 'output',
): Lookup6 {
	const reachable = net.sysctls.all6.forwarding === 0;
	const lookup = (id: number): Fib6Result | 'EAGAIN' => {
		const table = net.ipv6.tables.get(id);
		const device = direction === 'input' ? flow.iif : flow.oif;
		const found = table && fib6TableLookup(net, table, device, flow, { strict, reachable });
		return found === undefined || routeErrors[found.type] === 'EAGAIN' ? 'EAGAIN' : found;
	};
	if (net.ipv6.hasCustomRules) {
		return byRules(net, flow, lookup, (rule, { info }) => suppresses(rule, info.length));
	}
	const local = lookup(localTable);
	if (local !== 'EAGAIN') return { result: local };
	const main = lookup(mainTable);
	return { result: main === 'EAGAIN' ? 'ENETUNREACH' : main };
}

/** fib6_lookup(), which bpf_fib_lookup asks: it heeds no suppress_prefixlength, and takes a throw route for one. */
export function fib6Lookup(net: Net, oif: number, flow: Flow6): Lookup6 {
	const lookup = (id: number): Fib6Result | 'EAGAIN' => {
		const table = net.ipv6.tables.get(id);
		return (table && fib6TableLookup(net, table, oif, flow, { strict: false, reachable: false })) ?? 'EAGAIN';
	};
	if (net.ipv6.hasCustomRules) return byRules(net, flow, lookup, () => false);
	const local = lookup(localTable);
	const result = local === 'EAGAIN' ? lookup(mainTable) : local;
	return { result: result === 'EAGAIN' ? 'ENETUNREACH' : result };
}

function byRules(
	net: Net,
	flow: Flow6,
	lookup: (table: number) => Fib6Result | 'EAGAIN',
	suppress: (rule: FibRule, result: Fib6Result) => boolean,
): Lookup6 {
	l3mdevUpdateFlow(flow, net.devices);
	const found = fibRulesLookup<Fib6Result>(net.ipv6.rules, flow, net.devices, {
		match: (rule) => fib6RuleMatch(rule, flow),
		lookup,
		// A route that rejects is an error of the lookup: it is not suppressed.
		suppress: (rule, result) => routeErrors[result.type] === undefined && suppress(rule, result),
	});
	return found ?? { result: 'ENETUNREACH' };
}

/** fib6_rule_suppress() */
function suppresses({ suppressPrefixLength }: FibRule, length: number): boolean {
	return suppressPrefixLength !== undefined && length <= suppressPrefixLength;
}

/** fib6_rule_match() */
function fib6RuleMatch({ source, destination, tos }: FibRule, flow: Flow6): boolean {
	if (destination !== undefined && !samePrefix(flow.destination, destination.bytes, destination.length))
		return false;
	if (source !== undefined && !samePrefix(flow.source, source.bytes, source.length)) return false;
	return tos === undefined || tos === 0 || tos === (flow.trafficClass & 0xfc);
}
