/** Random routes and next-hop objects that a kernel takes. */
import type { Family } from '../../packet/address.ts';
import type { NextHop, NextHopObject, Route } from '../scenario.ts';
import { ambiguous, anyAddress, remotePrefix } from './addresses.ts';
import type { Source } from './source.ts';
import { hasIpv6, isWell, type World } from './world.ts';

/** Tables that routes and rules speak of. */
export const tables = [100, 200] as const;

interface Routing {
	readonly routes: readonly Route[];
	readonly nextHopObjects: readonly NextHopObject[];
}

export function randomRouting(source: Source, world: World): Routing {
	const objects = source.percent(25) ? nextHopObjects(source, world) : [];
	const groups = objects.filter(isGroupOfSeveral);
	const single = objects.filter((object) => !isGroupOfSeveral(object));
	const routes = (['ipv4', 'ipv6'] as const).flatMap((family) => [
		// Most hosts have a default route.
		...(source.percent(50) ? [defaultRoute(source, world, family)] : []),
		...Array.from({ length: source.below(5) }, () => randomRoute(source, world, family, single)),
		...(source.percent(15) ? [manyWays(source, world, family)] : []),
		...groups.filter((group) => group.family === family).map(({ id }) => groupRoute(family, id)),
	]);
	// Where there ever is a local route there always is one: only a new namespace would forget it.
	const local: Route[] = world.localRoutes
		? [{ family: 'ipv4', destination: '198.18.0.1/32', type: 'local', nextHops: [{ device: 'lo' }] }]
		: [];
	const given = [...local, ...routes].filter((route) => route !== undefined);
	// A gateway is looked up when its route is made: routes that could hide one come last.
	return {
		routes: withoutTwins(given).toSorted((a, b) => hides(a) - hides(b)),
		nextHopObjects: objects,
	};
}

function hides({ destination, type = 'unicast' }: Route): number {
	if (type !== 'unicast') return 2;
	return isNarrow(destination) ? 1 : 0;
}

/** Whether it lies within the networks of the router's own links, and so can hide a gateway. */
function isNarrow(destination: string): boolean {
	return /^(10\.[01]\.|fc00:[01]:)/.test(destination);
}

/** Routes that a kernel would refuse for being there already. */
function withoutTwins(routes: readonly Route[]): Route[] {
	const keys = new Set<string>();
	return routes.filter(({ family, destination, table = 254, tos = 0, metric = 0, from = '' }) => {
		// Of those that can hide a gateway there is one: none can hide another's.
		const key = isNarrow(destination)
			? `${family} narrow`
			: [family, destination, table, tos, metric, from].join(' ');
		return !keys.has(key) && keys.add(key);
	});
}

/** Devices that can lead somewhere. */
function ways(world: World, family: Family): string[] {
	return Object.keys(world.router).filter(
		(name) => isWell(world.router[name]) && (family === 'ipv4' || hasIpv6(world.router[name])),
	);
}

function gateway(source: Source, world: World, family: Family): NextHop | undefined {
	const near = source.anyOf(
		world.known[family].near.filter(
			({ onLink, device }) => onLink && (family === 'ipv4' || device !== world.noIpv6),
		),
	);
	return near && { device: near.device, via: near.address };
}

/** One way to anywhere. */
function nextHop(source: Source, world: World, family: Family): NextHop | undefined {
	return source.choose<NextHop | undefined>([
		[75, () => gateway(source, world, family)],
		[10, () => onLinkDevice(source, world, family)],
		[
			8,
			() => {
				const hop = onLinkDevice(source, world, family);
				const via = family === 'ipv4' ? '192.0.2.254' : 'fe80::254';
				return hop && { ...hop, via, onlink: true };
			},
		],
		// An IPv6 gateway of an IPv4 route (RFC 5549).
		[7, () => gateway(source, world, family === 'ipv4' ? 'ipv6' : family)],
	]);
}

function onLinkDevice(source: Source, world: World, family: Family): NextHop | undefined {
	const device = source.anyOf(
		ways(world, family).filter((name) => family === 'ipv4' || name !== world.noIpv6),
	);
	return device === undefined ? undefined : { device };
}

function defaultRoute(source: Source, world: World, family: Family): Route | undefined {
	const hop = gateway(source, world, family);
	const destination = family === 'ipv4' ? '0.0.0.0/0' : '::/0';
	return hop && { family, destination, nextHops: [hop] };
}

/** What a route has besides its destination and its way. */
function details(source: Source, family: Family): Partial<Route> {
	return {
		...(source.percent(25) ? { table: source.pick(tables) } : {}),
		...(source.percent(15) ? { metric: source.pick([10, 50, 2000]) } : {}),
		...(family === 'ipv4' && source.percent(6) ? { tos: source.pick([0x08, 0x10]) } : {}),
	};
}

