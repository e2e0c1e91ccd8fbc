/** An IPv6 packet for somebody else is forwarded and sent: net/ipv6/ip6_output.c. */
import type { Outcome } from '../../../../journey/journey.ts';
import { formatIpv6 } from '../../../../packet/address.ts';
import type { Refusal, Walk } from '../../walk.ts';
import { isAny6, isLinkLocal6, isLoopback6, isMulticast6 } from '../core/address.ts';
import { leastIpv6Mtu } from '../core/devices.ts';
import { neighOutput, type Target } from '../core/neigh-output.ts';
import type { Net } from '../core/net.ts';
import { byteAt, networkHeader, type Skb } from '../core/skb.ts';
import type { Fib6Result } from './fib6-lookup.ts';
import type { Flow6 } from './fib6-rules.ts';
import { icmpv6Send } from './icmp.ts';
import { destinationOf, sourceOf } from './ip6-input.ts';
import { type InputRoute6, ip6RouteGetSaddr, ip6RouteOutput } from './route.ts';

type Forward = Extract<InputRoute6, { kind: 'forward' }>;

/** force_forwarding of a device stands in for all.forwarding from this version on. */
const hasForceForwarding = 6017;

/** ip6_forward() */
export function ip6Forward(walk: Walk, skb: Skb, route: Forward): Outcome {
	const where = 'ip6_forward';
	const { ingress } = skb;
	const { device } = route.nexthop;
	const addressError = (cause: Refusal['cause']): Refusal => ({
		reason: 'IP_INADDRERRORS',
		where,
		cause,
		counters: ['Ip6InAddrErrors'],
	});
	const say = (text: string): void => walk.step(where, ingress, text);
	const forced = walk.kernel.version >= hasForceForwarding && ingress.conf6?.force_forwarding !== 0;
	if (walk.net.sysctls.all6.forwarding === 0 && !forced) {
		say('net.ipv6.conf.all.forwarding is 0: IPv6 is not forwarded');
		return walk.drop(skb, addressError('forwarding-off'));
	}
	if (skb.packetType !== 'host') {
		say("the frame was a group address's: it is not forwarded");
		return walk.drop(skb, { reason: 'NOT_SPECIFIED', where, cause: 'destination-invalid' });
	}
	const hops = byteAt(skb, 7);
	if (hops <= 1) {
		say(`its hop limit is ${hops}: it ends here`);
		icmpv6Send(walk, skb, 3, 0);
		return walk.drop(skb, { reason: 'IP_INHDR', where, cause: 'ttl-expired', counters: ['Ip6InHdrErrors'] });
	}
	const source = sourceOf(skb);
	if (device !== skb.ingress) {
		if (isAny6(source) || isMulticast6(source) || isLoopback6(source)) {
			say(`${formatIpv6(source)} can be no source of what is forwarded`);
			return walk.drop(skb, addressError('source-invalid'));
		}
		if (isLinkLocal6(source)) {
			say(`the source ${formatIpv6(source)} is link-local: it must not leave its link`);
			icmpv6Send(walk, skb, 1, 2);
			return walk.drop(skb, addressError('source-invalid'));
		}
	}
	walk.count('Ip6OutForwDatagrams');
	const length = skb.data.length - networkHeader;
	const mtu = Math.max(forwardMtu(route), leastIpv6Mtu);
	if (length > mtu) {
		walk.step(where, device, `${length} bytes are more than the MTU, ${mtu}`);
		const atEgress = { ...skb, device };
		icmpv6Send(walk, atEgress, 2, 0);
		return walk.drop(atEgress, {
			reason: 'PKT_TOO_BIG',
			where,
			cause: 'too-big',
			counters: ['Ip6InTooBigErrors', 'Ip6FragFails'],
		});
	}
	skb.data = skb.data.slice();
	skb.data[networkHeader + 7] = hops - 1;
	say(`forwarded, its hop limit now ${hops - 1}`);
	return ip6Output(walk, skb, route);
}

/** ip6_dst_mtu_maybe_forward(): of a packet that is forwarded, only a locked MTU of the route counts. */
function forwardMtu({ info, nexthop }: Forward): number {
	return info.mtuLocked && info.mtu !== 0 ? info.mtu : deviceMtu(nexthop.device);
}

function deviceMtu({ conf6, mtu }: Forward['nexthop']['device']): number {
	return conf6?.mtu || mtu;
}

/** ip6_dst_lookup_tail(): the way of what the host itself sends, and the source it gets if it has none yet. */
export function ip6DstLookup(net: Net, flow: Flow6): Fib6Result | undefined {
	if (!isAny6(flow.source)) return ip6RouteOutput(net, flow);
	const route = ip6RouteOutput(net, flow);
	const source = ip6RouteGetSaddr(net, flow, route);
	if (source === undefined) return undefined;
	flow.source = source;
	return route ?? ip6RouteOutput(net, flow, flow.oif !== 0);
}

/** ip6_output(), ip6_finish_output(), ip6_finish_output2() */
function ip6Output(walk: Walk, skb: Skb, { info, nexthop }: Forward): Outcome {
	const { device, gateway } = nexthop;
	skb.device = device;
	if (device.conf6 === undefined || device.conf6.disable_ipv6 !== 0)
		return walk.drop(skb, {
			reason: 'IPV6DISABLED',
			where: 'ip6_output',
			cause: 'ipv6-disabled',
			counters: ['Ip6OutDiscards'],
		});
	// Here the route's MTU counts even if it is not locked, and nobody fragments for another.
	const mtu = info.mtu !== 0 ? info.mtu : deviceMtu(device);
	const length = skb.data.length - networkHeader;
	if (length > mtu) {
		walk.step(
			'ip6_fragment',
			device,
			`${length} bytes are more than the route's MTU, ${mtu}, and a router does not fragment IPv6`,
		);
		icmpv6Send(walk, skb, 2, 0);
		return walk.drop(skb, {
			reason: 'NOT_SPECIFIED',
			where: 'ip6_fragment',
			cause: 'too-big',
			counters: ['Ip6FragFails'],
		});
	}
	const bytes = gateway?.bytes ?? destinationOf(skb);
	const target: Target = { family: 'ipv6', number: 0, bytes };
	return neighOutput(walk, skb, target);
}
