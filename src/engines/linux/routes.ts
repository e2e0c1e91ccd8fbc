/** A scenario's routes and next-hop objects as rtnetlink requests. Pure. */
import { EncapForwardError } from '../../error.ts';
import { attribute, nested, type Request, u16, u32 } from '../../kernel/netlink.ts';
import { type Family, type Prefix, parseIp, parsePrefix } from '../../packet/address.ts';
import { concatenate } from '../../packet/bytes.ts';
import type { Host, NextHop, NextHopObject, Route, RouteType } from '../../scenario/scenario.ts';
import { type DeviceNumbers, familyNumber, numberOf } from './devices.ts';

const newRoute = 24; // RTM_NEWROUTE
const deleteRoute = 25; // RTM_DELROUTE
const newNextHop = 104; // RTM_NEWNEXTHOP
const deleteNextHop = 105; // RTM_DELNEXTHOP
const create = 0x600; // NLM_F_CREATE | NLM_F_EXCL

/** RTN_… of <linux/rtnetlink.h> */
const types: Readonly<Record<RouteType, number>> = {
	unicast: 1,
	local: 2,
	broadcast: 3,
	anycast: 4,
	multicast: 5,
	blackhole: 6,
	unreachable: 7,
	prohibit: 8,
	throw: 9,
};

/** RT_SCOPE_… */
const scopes = { universe: 0, link: 253, host: 254 } as const;
const administrator = 4; // RTPROT_STATIC
const mainTable = 254;
const onlink = 4; // RTNH_F_ONLINK

/** RTA_… */
const member = {
	destination: 1,
	source: 2,
	device: 4,
	gateway: 5,
	priority: 6,
	preferredSource: 7,
	metrics: 8,
	multipath: 9,
	table: 15,
	via: 18,
	encapsulationType: 21,
	encapsulation: 22,
	nextHopId: 30,
} as const;
const metric = { lock: 1, mtu: 2 } as const; // RTAX_…
const nextHopMember = { id: 1, group: 2, blackhole: 4, device: 5, gateway: 6 } as const; // NHA_…

function prefixOf(text: string, family: Family): Prefix {
	const prefix = parsePrefix(text);
	if (prefix?.family !== family) {
		throw new EncapForwardError('EF_INPUT', `"${text}" is no ${family} prefix; give one such as 10.0.0.0/8`);
	}
	return prefix;
}

function addressOf(text: string): NonNullable<ReturnType<typeof parseIp>> {
	const address = parseIp(text);
	if (address === undefined) throw new EncapForwardError('EF_INPUT', `"${text}" is no IP address`);
	return address;
}

/** What `ip route` takes for a route's scope (IPv4) where it is not told one. */
function scopeOf({ family, type = 'unicast', nextHops = [], nextHopObject }: Route): number {
	if (family === 'ipv6') return scopes.universe;
	if (type === 'local') return scopes.host;
	if (type === 'broadcast' || type === 'multicast' || type === 'anycast') return scopes.link;
	const direct = nextHops.length === 1 && nextHops[0]?.via === undefined && nextHopObject === undefined;
	return type === 'unicast' && direct ? scopes.link : scopes.universe;
}

/** RTA_GATEWAY, or RTA_VIA where the gateway is of another family than the route (RFC 5549). */
function gateway({ via }: NextHop, family: Family): Uint8Array[] {
	if (via === undefined) return [];
	const address = addressOf(via);
	return address.family === family
		? [attribute(member.gateway, address.bytes)]
		: [attribute(member.via, concatenate([u16(familyNumber[address.family]), address.bytes]))];
}

function nextHops(
	{ family, nextHops = [] }: Route,
	numbers: DeviceNumbers,
): { flags: number; attributes: Uint8Array[] } {
	const [first] = nextHops;
	if (first === undefined) return { flags: 0, attributes: [] };
	if (nextHops.length === 1) {
		return {
			flags: first.onlink === true ? onlink : 0,
			attributes: [attribute(member.device, u32(numberOf(numbers, first.device))), ...gateway(first, family)],
		};
	}
	const legs = nextHops.map((each) => {
		const attributes = concatenate(gateway(each, family));
		const header = new DataView(new ArrayBuffer(8)); // struct rtnexthop
		header.setUint16(0, 8 + attributes.length, true);
		header.setUint8(2, each.onlink === true ? onlink : 0);
		header.setUint8(3, (each.weight ?? 1) - 1);
		header.setInt32(4, numberOf(numbers, each.device), true);
		return concatenate([new Uint8Array(header.buffer), attributes]);
	});
	return { flags: 0, attributes: [attribute(member.multipath, concatenate(legs))] };
}

function metrics({ mtu, mtuLocked }: Route): Uint8Array[] {
	if (mtu === undefined) return [];
	const lock = mtuLocked === true ? [attribute(metric.lock, u32(1 << metric.mtu))] : [];
	return [nested(member.metrics, [...lock, attribute(metric.mtu, u32(mtu))])];
}

