/** Routing rules of either family: net/core/fib_rules.c and net/l3mdev/l3mdev.c. */
import type { Rule } from '../../../../scenario/scenario.ts';
import { type Bytes, parseAddress } from './address.ts';
import { loopbackIfindex, masterIfindex, type NetDevice } from './device.ts';
import type { Errno } from './error.ts';

export const mainTable = 254;
export const defaultTable = 253;
export const localTable = 255;

/** Where the kernel puts the rule of a VRF (FIB_RULE l3mdev, drivers/net/vrf.c). */
const vrfPriority = 1000;

/** A rule with its prefixes read. */
export interface FibRule extends Rule {
	readonly source?: { readonly number: number; readonly bytes: Bytes; readonly length: number };
	readonly destination?: { readonly number: number; readonly bytes: Bytes; readonly length: number };
}

/** What of a packet rules ask for; addresses are matched by each family itself (struct flowi_common). */
export interface Flow {
	/** ifindex it came in by; the loopback device's for what the host sends itself. */
	iif: number;
	oif: number;
	mark: number;
	/** ifindex of the VRF device, 0 for none. */
	l3mdev: number;
	protocol: number;
	sourcePort: number;
	destinationPort: number;
}

/** The rules of one family in the order they are asked: the scenario's, or those the kernel starts with. */
export function rulesOf(
	rules: readonly Rule[] | undefined,
	family: 'ipv4' | 'ipv6',
	hasVrfs: boolean,
): FibRule[] {
	const own = (rules ?? []).filter((rule) => rule.family === family);
	const list = own.length > 0 ? own : startRules(family, hasVrfs);
	return list.toSorted((a, b) => a.priority - b.priority).map(readRule);
}

function startRules(family: 'ipv4' | 'ipv6', hasVrfs: boolean): Rule[] {
	const lookup = (priority: number, table: number): Rule => ({ family, priority, action: 'lookup', table });
	return [
		lookup(0, localTable),
		...(hasVrfs ? [{ family, priority: vrfPriority, action: 'lookup', vrf: true } as const] : []),
		lookup(32766, mainTable),
		...(family === 'ipv4' ? [lookup(32767, defaultTable)] : []),
	];
}

/** Whether rules are the ones that the kernel starts with. */
export function areStartRules(rules: readonly FibRule[], family: 'ipv4' | 'ipv6'): boolean {
	const start = startRules(family, false);
	return (
		rules.length === start.length &&
		start.every(({ priority, table }, index) => {
			const { family: _, priority: own, action, table: ownTable, ...rest } = rules[index] ?? ({} as FibRule);
			return own === priority && action === 'lookup' && ownTable === table && Object.keys(rest).length === 0;
		})
	);
}

function readRule(rule: Rule): FibRule {
	return {
		...rule,
		...(rule.from === undefined ? {} : { source: parseAddress(rule.from) }),
		...(rule.to === undefined ? {} : { destination: parseAddress(rule.to) }),
	};
}

/** Whether a rule wants more of the packet than its IP header (fib_rule_requires_fldissect). */
export function requiresFlowDissection(rules: readonly FibRule[]): boolean {
	return rules.some(
		({ iif, protocol, sourcePorts, destinationPorts }) =>
			iif !== 'lo' && (protocol !== undefined || sourcePorts !== undefined || destinationPorts !== undefined),
	);
}

/**
 * fib_rule_match(), for all but addresses and TOS.
 * @param devices by ifindex
 */
function fibRuleMatch(rule: FibRule, flow: Flow, devices: readonly (NetDevice | undefined)[]): boolean {
	if (rule.iif !== undefined && !isDevice(rule.iif, flow.iif, devices)) return false;
	if (rule.oif !== undefined && !isDevice(rule.oif, flow.oif, devices)) return false;
	if (((rule.mark ?? 0) ^ flow.mark) & (rule.mark === undefined ? 0 : (rule.markMask ?? 0xffffffff)))
		return false;
	if (rule.vrf === true && flow.l3mdev === 0) return false;
	return (
		(rule.protocol === undefined || rule.protocol === flow.protocol) &&
		inRange(rule.sourcePorts, flow.sourcePort) &&
		inRange(rule.destinationPorts, flow.destinationPort)
	);
}

function isDevice(name: string, ifindex: number, devices: readonly (NetDevice | undefined)[]): boolean {
	const device = devices[ifindex];
	return device?.name === name || device?.master?.name === name;
}

/** A range that is not set matches all; a port of 0 matches none that is set (fib_rule_port_inrange). */
function inRange(range: readonly [number, number] | undefined, port: number): boolean {
	return range === undefined || (port >= range[0] && port <= range[1]);
}

/** l3mdev_update_flow(): a device of a VRF makes the flow the VRF's. */
export function l3mdevUpdateFlow(flow: Flow, devices: readonly (NetDevice | undefined)[]): void {
	const out = flow.oif === 0 ? undefined : devices[flow.oif];
	if (out !== undefined) {
		if (flow.l3mdev === 0) flow.l3mdev = masterIfindex(out);
		if (out.table !== undefined) flow.oif = 0;
		return;
	}
	const device = flow.iif > loopbackIfindex && flow.l3mdev === 0 ? devices[flow.iif] : undefined;
	if (device !== undefined) flow.l3mdev = masterIfindex(device);
}

/** How a family's own part of rules works. */
export interface RuleOperations<Result> {
	/** Whether addresses, TOS and the like match. */
	match(rule: FibRule): boolean;
	/** Look up in a table. */
	lookup(table: number, rule: FibRule): Result | Errno;
	/** Whether a result does not count for this rule. */
	suppress(rule: FibRule, result: Result): boolean;
}

/**
 * fib_rules_lookup(): ask the rules in order. `ESRCH` where none decides.
 * @param result what the rules came to, and by which of them
 */
export function fibRulesLookup<Result extends object>(
	rules: readonly FibRule[],
	flow: Flow,
	devices: readonly (NetDevice | undefined)[],
	operations: RuleOperations<Result>,
): { readonly result: Result | Errno; readonly rule: FibRule } | undefined {
	for (let index = 0; index < rules.length; index++) {
		let rule = rules[index];
		while (rule !== undefined) {
			const matches = fibRuleMatch(rule, flow, devices) && operations.match(rule);
			if (matches === (rule.invert === true)) break;
			if (rule.action === 'goto') {
				const target = rules.findIndex(({ priority }) => priority === rule?.goto);
				if (target < 0) break;
				index = target;
				rule = rules[target];
				continue;
			}
			if (rule.action === 'nop') break;
			const result = ruleAction(rule, flow, devices, operations);
			if (result === 'EAGAIN') break;
			if (typeof result !== 'string' && operations.suppress(rule, result)) break;
			return { result, rule };
		}
	}
	return undefined;
}

/** fib4_rule_action(), __fib6_rule_action() */
function ruleAction<Result extends object>(
	rule: FibRule,
	flow: Flow,
	devices: readonly (NetDevice | undefined)[],
	operations: RuleOperations<Result>,
): Result | Errno {
	switch (rule.action) {
		case 'lookup': {
			const table = rule.vrf === true ? devices[flow.l3mdev]?.table : rule.table;
			return table === undefined ? 'EAGAIN' : operations.lookup(table, rule);
		}
		case 'unreachable':
			return 'ENETUNREACH';
		case 'prohibit':
			return 'EACCES';
		default:
			return 'EINVAL';
	}
}
