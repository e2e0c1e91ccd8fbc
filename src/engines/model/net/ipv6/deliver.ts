/** An IPv6 packet to the host itself: ip6_input() and ip6_protocol_deliver_rcu() of net/ipv6/ip6_input.c. */
import type { Cause } from '../../../../journey/cause.ts';
import type { Outcome } from '../../../../journey/journey.ts';
import { formatIpv6 } from '../../../../packet/address.ts';
import { transportChecksum } from '../../../../packet/checksum.ts';
import { ipProtocol } from '../../../../packet/protocol.ts';
import type { Walk } from '../../walk.ts';
import { type Bytes, isMulticast6, needsStrict6, sameBytes } from '../core/address.ts';
import { masterIfindex, type NetDevice } from '../core/device.ts';
import { networkHeader, type Skb, wordAt } from '../core/skb.ts';
import { hasSocket } from '../core/socket.ts';
import { ipv6SkipExthdr, skipExtensions } from './exthdrs.ts';
import { answerFlow, icmpv6Rcv, icmpv6Send } from './icmp.ts';
import { destinationOf, sourceOf } from './ip6-input.ts';
import { ip6DstLookup } from './ip6-output.ts';

/** From which version on UDP and UDP-Lite are not received by one function. */
const udpIsOne = 7000;
/** UDP datagrams up to this length have their checksum looked at first of all (CHECKSUM_BREAK). */
const checkedAtOnce = 76;

/** ip6_mc_input() */
export function ip6McInput(walk: Walk, skb: Skb): Outcome {
	const destination = destinationOf(skb);
	walk.count('Ip6InMcastPkts');
	if (isMember(skb.ingress, destination)) return ip6Input(walk, skb);
	walk.step(
		'ip6_mc_input',
		skb.ingress,
		`the host is in no group ${formatIpv6(destination)} on ${skb.ingress.name}`,
	);
	return walk.drop(skb, { reason: 'NOT_SPECIFIED', where: 'ip6_mc_input', cause: 'destination-invalid' });
}

/** ipv6_chk_mcast_addr(): all nodes, the address's own groups, and of a router all routers. */
function isMember(device: NetDevice, group: Bytes): boolean {
	const scope = group[1] ?? 0;
	const rest = group.subarray(2);
	const isId = (id: number): boolean => rest[13] === id && rest.subarray(0, 13).every((byte) => byte === 0);
	if (isId(1)) return scope === 1 || scope === 2;
	if (isId(2)) return device.conf6?.forwarding !== 0 && (scope === 1 || scope === 2 || scope === 5);
	const solicited = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff);
	if (scope !== 2 || !sameBytes(group.subarray(2, 13), solicited)) return false;
	return device.ipv6.some(({ address }) => sameBytes(address.subarray(13), group.subarray(13)));
}

/** ip6_input(), ip6_protocol_deliver_rcu() */
export function ip6Input(walk: Walk, skb: Skb): Outcome {
	const to = formatIpv6(destinationOf(skb));
	const where = 'ip6_protocol_deliver_rcu';
	walk.step('ip6_input', skb.ingress, `${to} is the host's: the packet goes to its protocol`);
	const upper = skipExtensions(walk, skb);
	if (upper.refusal !== undefined) return walk.drop(skb, upper.refusal);
	const { protocol, offset } = upper;
	switch (protocol) {
		case ipProtocol.fragment:
			return ipv6FragRcv(walk, skb, offset);
		case ipProtocol.icmpv6:
			return icmpv6Rcv(walk, skb, offset);
		case ipProtocol.udp:
			return udpv6Rcv(walk, skb, offset);
		case ipProtocol.tcp:
			return tcpv6Rcv(walk, skb, offset);
		case ipProtocol.noNextHeader:
			return walk.deliver(skb);
		default:
			walk.step(where, skb.ingress, `nothing on the host takes IP protocol ${protocol}`);
			icmpv6Send(walk, skb, 4, 1);
			return walk.drop(skb, {
				reason: 'IP_NOPROTO',
				where: 'ip6_input_finish',
				cause: 'no-receiver',
				counters: ['Ip6InUnknownProtos'],
			});
	}
}

/** Bytes of the upper protocol's header that the first fragment has to hold. */
const leastUpper: Readonly<Record<number, number>> = {
	[ipProtocol.tcp]: 20,
	[ipProtocol.udp]: 8,
	[ipProtocol.icmpv6]: 8,
};
/** The longest payload that an IPv6 header can tell of (IPV6_MAXPLEN). */
const longestPayload = 65535;

/** ipv6_frag_rcv(), ip6_frag_queue() */
function ipv6FragRcv(walk: Walk, skb: Skb, at: number): Outcome {
	const where = 'ipv6_frag_rcv';
	const drop = (cause: Cause, counter: string): Outcome =>
		walk.drop(skb, { reason: 'NOT_SPECIFIED', where, cause, counters: [counter] });
	const flags = wordAt(skb, at + 2);
	const offset = flags & 0xfff8;
	const bytes = skb.data.length - networkHeader - (at + 8);
	if (isCutShort(skb)) {
		walk.step(where, skb.ingress, 'the first fragment does not hold all headers');
		icmpv6Send(walk, skb, 4, 3);
		return drop('truncated', 'Ip6InHdrErrors');
	}
	const isUneven = (flags & 1) !== 0 && (bytes & 7) !== 0;
	if (isUneven || offset + bytes > longestPayload) {
		walk.step(where, skb.ingress, `a fragment cannot have ${bytes} bytes at ${offset}`);
		icmpv6Send(walk, skb, 4, 0);
		return drop('header-invalid', 'Ip6InHdrErrors');
	}
	if (bytes === 0) return drop('truncated', 'Ip6ReasmFails');
	return ip6FragExpire(walk, skb, offset);
}

