/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What became of a frame at a hook: every frame is counted under exactly one of these. The list is
 * dense and only ever grows at its end, for programs and dashboards know the numbers.
 */
#pragma once
#include "helpers.h"

enum outcome {
	/* passed to the stack as it came */
	OUTCOME_NOT_IP,		     /* ARP, a VLAN tag, or anything else that is neither IPv4 nor IPv6 */
	OUTCOME_MALFORMED,	     /* an IP header that contradicts itself or the frame; the kernel drops it */
	OUTCOME_LINK_LOCAL,	     /* link-local, multicast or broadcast: never leaves its link */
	OUTCOME_NEIGHBOUR_DISCOVERY, /* RFC 4861 */
	OUTCOME_NO_TUNNEL,	     /* no tunnel matches the inner destination */
	OUTCOME_HOP_LIMIT,	     /* TTL or hop limit would run out: the kernel answers the sender */
	OUTCOME_HANDED_OVER,	     /* next hop not resolved: XDP leaves the packet to TC */

	/* encapsulated */
	OUTCOME_TO_STACK,	     /* passed up the stack, the example's way */
	OUTCOME_FORWARDED,	     /* redirected to a resolved next hop */
	OUTCOME_FORWARDED_NEIGHBOUR, /* given to the kernel to resolve the next hop and send (TC) */

	/* dropped: what the FIB said of the outer packet */
	OUTCOME_ROUTE_BLACKHOLE,
	OUTCOME_ROUTE_UNREACHABLE,
	OUTCOME_ROUTE_PROHIBIT,
	OUTCOME_NOT_FORWARDED,	/* no route to the tunnel's destination, or it is this host */
	OUTCOME_FORWARDING_OFF, /* forwarding is off on the ingress device */
	OUTCOME_ROUTE_TUNNEL,	/* the route has a lightweight tunnel of its own */
	OUTCOME_TOO_BIG,	/* longer than the route's MTU once encapsulated */
	OUTCOME_NO_SOURCE,	/* the FIB found no source address */
	OUTCOME_FIB_ERROR,	/* the FIB lookup failed, or said what this program does not know */

	/* dropped: here */
	OUTCOME_NO_ROOM,     /* no headroom for the outer header */
	OUTCOME_NO_CHECKSUM, /* the bytes that the UDP checksum covers are out of reach */

	/* passed to the stack as it came */
	OUTCOME_VLAN_TAG,	  /* has a VLAN tag, and the device is not that VLAN's */
	OUTCOME_OTHER_HOST,	  /* not for the device's own Ethernet address */
	OUTCOME_NO_DECAPSULATION, /* to an address where tunnels end, but of none of them */
	OUTCOME_OUTER_FRAGMENT,	  /* a fragment of an encapsulated packet */
	OUTCOME_OUTER_OPTIONS,	  /* an encapsulated packet with options or flags that are not understood */
	OUTCOME_INNER_NOT_IP,	  /* what is encapsulated is neither IPv4 nor IPv6, such as ARP in VXLAN */

	/* passed as it came by XDP, for TC to do what XDP cannot */
	OUTCOME_HANDED_OVER_EGRESS,  /* send by this egress device */
	OUTCOME_HANDED_OVER_REFRESH, /* have the kernel look now and then whether the next hop is still there */
	OUTCOME_HANDED_OVER_ANSWER,  /* answer the sender of a packet that is too big */
	OUTCOME_HANDED_OVER_CHECKSUM, /* finish the checksum that a sender on this host left to the device */

	/* taken out of its outer header */
	OUTCOME_DECAPSULATED_TO_STACK,	/* passed up the stack: for this host, or the kernel answers the sender */
	OUTCOME_DECAPSULATED,		/* redirected to a resolved next hop */
	OUTCOME_DECAPSULATED_NEIGHBOUR, /* given to the kernel to resolve the next hop and send (TC) */
	OUTCOME_RELAYED,		/* encapsulated again and redirected to a resolved next hop */
	OUTCOME_RELAYED_NEIGHBOUR,	/* encapsulated again and given to the kernel to resolve the next hop (TC) */

	/* dropped */
	OUTCOME_TOO_BIG_ANSWERED, /* longer than the route's MTU: the sender was told which (TC) */
	OUTCOME_TOO_BIG_LIMITED,  /* the same, but many were told lately */
	OUTCOME_TOO_BIG_NO_DF,	  /* the same of IPv4 that might be fragmented, which is not done here */
	OUTCOME_EGRESS_REFUSED,	  /* packets may not leave by the device that the route names */
	OUTCOME_LOOP,		  /* already in this tunnel's outer header */
	OUTCOME_OFFLOAD,	  /* merged or prepared for offload in a way that cannot be encapsulated (TC) */
	OUTCOME_INNER_MALFORMED,  /* the inner IP header contradicts itself or its surroundings */
	OUTCOME_INNER_LINK_LOCAL, /* inner addresses that are never forwarded */
	OUTCOME_INNER_CONGESTED,  /* congestion was marked on a packet whose sender does not know of it (RFC 6040) */

	/* neither: it is gone, but not lost */
	OUTCOME_SEGMENTED, /* cut into its segments, each of which comes in again (TC) */

	OUTCOMES
};

struct outcome_count {
	u64 packets;
	u64 bytes; /* as received, Ethernet header included */
};

struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, OUTCOMES);
	map_type(key, u32);
	map_type(value, struct outcome_count);
} outcomes SEC(".maps");

inlined void count(u32 outcome, u32 bytes)
{
	struct outcome_count *total = bpf_map_lookup_elem(&outcomes, &outcome);

	if (total) {
		total->packets++;
		total->bytes += bytes;
	}
}
