/** Routing rules as a scenario has them, and what can be told of their history. */
import type { Family } from '../packet/address.ts';
import type { Rule } from '../scenario/scenario.ts';
import { dsField, parseNumber, protocolNumber, tableNumber } from './ip-words.ts';
import type { IpRoute, IpRule, Snapshot } from './snapshot.ts';

/** Those that every namespace begins with. */
const standard = { 0: 255, 32766: 254, 32767: 253 } as const;

export function hostRules(snapshot: Snapshot): Rule[] {
	return (['ipv4', 'ipv6'] as const).flatMap((family) =>
		snapshot.rules[family].flatMap((rule) => ruleOf(snapshot, family, rule)),
	);
}

/**
 * Whether the snapshot shows that a rule was added or a local route made by hand: both have the kernel
 * validate sources by its tables from then on (fib_has_custom_rules, fib_has_custom_local_routes).
 */
export function knowsRulesHistory({ rules, routes, tables }: Snapshot): boolean {
	const left = rules.ipv4.filter(({ priority, src, not, table }) => {
		const usual = standard[priority as keyof typeof standard];
		return !(
			src === 'all' &&
			not === undefined &&
			usual !== undefined &&
			tableNumber(tables, table) === usual
		);
	});
	if (left.length > 0 || rules.ipv4.length !== Object.keys(standard).length) return true;
	return routes.ipv4.some((route) => route.type === 'local' && !isKernelMade(route));
}

/** Whether the kernel made the route, of an address. */
export function isKernelMade({ protocol }: IpRoute): boolean {
	return protocol === 'kernel';
}

/** None for a rule that no packet from outside can match. */
function ruleOf({ tables }: Snapshot, family: Family, rule: IpRule): Rule[] {
	const { priority, table, src, srclen, dst, dstlen, iif, oif, fwmark, fwmask, not } = rule;
	// What comes in by a device belongs to no user but root, and to no tunnel's metadata.
	const impossible = (rule.uid_start ?? 0) > 0 || (parseNumber(String(rule.tun_id ?? 0)) ?? 0) > 0;
	if (impossible && not === undefined) return [];
	const length = family === 'ipv4' ? 32 : 128;
	const prefix = (address: string | undefined, bits: number | undefined): string | undefined =>
		address === undefined || address === 'all' ? undefined : `${address}/${bits ?? length}`;
	const selectors: Partial<Rule> = {
		...given('from', prefix(src, srclen)),
		...given('to', prefix(dst, dstlen)),
		...given('iif', iif),
		...given('oif', oif),
		...given('tos', fieldOf(rule)),
		...given('mark', fwmark === undefined ? undefined : parseNumber(fwmark)),
		...given('markMask', fwmask === undefined ? undefined : parseNumber(fwmask)),
		...given('protocol', rule.ipproto === undefined ? undefined : protocolNumber(rule.ipproto)),
		...given('sourcePorts', ports(rule.sport, rule.sport_start, rule.sport_end)),
		...given('destinationPorts', ports(rule.dport, rule.dport_start, rule.dport_end)),
		...(rule.l3mdev === undefined ? {} : { vrf: true }),
		...(not === undefined ? {} : { invert: true }),
	};
	return [
		{
			family,
			priority,
			action: actionOf(rule),
			...(impossible ? {} : selectors),
			...given('table', table === undefined ? undefined : tableNumber(tables, table)),
			...given('goto', rule.goto),
			...given('suppressPrefixLength', rule.suppress_prefixlen),
		},
	];
}

function given<Name extends keyof Rule>(name: Name, value: Rule[Name] | undefined): Partial<Rule> {
	return value === undefined ? {} : { [name]: value };
}

function actionOf({ action, goto, nop }: IpRule): Rule['action'] {
	if (goto !== undefined) return 'goto';
	if (nop !== undefined) return 'nop';
	return action === 'blackhole' || action === 'unreachable' || action === 'prohibit' ? action : 'lookup';
}

function fieldOf({ tos, dscp }: IpRule): number | undefined {
	if (tos !== undefined) return dsField(tos);
	if (dscp === undefined) return undefined;
	const number = parseNumber(dscp);
	return number === undefined ? dsField(dscp) : number << 2;
}

function ports(
	one: number | undefined,
	first: number | undefined,
	last: number | undefined,
): readonly [number, number] | undefined {
	if (one !== undefined) return [one, one];
	return first === undefined || last === undefined ? undefined : [first, last];
}
