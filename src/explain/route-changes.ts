/** Routes and rules that might be added or removed. */
import { formatIp, type IpAddress } from '../packet/address.ts';
import type { NextHop, Route, Rule } from '../scenario/scenario.ts';
import { type Change, ipCommand } from './change.ts';
import type { Facts } from './facts.ts';
import { type Neighbourhood, neighbourKnowledge, routeCovers, type State, waysOf } from './state.ts';

const mainTable = 254;
const localTable = 255;
const tableNames: Readonly<Record<number, string>> = { 253: 'default', 254: 'main', 255: 'local' };

/** Routes that end a packet's way. */
const refusing: ReadonlySet<string> = new Set(['blackhole', 'unreachable', 'prohibit', 'throw']);

export function routeChanges(state: State, facts: Facts): Change[] {
	const { headers, ingress, egress } = facts;
	const sources = headers.map(({ source }) => source);
	const destinations = headers.map(({ destination }) => destination);
	const ways = egressWays(state, facts);
	return [
		...removals(state, [...destinations, ...sources]),
		...sources.flatMap((source) => backRoutes(state, ingress, source)),
		...destinations.flatMap((destination) =>
			ways
				.filter(({ device }) => device !== ingress || egress.includes(ingress))
				.flatMap((way) => addRoute(state, destination, way, 1)),
		),
		...ruleChanges(state, facts),
	];
}

/** A route of its own for an address: on the device's link, or by a gateway that another route has there. */
function addRoute({ host }: State, address: IpAddress, way: NextHop, openness: number): Change[] {
	const { device, via } = way;
	if (host.devices[device] === undefined || host.vrfs?.[device] !== undefined) return [];
	const destination = `${formatIp(address.bytes)}/${address.bytes.length * 8}`;
	const vrf = host.devices[device]?.vrf;
	const table = vrf === undefined ? mainTable : (host.vrfs?.[vrf] ?? mainTable);
	const taken = host.routes?.some(
		(route) => route.destination === destination && (route.table ?? mainTable) === table,
	);
	if (taken) return [];
	const inTable = table === mainTable ? '' : ` table ${table}`;
	const nextHop = { device, address: via ?? formatIp(address.bytes) };
	const route: Route = { family: address.family, destination, table, nextHops: [way] };
	return [
		{
			kind: 'route',
			openness,
			...ipCommand(
				`route add ${destination}${via === undefined ? '' : ` via ${via}`} dev ${device}${inTable}`,
			),
			affects: `all that goes to ${formatIp(address.bytes)} leaves by ${device}, what this host itself sends there too; ${nextHop.address} has to be on its link`,
			subject: `route ${destination}`,
			apply: (before) =>
				withRoutes(withNextHop(before, nextHop, address), [...(before.host.routes ?? []), route]),
		},
	];
}

/** The way back to a source by the device it came in by. */
function backRoutes(state: State, ingress: string, source: IpAddress): Change[] {
	const gateways = gatewaysOn(state, ingress, source.family);
	const ways = [...gateways.map((via) => ({ device: ingress, via })), { device: ingress }];
	return ways.flatMap((way, index) => addRoute(state, source, way, index));
}

function gatewaysOn({ host }: State, device: string, family: string): string[] {
	const gateways = (host.routes ?? [])
		.filter((route) => route.family === family)
		.flatMap((route) => waysOf(host, route))
		.flatMap((way) => (way.device === device && way.via !== undefined ? [way.via] : []));
	return [...new Set(gateways)].slice(0, 2);
}

/** Ways that a packet without a route might take: those of default routes, and those links there are. */
function egressWays(state: State, { ingress, families }: Facts): NextHop[] {
	const { host } = state;
	const defaults = (host.routes ?? [])
		.filter(({ destination }) => destination === '0.0.0.0/0' || destination === '::/0')
		.filter(({ family }) => families.includes(family))
		.flatMap((route) => waysOf(host, route));
	const links = Object.entries(host.devices)
		.filter(
			([name, { up, addresses }]) =>
				name !== 'lo' && name !== ingress && up !== false && addresses.length > 0,
		)
		.map(([device]) => ({ device }));
	return [...defaults, ...links].slice(0, 8);
}