/** `encap ip id 1 dst …`: the simplest there is, of the route's own family. */
function lightweightTunnel({ family, lightweightTunnel }: Route): Uint8Array[] {
	if (lightweightTunnel !== true) return [];
	const end = addressOf(family === 'ipv4' ? '192.0.2.1' : '2001:db8::1').bytes;
	const id = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1);
	return [
		nested(member.encapsulation, [attribute(1, id), attribute(2, end)]), // LWTUNNEL_IP_ID, LWTUNNEL_IP_DST
		attribute(member.encapsulationType, u16(family === 'ipv4' ? 2 : 4)), // LWTUNNEL_ENCAP_IP, LWTUNNEL_ENCAP_IP6
	];
}

/** Given in IPv6 also where it is the default: a deletion without one takes the first route it meets. */
function priority({ family, metric = 0 }: Route): Uint8Array[] {
	const value = family === 'ipv6' && metric === 0 ? 1024 : metric;
	return value === 0 ? [] : [attribute(member.priority, u32(value))];
}

function routeBody(route: Route, numbers: DeviceNumbers): Uint8Array {
	const { family, type = 'unicast', table = mainTable } = route;
	const destination = prefixOf(route.destination, family);
	const from = route.from === undefined ? undefined : prefixOf(route.from, family);
	const hops = nextHops(route, numbers);
	const header = new DataView(new ArrayBuffer(12)); // struct rtmsg
	header.setUint8(0, familyNumber[family]);
	header.setUint8(1, destination.length);
	header.setUint8(2, from?.length ?? 0);
	header.setUint8(3, route.tos ?? 0);
	header.setUint8(4, table < 256 ? table : 0);
	header.setUint8(5, administrator);
	header.setUint8(6, scopeOf(route));
	header.setUint8(7, types[type]);
	header.setUint32(8, hops.flags, true);
	return concatenate([
		new Uint8Array(header.buffer),
		attribute(member.table, u32(table)),
		...(destination.length === 0 ? [] : [attribute(member.destination, destination.bytes)]),
		...(from === undefined || from.length === 0 ? [] : [attribute(member.source, from.bytes)]),
		...priority(route),
		...(route.source === undefined ? [] : [attribute(member.preferredSource, addressOf(route.source).bytes)]),
		...(route.nextHopObject === undefined ? [] : [attribute(member.nextHopId, u32(route.nextHopObject))]),
		...hops.attributes,
		...metrics(route),
		...lightweightTunnel(route),
	]);
}

function routeText({ type = 'unicast', destination, table, nextHops = [], nextHopObject }: Route): string {
	const ways = nextHops.map(({ device, via }) => `${via === undefined ? '' : ` via ${via}`} dev ${device}`);
	const object = nextHopObject === undefined ? '' : ` nhid ${nextHopObject}`;
	return `route ${type} ${destination}${ways.join('')}${object}${table === undefined ? '' : ` table ${table}`}`;
}

/** struct nhmsg and its members. */
function nextHopBody(
	{ id, family, nextHop, group, blackhole }: NextHopObject,
	numbers: DeviceNumbers,
): Uint8Array {
	const via = nextHop?.via === undefined ? undefined : addressOf(nextHop.via);
	const header = new DataView(new ArrayBuffer(8));
	header.setUint8(0, group === undefined ? familyNumber[via?.family ?? family] : 0);
	header.setUint8(2, administrator);
	header.setUint32(4, nextHop?.onlink === true ? onlink : 0, true);
	const members = (group ?? []).map((each) =>
		concatenate([u32(each.id), Uint8Array.of((each.weight ?? 1) - 1, 0, 0, 0)]),
	); // struct nexthop_grp
	return concatenate([
		new Uint8Array(header.buffer),
		attribute(nextHopMember.id, u32(id)),
		...(group === undefined ? [] : [attribute(nextHopMember.group, concatenate(members))]),
		...(blackhole === true ? [attribute(nextHopMember.blackhole, new Uint8Array())] : []),
		...(nextHop === undefined
			? []
			: [attribute(nextHopMember.device, u32(numberOf(numbers, nextHop.device)))]),
		...(via === undefined ? [] : [attribute(nextHopMember.gateway, via.bytes)]),
	]);
}

/** Make a host's next-hop objects, then its routes. */
export function routeRequests(host: Host, numbers: DeviceNumbers): Request[] {
	const objects = (host.nextHopObjects ?? []).map((object) => ({
		type: newNextHop,
		flags: create,
		body: nextHopBody(object, numbers),
		what: `add the next-hop object ${object.id}`,
	}));
	const routes = (host.routes ?? []).map((route) => ({
		type: newRoute,
		flags: create,
		body: routeBody(route, numbers),
		what: `add the ${routeText(route)}`,
	}));
	return [...objects, ...routes];
}

/** Delete them again, the last first: a group goes before its members. */
export function unrouteRequests(host: Host, numbers: DeviceNumbers): Request[] {
	const routes = (host.routes ?? []).map((route) => ({
		type: deleteRoute,
		flags: 0,
		body: routeBody(route, numbers),
		what: `delete the ${routeText(route)}`,
	}));
	const objects = (host.nextHopObjects ?? []).map(({ id }) => ({
		type: deleteNextHop,
		flags: 0,
		body: concatenate([new Uint8Array(8), attribute(nextHopMember.id, u32(id))]),
		what: `delete the next-hop object ${id}`,
	}));
	return [...routes.toReversed(), ...objects.toReversed()];
}
