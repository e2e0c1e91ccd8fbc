/** A scenario's routing rules as rtnetlink requests. Pure. */
import { EncapForwardError } from '../../error.ts';
import { attribute, type Request, text, u8, u16, u32 } from '../../kernel/netlink.ts';
import { parsePrefix } from '../../packet/address.ts';
import { concatenate } from '../../packet/bytes.ts';
import type { Host, Rule } from '../../scenario/scenario.ts';
import { familyNumber } from './devices.ts';

const newRule = 32; // RTM_NEWRULE
const deleteRule = 33; // RTM_DELRULE
const create = 0x400; // NLM_F_CREATE
const invert = 2; // FIB_RULE_INVERT

/** FR_ACT_… of <linux/fib_rules.h> */
const actions = { lookup: 1, goto: 2, nop: 3, blackhole: 6, unreachable: 7, prohibit: 8 } as const;

/** FRA_… */
const member = {
	destination: 1,
	source: 2,
	inputDevice: 3,
	goto: 4,
	priority: 6,
	mark: 10,
	suppressPrefixLength: 14,
	table: 15,
	markMask: 16,
	outputDevice: 17,
	vrf: 19,
	protocol: 22,
	sourcePorts: 23,
	destinationPorts: 24,
} as const;

/** The rules a namespace starts with. */
const initial: readonly Rule[] = [
	...([0, 32766, 32767] as const).map((priority, index) => ({
		family: 'ipv4' as const,
		priority,
		action: 'lookup' as const,
		table: [255, 254, 253][index] ?? 0,
	})),
	...([0, 32766] as const).map((priority, index) => ({
		family: 'ipv6' as const,
		priority,
		action: 'lookup' as const,
		table: [255, 254][index] ?? 0,
	})),
];

/** What the first VRF brings with it. */
const ofVrfs: readonly Rule[] = (['ipv4', 'ipv6'] as const).map((family) => ({
	family,
	priority: 1000,
	action: 'lookup' as const,
	vrf: true,
}));

/** The rules that the kernel makes for a host of itself. */
export function kernelRules({ vrfs = {} }: Host): readonly Rule[] {
	return Object.keys(vrfs).length === 0 ? initial : [...initial, ...ofVrfs];
}

/** Those of a family, in one text that is the same where they are. */
function signature(rules: readonly Rule[], family: Rule['family']): string {
	return JSON.stringify(rules.filter((rule) => rule.family === family));
}

/** Whether an IPv4 rule is to have been added or deleted (see `Host.everHadRules`). */
export function everHadRules(host: Host): boolean {
	const { rules = kernelRules(host), vrfs = {} } = host;
	if (Object.keys(vrfs).length > 0) return true;
	return host.everHadRules ?? signature(rules, 'ipv4') !== signature(initial, 'ipv4');
}

function prefixOf(rule: Rule, member: 'from' | 'to'): { length: number; bytes: Uint8Array } | undefined {
	const given = rule[member];
	if (given === undefined) return undefined;
	const prefix = parsePrefix(given);
	if (prefix?.family === rule.family) return prefix;
	throw new EncapForwardError(
		'EF_INPUT',
		`the rule ${rule.priority} has "${given}", no ${rule.family} prefix`,
	);
}

function ruleBody(rule: Rule): Uint8Array {
	const [from, to] = [prefixOf(rule, 'from'), prefixOf(rule, 'to')];
	const header = new DataView(new ArrayBuffer(12)); // struct fib_rule_hdr
	header.setUint8(0, familyNumber[rule.family]);
	header.setUint8(1, to?.length ?? 0);
	header.setUint8(2, from?.length ?? 0);
	header.setUint8(3, rule.tos ?? 0);
	header.setUint8(7, actions[rule.action]);
	header.setUint32(8, rule.invert === true ? invert : 0, true);
	const option = <T>(value: T | undefined, type: number, encode: (value: T) => Uint8Array): Uint8Array[] =>
		value === undefined ? [] : [attribute(type, encode(value))];
	const ports = ([first, last]: readonly [number, number]): Uint8Array =>
		concatenate([u16(first), u16(last)]);
	const prefix = ({ bytes }: { bytes: Uint8Array }): Uint8Array => bytes;
	return concatenate([
		new Uint8Array(header.buffer),
		...option(rule.priority, member.priority, u32),
		...option(rule.table, member.table, u32),
		...option(rule.goto, member.goto, u32),
		...option(from?.length === 0 ? undefined : from, member.source, prefix),
		...option(to?.length === 0 ? undefined : to, member.destination, prefix),
		...option(rule.iif, member.inputDevice, text),
		...option(rule.oif, member.outputDevice, text),
		...option(rule.mark, member.mark, u32),
		...option(rule.markMask, member.markMask, u32),
		...option(rule.protocol, member.protocol, u8),
		...option(rule.sourcePorts, member.sourcePorts, ports),
		...option(rule.destinationPorts, member.destinationPorts, ports),
		...option(rule.vrf === true ? 1 : undefined, member.vrf, u8),
		...option(rule.suppressPrefixLength, member.suppressPrefixLength, u32),
	]);
}

function request(rule: Rule, type: typeof newRule | typeof deleteRule): Request {
	const doing = type === newRule ? 'add' : 'delete';
	return {
		type,
		flags: type === newRule ? create : 0,
		body: ruleBody(rule),
		what: `${doing} the ${rule.family} rule ${rule.priority}`,
	};
}

/** The rules of a host, or those it starts with. */
export function rulesOf(host: Host): readonly Rule[] {
	return host.rules ?? kernelRules(host);
}

/** Change rules from some to others. */
export function ruleRequests(was: readonly Rule[], next: readonly Rule[]): Request[] {
	return (['ipv4', 'ipv6'] as const).flatMap((family) => {
		if (signature(was, family) === signature(next, family)) return [];
		const ofFamily = (rules: readonly Rule[]): Rule[] => rules.filter((rule) => rule.family === family);
		return [
			...ofFamily(was).map((rule) => request(rule, deleteRule)),
			...ofFamily(next).map((rule) => request(rule, newRule)),
		];
	});
}

/** Add and delete an IPv4 rule, which the kernel remembers for as long as the namespace lives. */
export const touchRules: readonly Request[] = [newRule, deleteRule].map((type) =>
	request({ family: 'ipv4', priority: 32765, action: 'nop' }, type as typeof newRule | typeof deleteRule),
);
