/** A packet to the host itself goes to its protocol: ip_protocol_deliver_rcu() of net/ipv4/ip_input.c, udp.c, tcp_ipv4.c. */
import type { Outcome } from '../../../../journey/journey.ts';
import { transportChecksum } from '../../../../packet/checksum.ts';
import { ipProtocol } from '../../../../packet/protocol.ts';
import type { Walk } from '../../walk.ts';
import { byteAt, networkHeader, type Skb } from '../core/skb.ts';
import { hasSocket } from '../core/socket.ts';
import { icmpRcv, icmpSend } from './icmp.ts';

const igmp = 2;
/** From which version on UDP and UDP-Lite are not received by one function. */
const udpIsOne = 7000;
/** UDP datagrams up to this length have their checksum looked at first of all (CHECKSUM_BREAK). */
const checkedAtOnce = 76;

export function ipProtocolDeliver(walk: Walk, skb: Skb, type: 'local' | 'broadcast' | 'multicast'): Outcome {
	const protocol = byteAt(skb, 9);
	switch (protocol) {
		case ipProtocol.icmp:
			return icmpRcv(walk, skb, type !== 'local');
		case ipProtocol.udp:
			return udpRcv(walk, skb, type !== 'local');
		case ipProtocol.tcp:
			return tcpRcv(walk, skb);
		case igmp:
			return walk.deliver(skb);
		default:
			walk.step('ip_protocol_deliver_rcu', skb.ingress, `nothing on the host takes IP protocol ${protocol}`);
			icmpSend(walk, skb, 3, 2);
			return walk.drop(skb, {
				reason: 'IP_NOPROTO',
				where: 'ip_local_deliver_finish',
				cause: 'no-receiver',
				counters: ['IpInUnknownProtos'],
			});
	}
}

function segmentOf(skb: Skb): {
	readonly segment: Uint8Array;
	readonly addresses: { source: Uint8Array; destination: Uint8Array };
} {
	const start = networkHeader + (byteAt(skb, 0) & 15) * 4;
	return {
		segment: skb.data.subarray(start),
		addresses: {
			source: skb.data.subarray(networkHeader + 12, networkHeader + 16),
			destination: skb.data.subarray(networkHeader + 16, networkHeader + 20),
		},
	};
}

/** __udp4_lib_rcv() */
function udpRcv(walk: Walk, skb: Skb, group: boolean): Outcome {
	const where = walk.kernel.version < udpIsOne ? '__udp4_lib_rcv' : 'udp_rcv';
	const { segment, addresses } = segmentOf(skb);
	const counters = ['UdpInErrors'];
	if (segment.length < 8)
		return walk.drop(skb, { reason: 'NOT_SPECIFIED', where, cause: 'truncated', counters });
	const length = ((segment[4] ?? 0) << 8) | (segment[5] ?? 0);
	if (length > segment.length || length < 8)
		return walk.drop(skb, { reason: 'PKT_TOO_SMALL', where, cause: 'truncated', counters });
	const datagram = segment.subarray(0, length);
	const checksum = ((segment[6] ?? 0) << 8) | (segment[7] ?? 0);
	const wrong = checksum !== 0 && transportChecksum(datagram, ipProtocol.udp, addresses) !== 0;
	const csum = {
		reason: 'UDP_CSUM',
		where,
		cause: 'bad-checksum',
		counters: ['UdpInCsumErrors', ...counters],
	} as const;
	if (wrong && (length <= checkedAtOnce || !group)) return walk.drop(skb, csum);
	if (hasSocket(walk.net, ipProtocol.udp, segment)) return wrong ? walk.drop(skb, csum) : walk.deliver(skb);
	if (group) {
		walk.step('__udp4_lib_mcast_deliver', skb.ingress, 'no socket on the host takes the group');
		return walk.drop(skb, {
			reason: 'NOT_SPECIFIED',
			where,
			cause: 'no-receiver',
			counters: ['UdpIgnoredMulti'],
		});
	}
	icmpSend(walk, skb, 3, 3);
	return walk.drop(skb, { reason: 'NO_SOCKET', where, cause: 'no-receiver', counters: ['UdpNoPorts'] });
}

/** tcp_v4_rcv() */
function tcpRcv(walk: Walk, skb: Skb): Outcome {
	const where = 'tcp_v4_rcv';
	const { segment, addresses } = segmentOf(skb);
	const bytes = ((segment[12] ?? 0) >> 4) * 4;
	if (skb.packetType !== 'host' || segment.length < 20 || segment.length < bytes)
		return walk.drop(skb, { reason: 'NOT_SPECIFIED', where, cause: 'truncated' });
	if (bytes < 20)
		return walk.drop(skb, {
			reason: 'PKT_TOO_SMALL',
			where,
			cause: 'header-invalid',
			counters: ['TcpInErrs'],
		});
	if (transportChecksum(segment, ipProtocol.tcp, addresses) !== 0)
		return walk.drop(skb, {
			reason: 'TCP_CSUM',
			where,
			cause: 'bad-checksum',
			counters: ['TcpInCsumErrors', 'TcpInErrs'],
		});
	if (hasSocket(walk.net, ipProtocol.tcp, segment)) return walk.deliver(skb);
	// tcp_v4_send_reset()
	const counters = skb.isToGroup ? [] : ['TcpOutRsts'];
	return walk.drop(skb, { reason: 'NO_SOCKET', where, cause: 'no-receiver', counters });
}
