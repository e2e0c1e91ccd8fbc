/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where the latest packets went: by inner destination, the way that they took. A packet that is found here is
 * sent after a glance, for what its destination, its device and the beginning of its IP header decide was
 * decided for one before it; what is each packet's own is all that is looked at.
 */
#pragma once
#include "inner.h"
#include "packet.h"
#include "way.h"

struct recent {
	u64 moment; /* it holds while this is the moment; 0 never does */
	u64 destination[2]; /* inner; IPv4 stands in the lower half of the first, the rest zero */
	u32 device;	    /* ingress */
	u32 traffic;	    /* how its IP header begins: version, TOS or traffic class, and length of IPv4's */
	u32 way;	    /* its slot */
	u32 turn;	    /* of that way */
	u32 counter;	    /* of the tunnel */
	u32 reserved;
};

enum { RECENTS_BITS = 10 };

struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, 1 << RECENTS_BITS);
	map_type(key, u32);
	map_type(value, struct recent);
} recents SEC(".maps");

/*
 * Glance at a frame: what of it is found by goes to `recent`, what is its own to `inner`. False for what wants a
 * closer look: whatever inner_read may refuse for another reason than its destination, IPv4 options, ICMPv6.
 */
inlined bool recent_glance(struct recent *recent, struct inner *inner, void *data, void *end, u32 frame_length)
{
	const struct ethhdr *ethernet = data;
	const struct ipv6hdr *ipv6 = (const void *)(ethernet + 1);
	const struct iphdr *ipv4 = (const void *)ipv6;
	u32 length;
	u64 source;

	if ((void *)(ipv6 + 1) > end || ethernet->destination[0] & 1)
		return false;
	if (ethernet->protocol == to_be16(ETH_P_IPV6)) {
		source = *(const u64 *)ipv6->source;
		length = sizeof(*ipv6) + from_be16(ipv6->payload_length);
		recent->traffic = *(const be16 *)ipv6 & to_be16(0xfff0);
		recent->destination[0] = *(const u64 *)ipv6->destination;
		recent->destination[1] = *(const u64 *)(ipv6->destination + 2);
		inner->protocol = IPPROTO_IPV6;
		inner->hops = ipv6->hop_limit;
		if (!ipv6->payload_length || ipv6->next_header == IPPROTO_ICMPV6 || !source ||
		    ((u32)source & to_be32(0xffc00000)) == to_be32(0xfe800000))
			return false;
	} else if (ethernet->protocol == to_be16(ETH_P_IP)) {
		length = from_be16(ipv4->total_length);
		recent->traffic = *(const be16 *)ipv4;
		recent->destination[0] = ipv4->destination;
		recent->destination[1] = 0;
		inner->protocol = IPPROTO_IPIP;
		inner->hops = ipv4->ttl;
		if (ipv4->version_ihl != 0x45 || length < sizeof(*ipv4) || !ipv4->source ||
		    ipv4_is_link_local(ipv4->source) || !ipv4_is_intact(ipv4, sizeof(*ipv4), end))
			return false;
	} else {
		return false;
	}
	inner->length = length;
	return length <= frame_length - sizeof(*ethernet);
}

/* What is remembered of the frame glanced at, or another. */
inlined struct recent *recent_in(const struct recent *wanted)
{
	const u64 mix = 0x9e3779b97f4a7c15; /* 2^64 divided by the golden ratio */
	u32 slot = (wanted->destination[0] ^ wanted->destination[1] * 0xc2b2ae3d27d4eb4f) * mix >> (64 - RECENTS_BITS);

	return bpf_map_lookup_elem(&recents, &slot);
}

inlined bool recent_holds(const struct recent *recent, const struct recent *wanted, u64 moment)
{
	return recent->moment == moment && recent->destination[0] == wanted->destination[0] &&
	       recent->destination[1] == wanted->destination[1] && recent->device == wanted->device &&
	       recent->traffic == wanted->traffic;
}
