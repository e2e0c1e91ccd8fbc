/** ICMPv6 errors that the host sends back, and ICMPv6 that comes to it: net/ipv6/icmp.c. */

import type { Cause } from '../../../../journey/cause.ts';
import type { Outcome } from '../../../../journey/journey.ts';
import { formatIpv6 } from '../../../../packet/address.ts';
import { transportChecksum } from '../../../../packet/checksum.ts';
import { icmpv6Type } from '../../../../packet/icmpv6.ts';
import { ipProtocol } from '../../../../packet/protocol.ts';
import type { Walk } from '../../walk.ts';
import { type Bytes, isAny6, isLinkLocal6, isMulticast6, sameBytes } from '../core/address.ts';
import { loopbackIfindex, masterIfindex } from '../core/device.ts';
import { byteAt, networkHeader, type Skb } from '../core/skb.ts';
import { isOwn } from './addrconf.ts';
import { ipv6SkipExthdr } from './exthdrs.ts';
import type { Fib6Result } from './fib6-lookup.ts';
import type { Flow6 } from './fib6-rules.ts';
import { destinationOf, sourceOf } from './ip6-input.ts';
import { ip6DstLookup } from './ip6-output.ts';
import { ip6RouteOutput } from './route.ts';
import { ipv6DevGetSaddr } from './source-address.ts';

const counterOf: Readonly<Record<number, string>> = {
	1: 'Icmp6OutDestUnreachs',
	2: 'Icmp6OutPktTooBigs',
	3: 'Icmp6OutTimeExcds',
	4: 'Icmp6OutParmProblems',
};

const packetTooBig = 2;

/**
 * icmpv6_send()
 * @param ofGroups whether it may be about a packet to a group, as that it is too big (RFC 4443 section 2.4 e)
 */
export function icmpv6Send(
	walk: Walk,
	skb: Skb,
	type: number,
	code: number,
	ofGroups: boolean = type === packetTooBig,
): void {
	const source = sourceOf(skb);
	const destination = destinationOf(skb);
	if ((isMulticast6(destination) || skb.packetType !== 'host') && !ofGroups) return;
	if (isAny6(source) || isMulticast6(source)) return;
	if (isIneligible(skb)) return;
	const to = formatIpv6(source);
	const way = errorRoute(walk, skb, type);
	if (way === undefined) {
		walk.step('icmpv6_send', skb.ingress, `there is no way back to ${to}: no ICMPv6 error is sent`);
		return;
	}
	if (isAnycastDestination(way, source)) {
		walk.step('icmpv6_send', skb.ingress, `${to} is an anycast address: no ICMPv6 error is sent to it`);
		return;
	}
	walk.step('icmpv6_send', skb.ingress, `ICMPv6 type ${type} code ${code} goes back to ${to}`);
	walk.icmp = { type, code, to };
	walk.count('Icmp6OutMsgs', counterOf[type] ?? 'Icmp6OutErrors');
}

/** is_ineligible(): an ICMPv6 error, or as much of an ICMPv6 message as may be one. */
function isIneligible(skb: Skb): boolean {
	const upper = ipv6SkipExthdr(skb);
	if (upper?.protocol !== ipProtocol.icmpv6) return false;
	const type = skb.data[networkHeader + upper.offset];
	return type === undefined ? upper.fragment === 0 : type < 128;
}

/** icmpv6_rcv() */
export function icmpv6Rcv(walk: Walk, skb: Skb, offset: number): Outcome {
	const where = 'icmpv6_rcv';
	const message = skb.data.subarray(networkHeader + offset);
	walk.count('Icmp6InMsgs');
	const addresses = { source: sourceOf(skb), destination: destinationOf(skb) };
	if (transportChecksum(message, ipProtocol.icmpv6, addresses) !== 0)
		return walk.drop(skb, {
			reason: 'ICMP_CSUM',
			where,
			cause: 'bad-checksum',
			counters: ['Icmp6InCsumErrors', 'Icmp6InErrors'],
		});
	if (message.length < 8)
		return walk.drop(skb, {
			reason: 'NOT_SPECIFIED',
			where,
			cause: 'truncated',
			counters: ['Icmp6InErrors'],
		});
	return icmpv6Handle(walk, skb, message);
}

