/** ICMPv6 errors that the host sends back, and ICMPv6 that comes to it: net/ipv6/icmp.c. */
import type { Outcome } from '../../../../journey/journey.ts';
import { formatIpv6 } from '../../../../packet/address.ts';
import { transportChecksum } from '../../../../packet/checksum.ts';
import { icmpv6Type } from '../../../../packet/icmpv6.ts';
import { ipProtocol } from '../../../../packet/protocol.ts';
import type { Walk } from '../../walk.ts';
import { isAny6, isMulticast6 } from '../core/address.ts';
import { loopbackIfindex, masterIfindex } from '../core/device.ts';
import { byteAt, networkHeader, type Skb } from '../core/skb.ts';
import { fib6Lookup } from './fib6-rules.ts';
import { destinationOf, sourceOf } from './ip6-input.ts';

const counterOf: Readonly<Record<number, string>> = {
	1: 'Icmp6OutDestUnreachs',
	2: 'Icmp6OutPktTooBigs',
	3: 'Icmp6OutTimeExcds',
	4: 'Icmp6OutParmProblems',
};

/** icmpv6_send() */
export function icmpv6Send(walk: Walk, skb: Skb, type: number, code: number): void {
	const source = sourceOf(skb);
	const destination = destinationOf(skb);
	// A group may only be told that a packet is too big (RFC 4443 section 2.4 e).
	if ((isMulticast6(destination) || skb.packetType !== 'host') && type !== 2) return;
	if (isAny6(source) || isMulticast6(source)) return;
	if (byteAt(skb, 6) === ipProtocol.icmpv6 && byteAt(skb, 40) < 128) return;
	const { result } = fib6Lookup(walk.net, 0, {
		iif: loopbackIfindex,
		oif: 0,
		l3mdev: masterIfindex(skb.ingress),
		mark: 0,
		destination: source,
		source: destination,
		trafficClass: 0,
		protocol: ipProtocol.icmpv6,
		sourcePort: 0,
		destinationPort: 0,
	});
	const to = formatIpv6(source);
	if (typeof result === 'string' || result.nexthop === undefined) {
		walk.step('icmpv6_send', skb.ingress, `there is no way back to ${to}: no ICMPv6 error is sent`);
		return;
	}
	walk.step('icmpv6_send', skb.ingress, `ICMPv6 type ${type} code ${code} goes back to ${to}`);
	walk.icmp = { type, code, to };
	walk.count('Icmp6OutMsgs', counterOf[type] ?? 'Icmp6OutErrors');
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
	if (message[0] === icmpv6Type.echoReply)
		return walk.drop(skb, { reason: 'NO_SOCKET', where, cause: 'no-receiver' });
	walk.step(
		where,
		skb.ingress,
		message[0] === icmpv6Type.echoRequest
			? 'the host answers the echo request'
			: 'the host takes the ICMPv6 message',
	);
	return walk.deliver(skb);
}
