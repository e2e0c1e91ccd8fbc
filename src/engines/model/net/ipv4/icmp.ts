/** ICMP errors that the host sends back, and ICMP that comes to it: net/ipv4/icmp.c. */
import type { Outcome } from '../../../../journey/journey.ts';
import { internetChecksum } from '../../../../packet/checksum.ts';
import { icmpType } from '../../../../packet/icmp.ts';
import { ipProtocol } from '../../../../packet/protocol.ts';
import type { Walk } from '../../walk.ts';
import { ipv4At, ipv4Text, isMulticast4 } from '../core/address.ts';
import { loopbackIfindex, masterIfindex } from '../core/device.ts';
import { neighbourKey } from '../core/neighbour.ts';
import type { Net } from '../core/net.ts';
import { byteAt, networkHeader, type Skb, wordAt } from '../core/skb.ts';
import { inetAddrType } from './fib-frontend.ts';
import { fibLookup } from './fib-rules.ts';

/** The highest type with a meaning (NR_ICMP_TYPES). */
const highestType = 18;
const errorTypes: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);

/** icmp_send(): tell the packet's source, unless it is nobody to be told. */
export function icmpSend(walk: Walk, skb: Skb, type: number, code: number): void {
	const source = ipv4At(skb.data, networkHeader + 12);
	const destination = ipv4At(skb.data, networkHeader + 16);
	if (skb.packetType !== 'host' || (wordAt(skb, 6) & 0x1fff) !== 0) return;
	if (skb.isToGroup || isMulticast4(destination) || destination === 0xffffffff) return;
	if (byteAt(skb, 9) === ipProtocol.icmp) {
		const inner = byteAt(skb, (byteAt(skb, 0) & 15) * 4);
		if (inner > highestType || errorTypes.has(inner)) return;
	}
	const silent = (why: string): void =>
		walk.step('icmp_send', skb.device, `${why}: no ICMP error is sent to ${ipv4Text(source)}`);
	// What was for the host is answered from the address it was for.
	const own = skb.isToHost ? destination : 0;
	if (own !== 0 && !ipDevFind(walk.net, own)) {
		silent(`${ipv4Text(own)} is no address to send from`);
		return;
	}
	// Where to: the way back is routed as what the host itself sends (icmp_route_lookup).
	const { result } = fibLookup(walk.net, {
		iif: loopbackIfindex,
		oif: 0,
		l3mdev: masterIfindex(skb.device),
		mark: walk.net.sysctls.others['net.ipv4.fwmark_reflect'] ? skb.mark : 0,
		destination: source,
		source: own,
		tos: byteAt(skb, 1),
		protocol: ipProtocol.icmp,
		sourcePort: 0,
		destinationPort: 0,
	});
	if (typeof result === 'string') {
		silent('there is no way back');
		return;
	}
	walk.step('icmp_send', skb.device, `ICMP type ${type} code ${code} goes back to ${ipv4Text(source)}`);
	walk.icmp = { type, code, to: ipv4Text(source) };
	const { nexthop } = result;
	const gateway = nexthop?.gateway;
	const next = gateway?.family === 'ipv6' ? gateway.bytes : (gateway?.number ?? source);
	walk.icmpNextHop = nexthop && neighbourKey(nexthop.device, next);
	walk.count(
		'IcmpOutMsgs',
		type === 11 ? 'IcmpOutTimeExcds' : type === 12 ? 'IcmpOutParmProbs' : 'IcmpOutDestUnreachs',
	);
}

/** __ip_dev_find(): an address of a device, or what the table `local` has for one. */
function ipDevFind(net: Net, address: number): boolean {
	return net.ipv4.addresses.has(address) || inetAddrType(net, address) === 'local';
}

/** icmp_rcv() */
export function icmpRcv(walk: Walk, skb: Skb, broadcast: boolean): Outcome {
	const where = 'icmp_rcv';
	const header = (byteAt(skb, 0) & 15) * 4;
	const message = skb.data.subarray(networkHeader + header);
	walk.count('IcmpInMsgs');
	if (internetChecksum(message) !== 0)
		return walk.drop(skb, {
			reason: 'ICMP_CSUM',
			where,
			cause: 'bad-checksum',
			counters: ['IcmpInCsumErrors', 'IcmpInErrors'],
		});
	const truncated = {
		reason: 'NOT_SPECIFIED',
		where,
		cause: 'truncated',
		counters: ['IcmpInErrors'],
	} as const;
	if (message.length < 8) return walk.drop(skb, truncated);
	const type = message[0] ?? 0;
	const none = { where, cause: 'no-receiver', counters: ['IcmpInErrors'] } as const;
	if (type > highestType && type !== 42 && type !== 43)
		return walk.drop(skb, { reason: 'UNHANDLED_PROTO', ...none });
	const asks = type === icmpType.echoRequest || type === 13;
	const ignores = (walk.net.sysctls.others['net.ipv4.icmp_echo_ignore_broadcasts'] ?? 1) !== 0;
	if (broadcast && ((asks && ignores) || (!asks && type !== 17 && type !== 18)))
		return walk.drop(skb, { reason: 'INVALID_PROTO', ...none });
	if (type === icmpType.echoReply || type === 43)
		return walk.drop(skb, { reason: 'NO_SOCKET', where, cause: 'no-receiver' });
	if (errorTypes.has(type) && message.length < 28) return walk.drop(skb, truncated);
	walk.step(
		where,
		skb.ingress,
		asks ? 'the host answers the ICMP request' : 'the host takes the ICMP message',
	);
	return walk.deliver(skb);
}