/** ipv6frag_thdr_truncated() */
function isCutShort(skb: Skb): boolean {
	const upper = ipv6SkipExthdr(skb);
	if (upper === undefined || (upper.fragment & 0xfff8) !== 0) return false;
	return upper.offset + (leastUpper[upper.protocol] ?? 1) > skb.data.length - networkHeader;
}

/** ip6_frag_expire(): as ip_expire() does, of the first fragment alone. */
function ip6FragExpire(walk: Walk, skb: Skb, offset: number): Outcome {
	const where = 'ip6_frag_expire';
	walk.step('ipv6_frag_rcv', skb.ingress, 'a fragment, held until the others come');
	if (offset !== 0) return walk.vanish();
	walk.time += (walk.net.sysctls.others['net.ipv6.ip6frag_time'] ?? 60) * 1_000_000_000;
	walk.step(where, skb.ingress, 'net.ipv6.ip6frag_time has passed: the fragment is given up');
	icmpv6Send(walk, skb, 3, 1);
	return walk.drop(skb, {
		reason: 'FRAG_REASM_TIMEOUT',
		where,
		cause: 'reassembly-timeout',
		counters: ['Ip6ReasmFails', 'Ip6ReasmTimeout'],
	});
}

/** __udp6_lib_rcv() */
function udpv6Rcv(walk: Walk, skb: Skb, offset: number): Outcome {
	const where = walk.kernel.version < udpIsOne ? '__udp6_lib_rcv' : 'udpv6_rcv';
	const segment = skb.data.subarray(networkHeader + offset);
	const counters = ['Udp6InErrors'];
	if (segment.length < 8)
		return walk.drop(skb, { reason: 'NOT_SPECIFIED', where, cause: 'truncated', counters });
	const given = ((segment[4] ?? 0) << 8) | (segment[5] ?? 0);
	const length = given === 0 ? segment.length : given;
	if (length > segment.length || length < 8)
		return walk.drop(skb, { reason: 'PKT_TOO_SMALL', where, cause: 'truncated', counters });
	const checksum = ((segment[6] ?? 0) << 8) | (segment[7] ?? 0);
	const addresses = { source: sourceOf(skb), destination: destinationOf(skb) };
	const wrong =
		checksum !== 0 && transportChecksum(segment.subarray(0, length), ipProtocol.udp, addresses) !== 0;
	const csum = {
		reason: 'UDP_CSUM',
		where,
		cause: 'bad-checksum',
		counters: ['Udp6InCsumErrors', ...counters],
	} as const;
	if (wrong && length <= checkedAtOnce) return walk.drop(skb, csum);
	if (hasSocket(walk.net, ipProtocol.udp, segment))
		return wrong || checksum === 0 ? walk.drop(skb, csum) : walk.deliver(skb);
	if (isMulticast6(addresses.destination))
		return walk.drop(skb, {
			reason: 'NOT_SPECIFIED',
			where,
			cause: 'no-receiver',
			counters: ['Udp6IgnoredMulti'],
		});
	// A checksum that is missing or wrong only keeps the sender from being told.
	if (checksum !== 0 && !wrong) icmpv6Send(walk, skb, 1, 4);
	const counted = checksum !== 0 && !wrong ? ['Udp6NoPorts'] : csum.counters;
	return walk.drop(skb, { reason: 'NO_SOCKET', where, cause: 'no-receiver', counters: counted });
}

/** tcp_v6_rcv() */
function tcpv6Rcv(walk: Walk, skb: Skb, offset: number): Outcome {
	const where = 'tcp_v6_rcv';
	const segment = skb.data.subarray(networkHeader + offset);
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
	const addresses = { source: sourceOf(skb), destination: destinationOf(skb) };
	if (transportChecksum(segment, ipProtocol.tcp, addresses) !== 0)
		return walk.drop(skb, {
			reason: 'TCP_CSUM',
			where,
			cause: 'bad-checksum',
			counters: ['TcpInCsumErrors', 'TcpInErrs'],
		});
	if (hasSocket(walk.net, ipProtocol.tcp, segment)) return walk.deliver(skb);
	// tcp_v6_send_reset()
	const told =
		!isMulticast6(addresses.destination) && !skb.isAnycast && canReset(walk, skb, segment)
			? ['TcpOutRsts']
			: [];
	return walk.drop(skb, { reason: 'NO_SOCKET', where, cause: 'no-receiver', counters: told });
}

/** tcp_v6_send_response(): whether a reset finds a way. */
function canReset(walk: Walk, skb: Skb, segment: Bytes): boolean {
	const port = (at: number): number => ((segment[at] ?? 0) << 8) | (segment[at + 1] ?? 0);
	const flow = answerFlow(walk, skb, {
		source: destinationOf(skb),
		oif: needsStrict6(sourceOf(skb)) ? skb.ingress.ifindex : masterIfindex(skb.device),
		protocol: ipProtocol.tcp,
		sourcePort: port(2),
		destinationPort: port(0),
	});
	return ip6DstLookup(walk.net, flow) !== undefined;
}