function removals(state: State, addresses: readonly IpAddress[]): Change[] {
	return (state.host.routes ?? [])
		.filter(
			(route) => refusing.has(route.type ?? '') && addresses.some((address) => routeCovers(route, address)),
		)
		.map((route) => {
			const { family, type, destination, table = mainTable } = route;
			const words = `${family === 'ipv6' ? '-6 ' : ''}route del ${type} ${destination}`;
			const metric = route.metric === undefined || route.metric === 0 ? '' : ` metric ${route.metric}`;
			return {
				kind: 'route' as const,
				openness: 0,
				...ipCommand(`${words}${table === mainTable ? '' : ` table ${table}`}${metric}`),
				affects: `what goes to ${destination} takes the route that is next best, if there is one`,
				subject: `route ${type} ${destination} ${table}`,
				apply: (before: State) =>
					withRoutes(
						before,
						(before.host.routes ?? []).filter((each) => each !== route),
					),
			};
		});
}

/** Where there is no route, one that nothing is known of answers, as those of the routes that are there do. */
function withNextHop(state: State, nextHop: Neighbourhood, destination: IpAddress): State {
	const { host, answering } = state;
	const known = answering.some(
		({ device, address }) => device === nextHop.device && address === nextHop.address,
	);
	const routed = host.routes?.some(
		(route) => (route.type ?? 'unicast') === 'unicast' && routeCovers(route, destination),
	);
	if (known || routed || neighbourKnowledge(host, nextHop) !== 'none') return state;
	return { ...state, answering: [...answering, nextHop] };
}

function withRoutes(state: State, routes: readonly Route[]): State {
	return { ...state, host: { ...state.host, routes } };
}

/** Rules that send the packet, or the look-up of the way back, to another table; and refusing ones that go. */
function ruleChanges(state: State, { headers }: Facts): Change[] {
	const rules = state.host.rules ?? [];
	const changes: Change[] = [];
	for (const rule of rules) {
		if (rule.action === 'lookup' || rule.action === 'goto' || rule.action === 'nop') continue;
		changes.push({
			kind: 'rule',
			openness: 3,
			...ipCommand(`${rule.family === 'ipv6' ? '-6 ' : ''}rule del priority ${rule.priority}`),
			affects: `every packet that the rule at ${rule.priority} matches goes on to the rules behind it`,
			subject: `rule ${rule.family} ${rule.priority}`,
			apply: (before) =>
				withRules(
					before,
					(before.host.rules ?? []).filter((each) => each !== rule),
				),
		});
	}
	for (const { family, source, destination } of headers) {
		const own = rules.filter((rule) => rule.family === family && rule.priority > 0);
		const first = Math.min(...own.map(({ priority }) => priority));
		// With the rules that every host begins with there is no other table to look in.
		if (!(first > 1 && first < 32766)) continue;
		const tables = new Set(
			own.flatMap(({ table }) => (table === undefined || table === localTable ? [] : [table])),
		);
		for (const table of [mainTable, ...[...tables].filter((each) => each !== mainTable)].slice(0, 5)) {
			for (const [index, address] of [source, destination].entries()) {
				const to = `${formatIp(address.bytes)}/${address.bytes.length * 8}`;
				const rule: Rule = { family, priority: first - 1, action: 'lookup', table, to };
				const what = index === 0 ? 'the way back to' : 'what goes to';
				changes.push({
					kind: 'rule',
					openness: table === mainTable ? index : 2 + index,
					...ipCommand(
						`${family === 'ipv6' ? '-6 ' : ''}rule add to ${to} lookup ${tableNames[table] ?? table} priority ${first - 1}`,
					),
					affects: `${what} ${formatIp(address.bytes)} is looked up in table ${tableNames[table] ?? table} first, for what this host sends too`,
					subject: `rule ${to}`,
					apply: (before) => withRules(before, [rule, ...(before.host.rules ?? [])]),
				});
			}
		}
	}
	return changes;
}

/** In order of priority; a rule that is added comes before those of the same. */
function withRules(state: State, rules: readonly Rule[]): State {
	const sorted = rules.toSorted((a, b) => a.priority - b.priority);
	return { ...state, host: { ...state.host, rules: sorted, everHadRules: true } };
}
