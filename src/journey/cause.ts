/**
 * Causes: our names for why a packet was dropped, stable for good and the same on every kernel, where
 * the kernel's own reasons differ between versions or say nothing.
 */
import type { outcomes } from '../datapath/layout.ts';

/** What the datapath counts a frame under; bpf/outcome.h says what each means. */
export type DatapathOutcome = (typeof outcomes)[number];

/** Why and where the kernel freed a packet. */
export interface Drop {
	/** The kernel's name without SKB_DROP_REASON_; NOT_SPECIFIED also where it has no names. */
	readonly reason: string;
	/** The kernel function, or a hexadecimal address where symbols are hidden. */
	readonly where: string;
	/** The error of the packet's route, a positive errno, where it has one: it tells types of routes apart. */
	readonly routeError?: number;
	/**
	 * The kernel counted the packet as one that rp_filter dropped (IPReversePathFilter): it has no reason for
	 * that before Linux 5.18.
	 */
	readonly reversePathFailed?: boolean;
}

/** What each cause means, in a few words. */
export const causes = {
	'source-is-local': "the source address is one of the receiving host's own",
	'reverse-path': 'the route back to the source does not lead out of the device it came in by',
	'source-invalid': "the source address can be nobody's: multicast, broadcast or unspecified",
	'destination-invalid': 'the destination address is not one that can be forwarded to',
	'loopback-address': 'a loopback address came from outside',
	'forwarding-off': 'the host or the device does not forward',
	'no-route': 'no route to the destination',
	'route-unreachable': 'an unreachable route',
	'route-prohibit': 'a prohibit route',
	'route-blackhole': 'a blackhole route',
	'ttl-expired': 'the TTL or hop limit ran out',
	'header-invalid': 'the IP header is not valid',
	'reassembly-timeout': 'a fragment, and the others did not come in time',
	'too-big': 'longer than the MTU, and not to be fragmented',
	'neighbour-failed': "the next hop's Ethernet address could not be found out",
	'neighbour-queue-full': 'too many packets wait for the next hop to be found',
	'no-carrier': 'the egress device has no carrier',
	'wrong-mac': 'the Ethernet frame is for another host',
	'bad-checksum': 'a checksum is wrong',
	truncated: 'shorter than its headers say',
	'no-receiver': 'nothing on the host takes this protocol',
	netfilter: 'a firewall rule',
	'ipv6-disabled': 'IPv6 is off on the device',
	'tc-program': 'a TC program at the device dropped it',
	'xdp-program': 'an XDP program at the device dropped it',
	'xdp-redirect': 'an XDP program redirected it, and that could not be carried out',
	'xdp-exception': 'an XDP program aborted, or its verdict could not be carried out',
	'bpf-route-tunnel': 'the route has a lightweight tunnel of its own, which the datapath cannot take',
	'bpf-no-source': 'the FIB found no source address',
	'bpf-fib-error': 'the FIB lookup failed',
	'bpf-no-room': 'no headroom for the outer header',
	'bpf-no-checksum': 'the bytes that the UDP checksum covers are out of reach',
	'bpf-egress-refused': 'packets may not leave by the device that the route names',
	'bpf-loop': 'already in the outer header of the tunnel that is to take it',
	'bpf-offload': 'merged or prepared for offload in a way that cannot be encapsulated',
	'bpf-inner-invalid': 'what was encapsulated is no packet that may be forwarded',
	'bpf-inner-congested': 'congestion was marked on the way, of which the inner sender does not know',
	unknown: 'the kernel does not say',
} as const;

export type Cause = keyof typeof causes;

/** Errors of a packet's route (errno) that say which type of route it is. */
const byRouteError: Readonly<Record<number, Cause>> = {
	13: 'route-prohibit', // EACCES
	22: 'route-blackhole', // EINVAL
	101: 'no-route', // ENETUNREACH
	113: 'route-unreachable', // EHOSTUNREACH
};

const byReason: Readonly<Record<string, Cause>> = {
	IP_LOCAL_SOURCE: 'source-is-local',
	IP_RPFILTER: 'reverse-path',
	IP_INVALID_SOURCE: 'source-invalid',
	IP_INVALID_DEST: 'destination-invalid',
	IP_LOCALNET: 'loopback-address',
	IP_INADDRERRORS: 'forwarding-off',
	IP_INNOROUTES: 'no-route',
	IP_CSUM: 'bad-checksum',
	TCP_CSUM: 'bad-checksum',
	UDP_CSUM: 'bad-checksum',
	ICMP_CSUM: 'bad-checksum',
	PKT_TOO_SMALL: 'truncated',
	PKT_TOO_BIG: 'too-big',
	OTHERHOST: 'wrong-mac',
	NEIGH_FAILED: 'neighbour-failed',
	NEIGH_CREATEFAIL: 'neighbour-failed',
	NEIGH_DEAD: 'neighbour-failed',
	NEIGH_QUEUEFULL: 'neighbour-queue-full',
	IP_NOPROTO: 'no-receiver',
	NO_SOCKET: 'no-receiver',
	NETFILTER_DROP: 'netfilter',
	IPV6DISABLED: 'ipv6-disabled',
	TC_INGRESS: 'tc-program',
	TC_EGRESS: 'tc-program',
	XDP: 'xdp-program',
	FRAG_REASM_TIMEOUT: 'reassembly-timeout',
	UNICAST_IN_L2_MULTICAST: 'destination-invalid',
	INVALID_PROTO: 'no-receiver',
	UNHANDLED_PROTO: 'no-receiver',
};

