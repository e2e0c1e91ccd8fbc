/** Where an incoming IPv6 packet goes: net/ipv6/route.c. */
import type { Outcome } from '../../../../journey/journey.ts';
import { formatIpv6 } from '../../../../packet/address.ts';
import type { Refusal, Walk } from '../../walk.ts';
import { type Bytes, isAny6, isMulticast6, needsStrict6 } from '../core/address.ts';
import { loopbackIfindex, masterIfindex } from '../core/device.ts';
import { type Errno, routeErrors } from '../core/error.ts';
import { skbPorts } from '../core/flow-dissector.ts';
import type { Net } from '../core/net.ts';
import type { Nexthop } from '../core/nexthop.ts';
import { byteAt, type Skb, wordAt } from '../core/skb.ts';
import { type Fib6Result, fib6SelectPath } from './fib6-lookup.ts';
import { type Flow6, fib6RuleLookup } from './fib6-rules.ts';
import { icmpv6Send } from './icmp.ts';
import type { Fib6Info } from './ip6-fib.ts';
import { destinationOf, sourceOf } from './ip6-input.ts';
import { ipv6DevGetSaddr } from './source-address.ts';

export type InputRoute6 =
	| { readonly kind: 'local' }
	| { readonly kind: 'multicast' }
	| { readonly kind: 'forward'; readonly info: Fib6Info; readonly nexthop: Nexthop }
	| { readonly kind: 'error'; readonly error: Errno };

/** ip6_route_input() */
export function ip6RouteInput(walk: Walk, skb: Skb): InputRoute6 {
	const { net } = walk;
	const where = 'ip6_route_input';
	const destination = destinationOf(skb);
	const strict = needsStrict6(destination);
	const flow: Flow6 = {
		// Of a VRF's device the VRF, but for what is the link's own.
		iif: strict ? skb.ingress.ifindex : skb.device.ifindex,
		oif: 0,
		l3mdev: 0,
		mark: skb.mark,
		destination,
		source: sourceOf(skb),
		trafficClass: (wordAt(skb, 0) >> 4) & 0xff,
		...(net.ipv6.requireFlowDissection
			? skbPorts(skb)
			: { protocol: byteAt(skb, 6), sourcePort: 0, destinationPort: 0 }),
	};
	const { result, rule } = fib6RuleLookup(net, flow, strict, 'input');
	const by = rule === undefined ? '' : `, by rule ${rule.priority}`;
	const text = formatIpv6(destination);
	if (typeof result === 'string') {
		walk.step(where, skb.ingress, `no route to ${text}${by}`);
		return { kind: 'error', error: result };
	}
	const error = routeErrors[result.type];
	if (error !== undefined) {
		walk.step(where, skb.ingress, `${text} has the route ${describeRoute6(result)}${by}`);
		return { kind: 'error', error };
	}
	selectPath6(walk, skb, result);
	walk.step(where, skb.ingress, `${text} is routed by ${describeRoute6(result)}${by}`);
	skb.isAnycast = result.type === 'anycast';
	if (result.type === 'local' || result.type === 'anycast') return { kind: 'local' };
	if (isMulticast6(result.info.prefix) && result.info.length >= 8) return { kind: 'multicast' };
	return result.nexthop === undefined
		? { kind: 'error', error: 'ENETUNREACH' }
		: { kind: 'forward', info: result.info, nexthop: result.nexthop };
}

/**
 * ip6_route_output_flags(): the way of what the host itself sends; undefined for an error.
 * @param flow of which it sets what the kernel sets
 * @param ofDevice it goes by no other device than it was told (RT6_LOOKUP_F_IFACE)
 */
export function ip6RouteOutput(net: Net, flow: Flow6, ofDevice = false): Fib6Result | undefined {
	flow.iif = loopbackIfindex;
	// What has no source yet goes by no other device than it was told.
	const strict = ofDevice || needsStrict6(flow.destination) || (flow.oif !== 0 && isAny6(flow.source));
	const { result } = fib6RuleLookup(net, flow, strict, 'output');
	return typeof result === 'string' || routeErrors[result.type] !== undefined ? undefined : result;
}

/** ip6_route_get_saddr() */
export function ip6RouteGetSaddr(net: Net, flow: Flow6, route: Fib6Result | undefined): Bytes | undefined {
	const device = route?.nexthop?.device;
	const vrf = net.devices[flow.l3mdev];
	const sameVrf = vrf === undefined || (device !== undefined && masterIfindex(device) === vrf.ifindex);
	const preferred = sameVrf ? route?.info.preferredSource : undefined;
	return preferred ?? ipv6DevGetSaddr(net, sameVrf ? device : vrf, flow.destination);
}

function selectPath6(walk: Walk, skb: Skb, result: Fib6Result): void {
	const ways = fib6SelectPath(walk.net, result);
	const chosen = ways[walk.choose(ways.length)];
	if (chosen !== undefined) result.nexthop = chosen;
	if (ways.length < 2) return;
	walk.step(
		'fib6_select_path',
		skb.ingress,
		`one of ${ways.length} next hops by a hash that cannot be foretold, here that out of ${result.nexthop?.device.name}`,
	);
}

function describeRoute6({ info, nexthop, type }: Fib6Result): string {
	const prefix = info.length === 0 ? 'default' : `${formatIpv6(info.prefix)}/${info.length}`;
	const via = nexthop?.gateway === undefined ? '' : ` via ${nexthop.gateway.text}`;
	const out = nexthop === undefined ? '' : ` dev ${nexthop.device.name}`;
	return `${type === 'unicast' ? '' : `${type} `}${prefix}${via}${out} of table ${info.table}`;
}

/** From which version on compilers put ip6_pkt_drop() into those that call it, as far as was seen: 6.12 did not. */
const dropsInline = 6013;

/** ip6_pkt_discard(), ip6_pkt_prohibit(), dst_discard(): ip6_pkt_drop() */
export function ip6PktDrop(walk: Walk, skb: Skb, error: Errno): Outcome {
	if (error === 'EINVAL')
		return walk.drop(skb, { reason: 'NOT_SPECIFIED', where: 'dst_discard_out', cause: 'route-blackhole' });
	const inlined = error === 'EACCES' ? 'ip6_pkt_prohibit' : 'ip6_pkt_discard';
	const where = walk.kernel.version < dropsInline ? 'ip6_pkt_drop' : inlined;
	const noDestination = isAny6(destinationOf(skb));
	const refusal: Refusal = noDestination
		? { reason: 'IP_INADDRERRORS', where, cause: 'destination-invalid', counters: ['Ip6InAddrErrors'] }
		: { reason: 'IP_INNOROUTES', where, cause: causes[error], counters: ['Ip6InNoRoutes'] };
	icmpv6Send(walk, skb, 1, error === 'EACCES' ? 1 : 0);
	return walk.drop(skb, refusal);
}

const causes = {
	EACCES: 'route-prohibit',
	EHOSTUNREACH: 'route-unreachable',
	ENETUNREACH: 'no-route',
	EAGAIN: 'no-route',
} as const;