function metrics(source: Source): Partial<Route> {
	return {
		...(source.percent(10) ? { mtu: source.pick([1280, 1300, 1450]), mtuLocked: source.percent(30) } : {}),
		...(source.percent(3) ? { lightweightTunnel: true } : {}),
	};
}

function randomRoute(
	source: Source,
	world: World,
	family: Family,
	objects: readonly NextHopObject[],
): Route | undefined {
	const prefix = source.choose<string>([
		[80, () => remotePrefix(source, family)],
		[10, () => `${anyHost(source, world, family)}`],
		[10, () => (family === 'ipv4' ? source.pick(['10.0.1.0/25', '10.0.0.0/8']) : 'fc00:0:1::/80')],
	]);
	const route = { family, destination: prefix, ...details(source, family) };
	return source.choose<Route | undefined>([
		[
			60,
			() => {
				const hop = nextHop(source, world, family);
				const from = family === 'ipv6' && source.percent(6) ? { from: '2001:db8:1::/64' } : {};
				return hop && { ...route, nextHops: [hop], ...metrics(source), ...from };
			},
		],
		[
			12,
			() => {
				const usable = objects.filter(
					(object) => object.blackhole === true || family === 'ipv4' || object.family === 'ipv6',
				);
				const object = source.anyOf(usable.filter((each) => family === each.family || family === 'ipv4'));
				return object && { ...route, nextHopObject: object.id };
			},
		],
		[20, () => ({ ...route, type: source.pick(['blackhole', 'unreachable', 'prohibit', 'throw'] as const) })],
		[
			8,
			() => {
				const type = family === 'ipv4' ? source.pick(['local', 'broadcast', 'anycast'] as const) : 'local';
				if (family === 'ipv4' && type === 'local' && !world.localRoutes) return undefined;
				const hop = source.percent(50) ? { device: 'lo' } : onLinkDevice(source, world, family);
				const { metric, ...rest } = route;
				return hop && { ...rest, type, nextHops: [hop] };
			},
		],
	]);
}

/** A single address as a destination. */
function anyHost(source: Source, world: World, family: Family): string {
	const near = source.anyOf(world.known[family].near)?.address ?? anyAddress(source, world, family);
	return near.startsWith('fe80') || near.startsWith('ff')
		? '2001:db8:1::9/128'
		: `${near}/${family === 'ipv4' ? 32 : 128}`;
}

/** Of several ways nobody could say beforehand which a packet takes: they lead to a network that none is sent to. */
function ambiguousNetwork(family: Family): string {
	return family === 'ipv4' ? `${ambiguous.ipv4}.0/24` : `${ambiguous.ipv6}/64`;
}

function groupRoute(family: Family, nextHopObject: number): Route {
	return { family, destination: ambiguousNetwork(family), nextHopObject };
}

function isGroupOfSeveral({ group }: NextHopObject): boolean {
	return group !== undefined && group.length > 1;
}

/** A multipath route. */
function manyWays(source: Source, world: World, family: Family): Route | undefined {
	const first = gateway(source, world, family);
	if (first === undefined) return undefined;
	const others = Array.from({ length: 1 + source.below(2) }, () => gateway(source, world, family));
	const hops = [first, ...others.filter((hop) => hop !== undefined)];
	const different = hops.filter(
		(hop, index) => hops.findIndex((other) => other.device === hop.device && other.via === hop.via) === index,
	);
	if (different.length < 2) return undefined;
	return {
		family,
		destination: ambiguousNetwork(family),
		nextHops: different.map((hop) => ({ ...hop, weight: 1 + source.below(3) })),
	};
}

function nextHopObjects(source: Source, world: World): NextHopObject[] {
	const objects: NextHopObject[] = [];
	for (let id = 1; id <= 3; id++) {
		const family = source.pick(['ipv4', 'ipv6'] as const);
		if (source.percent(15)) objects.push({ id, family, blackhole: true });
		else {
			const hop = source.percent(80) ? gateway(source, world, family) : onLinkDevice(source, world, family);
			if (hop !== undefined) objects.push({ id, family, nextHop: hop });
		}
	}
	for (const [id, family] of [
		[10, 'ipv4'],
		[11, 'ipv6'],
	] as const) {
		const members = objects.filter((object) => object.family === family && object.nextHop !== undefined);
		if (members.length < 2) continue;
		const group = members.map((member) => ({ id: member.id, weight: member.id }));
		objects.push({ id, family, group });
	}
	// A group of one.
	const member = source.anyOf(objects.filter(({ nextHop }) => nextHop !== undefined));
	if (member !== undefined && source.percent(40)) {
		objects.push({ id: 9, family: member.family, group: [{ id: member.id }] });
	}
	return objects;
}