/** Functions that drop for one cause, whatever reason they name, if any. */
const byPlace: Readonly<Record<string, Cause>> = {
	neigh_invalidate: 'neighbour-failed',
	ip6_pkt_prohibit: 'route-prohibit',
	dst_discard: 'route-blackhole',
	dst_discard_out: 'route-blackhole',
	ip6_mc_input: 'destination-invalid',
	ip_expire: 'reassembly-timeout',
	ip6_frag_expire: 'reassembly-timeout',
	ip6_tlvopt_unknown: 'header-invalid',
};

/**
 * The cause of a drop in the kernel's stack.
 * @param sourceIsLocal whether the dropped packet's source is an address of the host that dropped it: it
 * decides where the kernel names no reason (a local source before Linux 6.13)
 */
export function causeOfDrop(
	{ reason, where, routeError = 0, reversePathFailed = false }: Drop,
	sourceIsLocal: boolean,
): Cause {
	if (isRouteDrop(where) && reason !== 'IP_INADDRERRORS') {
		const cause = byRouteError[routeError];
		if (cause !== undefined) return cause;
	}
	if (reason === 'IP_INHDR') return /^ip6?_forward/.test(where) ? 'ttl-expired' : 'header-invalid';
	if (reason === 'QDISC_DROP') return where === '__dev_queue_xmit' ? 'no-carrier' : 'unknown';
	// The host itself is no destination: `::`.
	if (where.startsWith('ip6_pkt_') && reason === 'IP_INADDRERRORS') return 'destination-invalid';
	if (where === 'ip6_rcv_core' && reason === 'UNHANDLED_PROTO') return 'header-invalid';
	if (where === 'ip6_rcv_core' && reason === 'NOT_SPECIFIED') return 'ipv6-disabled';
	const named = byPlace[where] ?? byReason[reason];
	if (named !== undefined) return named;
	if (!where.startsWith('ip_rcv_finish')) return 'unknown';
	return reversePathFailed ? 'reverse-path' : sourceIsLocal ? 'source-is-local' : 'unknown';
}

/**
 * Whether a packet was freed where Linux before 6.3 frees every ICMPv6 message, also one that it has taken: a
 * later one names what it has taken (SKB_CONSUMED).
 */
export function isUnnamedEnd({ reason, where }: Pick<Drop, 'reason' | 'where'>): boolean {
	return reason === 'NOT_SPECIFIED' && where === 'icmpv6_rcv';
}

/** Functions that drop what was routed to them, whose route says why. */
function isRouteDrop(where: string): boolean {
	return /^(ip_error|ip6_pkt_(drop|discard|prohibit)(_out)?|dst_discard(_out)?)$/.test(where);
}

/**
 * The cause that a kernel reason alone decides, wherever the packet is dropped; undefined where it takes
 * the place as well. A reason of the route's is none of them: see `isRouteDrop`.
 */
export function settledCause(reason: string): Cause | undefined {
	return reason === 'IP_INNOROUTES' ? undefined : byReason[reason];
}

/** The cause of a drop that the datapath decided on. */
export function causeOfOutcome(outcome: DatapathOutcome): Cause {
	switch (outcome) {
		case 'route-blackhole':
		case 'route-unreachable':
		case 'route-prohibit':
		case 'forwarding-off':
		case 'too-big':
			return outcome;
		case 'too-big-answered':
		case 'too-big-limited':
		case 'too-big-no-df':
			return 'too-big';
		case 'egress-refused':
			return 'bpf-egress-refused';
		case 'loop':
			return 'bpf-loop';
		case 'offload':
			return 'bpf-offload';
		case 'inner-malformed':
		case 'inner-link-local':
			return 'bpf-inner-invalid';
		case 'inner-congested':
			return 'bpf-inner-congested';
		case 'not-forwarded':
			return 'no-route';
		case 'route-tunnel':
			return 'bpf-route-tunnel';
		case 'no-source':
			return 'bpf-no-source';
		case 'no-room':
			return 'bpf-no-room';
		case 'no-checksum':
			return 'bpf-no-checksum';
		case 'fib-error':
			return 'bpf-fib-error';
		default:
			return 'unknown';
	}
}