/** What icmpv6_rcv() does with each type; before Linux 6.3 what nobody takes is not called a drop. */
function icmpv6Handle(walk: Walk, skb: Skb, message: Uint8Array): Outcome {
	const where = 'icmpv6_rcv';
	const type = message[0] ?? 0;
	const unnamed = (cause: Cause): Outcome =>
		walk.kernel.version < withReasons
			? walk.deliver(skb)
			: walk.drop(skb, { reason: 'NOT_SPECIFIED', where, cause });
	if (type === icmpv6Type.echoReply || type === extendedEchoReply)
		return walk.drop(skb, { reason: 'NO_SOCKET', where, cause: 'no-receiver' });
	if (type === icmpv6Type.echoRequest) {
		if (walk.net.sysctls.others['net.ipv6.icmp.echo_ignore_all']) {
			walk.step(where, skb.ingress, 'net.ipv6.icmp.echo_ignore_all is on');
			return unnamed('no-receiver');
		}
		if (!canAnswer(walk, skb)) {
			walk.step('icmpv6_echo_reply', skb.ingress, 'there is no way back: the request is not answered');
			return unnamed('no-route');
		}
		walk.step('icmpv6_echo_reply', skb.ingress, 'the host answers the echo request');
		return walk.deliver(skb);
	}
	if (type < 128) {
		if (message.length < 48)
			return walk.drop(skb, { reason: 'PKT_TOO_SMALL', where, cause: 'truncated', since: withReasons });
		walk.step('icmpv6_notify', skb.ingress, 'the host takes the ICMPv6 error');
		return walk.deliver(skb);
	}
	if (type >= 133 && type <= 137) {
		walk.step('ndisc_rcv', skb.ingress, 'neighbour discovery: the host takes it for itself');
		return byteAt(skb, 7) === 255 ? walk.deliver(skb) : unnamed('header-invalid');
	}
	if (type === 130 || type === 131) return walk.deliver(skb);
	walk.step(where, skb.ingress, `nothing on the host takes ICMPv6 type ${type}`);
	return unnamed('no-receiver');
}

const withReasons = 6003;
const extendedEchoReply = 161;

/** icmpv6_echo_reply(): whether the reply finds a way. */
function canAnswer(walk: Walk, skb: Skb): boolean {
	const own = destinationOf(skb);
	const source = skb.isAnycast || isMulticast6(own) ? any : own;
	const flow = answerFlow(walk, skb, { source, oif: skb.ingress.ifindex });
	return ip6DstLookup(walk.net, flow) !== undefined;
}

/** The flow of what the host answers to a packet's source. */
export function answerFlow(
	{ net }: Walk,
	skb: Skb,
	more: Pick<Flow6, 'source' | 'oif'> & Partial<Flow6>,
): Flow6 {
	return {
		iif: loopbackIfindex,
		l3mdev: 0,
		mark: net.sysctls.others['net.ipv6.fwmark_reflect'] ? skb.mark : 0,
		destination: sourceOf(skb),
		trafficClass: 0,
		protocol: ipProtocol.icmpv6,
		sourcePort: 0,
		destinationPort: 0,
		...more,
	};
}

/** The way of an ICMPv6 error to the packet's source, if there is one. */
function errorRoute(walk: Walk, skb: Skb, type: number): Fib6Result | undefined {
	const { net } = walk;
	const oif = isLinkLocal6(sourceOf(skb)) ? skb.ingress.ifindex : masterIfindex(skb.device);
	const flow = answerFlow(walk, skb, { source: any, oif: 0 });
	flow.source = errorSource(walk, skb, { ...flow });
	flow.oif = oif;
	// icmpv6_xrlim_allow() looks for a way of its own: only what is too big is told without limit.
	if (type !== packetTooBig && ip6RouteOutput(net, flow) === undefined) return undefined;
	return ip6DstLookup(net, flow);
}

/** The address that an ICMPv6 error comes from: the one the packet was for, or what fits where it came in. */
function errorSource({ net, kernel }: Walk, skb: Skb, flow: Flow6): Bytes {
	const destination = destinationOf(skb);
	const isUnicast = !isMulticast6(destination) && skb.packetType === 'host';
	if (isUnicast && isOwn(net, skb.device, destination)) return destination;
	if (kernel.version < fitsIngress || ip6RouteOutput(net, flow)?.info.preferredSource !== undefined)
		return any;
	return ipv6DevGetSaddr(net, skb.ingress, flow.destination) ?? any;
}

/** Since which version errors come from an address that fits the ingress device. */
const fitsIngress = 5011;
const any = new Uint8Array(16);
/** ipv6_anycast_destination(): of an anycast route, or the subnet routers' anycast address of its subnet. */
function isAnycastDestination({ info, nexthop, type }: Fib6Result, destination: Bytes): boolean {
	const ofSubnet = info.length < 127 && nexthop?.gateway === undefined && sameBytes(info.prefix, destination);
	return type === 'anycast' || ofSubnet;
}
