/** IPv4 routing rules, and the lookup through them: net/ipv4/fib_rules.c, and fib_lookup() of net/ip_fib.h. */
import { ipv4Mask } from '../core/address.ts';
import type { Errno } from '../core/error.ts';
import {
	defaultTable,
	type FibRule,
	fibRulesLookup,
	l3mdevUpdateFlow,
	mainTable,
} from '../core/fib-rules.ts';
import type { Net } from '../core/net.ts';
import { type FibResult, type Flow4, fibTableLookup, tosMatches } from './fib-trie.ts';

export interface Lookup4 {
	readonly result: FibResult | Errno;
	/** The rule that decided; undefined where the kernel asks none. */
	readonly rule?: FibRule;
}

/** fib_lookup(): without custom rules the tables are asked directly. */
export function fibLookup(net: Net, flow: Flow4, ignoreLinkState = false): Lookup4 {
	const { hasCustomRules, tables } = net.ipv4;
	if (hasCustomRules) return fibLookupByRules(net, flow, ignoreLinkState);
	let result: FibResult | Errno = 'ENETUNREACH';
	const main = tables.get(mainTable);
	if (main !== undefined) result = fibTableLookup(net, main, flow, ignoreLinkState);
	if (typeof result !== 'string') return { result };
	const other = tables.get(defaultTable);
	if (other !== undefined) result = fibTableLookup(net, other, flow, ignoreLinkState);
	return { result: result === 'EAGAIN' ? 'ENETUNREACH' : result };
}

/** __fib_lookup() */
function fibLookupByRules(net: Net, flow: Flow4, ignoreLinkState: boolean): Lookup4 {
	l3mdevUpdateFlow(flow, net.devices);
	const found = fibRulesLookup<FibResult>(net.ipv4.rules, flow, net.devices, {
		match: (rule) => fib4RuleMatch(rule, flow),
		lookup: (id) => {
			const table = net.ipv4.tables.get(id);
			return table === undefined ? 'EAGAIN' : fibTableLookup(net, table, flow, ignoreLinkState);
		},
		suppress: ({ suppressPrefixLength }, { alias }) =>
			suppressPrefixLength !== undefined && alias.length <= suppressPrefixLength,
	});
	return found ?? { result: 'ENETUNREACH' };
}

/** fib4_rule_match() */
function fib4RuleMatch({ source, destination, tos }: FibRule, flow: Flow4): boolean {
	if (source !== undefined && ((flow.source ^ source.number) & ipv4Mask(source.length)) !== 0) return false;
	if (
		destination !== undefined &&
		((flow.destination ^ destination.number) & ipv4Mask(destination.length)) !== 0
	)
		return false;
	return tos === undefined || tos === 0 || tosMatches(tos, flow);
}
