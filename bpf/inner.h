/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The packet as it came: is it one to encapsulate, and what of it decides how? */
#pragma once
#include "outcome.h"
#include "packet.h"
#include "tunnels.h"

/* Bytes of the frame that may be looked at: Ethernet, IPv4 with all its options, the ports behind it. */
enum { INNER_REACH = sizeof(struct ethhdr) + 60 + 4 };

struct inner {
	be32 destination[4]; /* IPv4 stands in the first word, the rest zero */
	u16 length; /* of the IP packet by its own header: what follows it in the frame is padding */
	u8 protocol; /* that names it in an outer header: 4 or 41 */
	u8 tos;
	u8 hops; /* TTL or hop limit */
	bool marked; /* `tos` is no longer what stands in the packet: an outer header's congestion mark changed it */
};

inlined bool ipv4_is_link_local(be32 address)
{
	return (address & to_be32(0xffff0000)) == to_be32(0xa9fe0000); /* 169.254.0.0/16, RFC 3927 */
}

inlined bool ipv6_is_link_local(const be32 *address)
{
	return (address[0] & to_be32(0xffc00000)) == to_be32(0xfe800000); /* fe80::/10, RFC 4291 */
}

/* Nothing a router may forward: multicast, broadcast, loopback, unspecified or link-local. */
inlined bool ipv4_stays(const struct iphdr *header)
{
	u32 first = header->destination & 0xff;

	return first >= 224 || first == 127 || ipv4_is_link_local(header->destination) ||
	       ipv4_is_link_local(header->source) || !header->source;
}

inlined bool ipv6_is_tiny(const be32 *address) /* :: or ::1 */
{
	return !(address[0] | address[1] | address[2]) && !(address[3] & ~to_be32(1));
}

inlined bool ipv6_stays(const struct ipv6hdr *header)
{
	return (header->destination[0] & 0xff) == 0xff || ipv6_is_link_local(header->destination) ||
	       ipv6_is_link_local(header->source) || ipv6_is_tiny(header->destination) ||
	       ipv6_is_tiny(header->source);
}

/* Whether the header of so many bytes, options included, has a good checksum: ip_rcv would not take another. */
inlined bool ipv4_is_intact(const struct iphdr *header, u32 length, void *end)
{
	const u32 *option = (const void *)(header + 1);
	u64 sum = ipv4_sum(header);

	for (u32 i = 0; i < 10 && length > sizeof(*header) + i * 4; i++, option++) {
		if ((void *)(option + 1) > end)
			return false;
		sum += *option & 0xffff;
		sum += *option >> 16;
	}
	return !checksum(sum);
}

inlined u32 inner_read_ipv4(struct inner *inner, struct iphdr *header, void *end, u32 length)
{
	u32 header_length;

	if ((void *)(header + 1) > end)
		return OUTCOME_MALFORMED;
	header_length = (header->version_ihl & 0x0f) * 4;
	inner->length = from_be16(header->total_length);
	if (header->version_ihl >> 4 != 4 || header_length < sizeof(*header) || inner->length < header_length ||
	    inner->length > length || !ipv4_is_intact(header, header_length, end))
		return OUTCOME_MALFORMED;
	if (ipv4_stays(header))
		return OUTCOME_LINK_LOCAL;
	inner->destination[0] = header->destination;
	inner->protocol = IPPROTO_IPIP;
	inner->tos = header->tos;
	inner->hops = header->ttl;
	return OUTCOMES;
}

inlined u32 inner_read_ipv6(struct inner *inner, struct ipv6hdr *header, void *end, u32 length)
{
	struct icmpv6hdr *icmp = (void *)(header + 1);

	if ((void *)(header + 1) > end)
		return OUTCOME_MALFORMED;
	inner->length = sizeof(*header) + from_be16(header->payload_length);
	if (header->version_class >> 4 != 6 || inner->length < sizeof(*header) || inner->length > length)
		return OUTCOME_MALFORMED;
	/* A jumbogram: its length stands elsewhere (RFC 2675). */
	if (!header->payload_length && header->next_header == IPPROTO_HOPOPTS)
		return OUTCOME_MALFORMED;
	if (ipv6_stays(header))
		return OUTCOME_LINK_LOCAL;
	if (header->next_header == IPPROTO_ICMPV6 && (void *)(icmp + 1) <= end &&
	    icmp->type >= ICMPV6_DISCOVERY_FIRST && icmp->type <= ICMPV6_DISCOVERY_LAST)
		return OUTCOME_NEIGHBOUR_DISCOVERY;
#pragma unroll
	for (int i = 0; i < 4; i++)
		inner->destination[i] = header->destination[i];
	inner->protocol = IPPROTO_IPV6;
	inner->tos = header->version_class << 4 | header->class_flow >> 4;
	inner->hops = header->hop_limit;
	return OUTCOMES;
}

/* The address family of the packet. */
inlined u8 inner_family(const struct inner *inner)
{
	return inner->protocol == IPPROTO_IPIP ? AF_INET : AF_INET6;
}

/* Read the frame; OUTCOMES when it may be encapsulated, else why it is passed as it came. */
inlined u32 inner_read(struct inner *inner, void *data, void *end, u32 frame_length)
{
	struct ethhdr *ethernet = data;
	u32 length = frame_length - sizeof(*ethernet);

	if ((void *)(ethernet + 1) > end)
		return OUTCOME_NOT_IP;
	if (ethernet->protocol == to_be16(ETH_P_8021Q) || ethernet->protocol == to_be16(ETH_P_8021AD))
		return OUTCOME_VLAN_TAG;
	if (ethernet->protocol != to_be16(ETH_P_IP) && ethernet->protocol != to_be16(ETH_P_IPV6))
		return OUTCOME_NOT_IP;
	if (ethernet->destination[0] & 1) /* to a group: never forwarded, as in ip_forward */
		return OUTCOME_LINK_LOCAL;
	if (ethernet->protocol == to_be16(ETH_P_IP))
		return inner_read_ipv4(inner, (void *)(ethernet + 1), end, length);
	return inner_read_ipv6(inner, (void *)(ethernet + 1), end, length);
}

/* The entry of the tunnel that takes it, or NULL. */
inlined const struct tunnel_entry *inner_tunnel(const struct inner *inner)
{
	return tunnel_find(inner->destination, inner->protocol == IPPROTO_IPIP);
}

/* Take some hops off the packet, as routers do, and write its traffic class if that has changed. */
inlined bool inner_write(const struct inner *inner, u8 hops, void *data, void *end)
{
	if (inner->protocol == IPPROTO_IPIP) {
		struct iphdr *ipv4 = data + sizeof(struct ethhdr);

		if ((void *)(ipv4 + 1) > end)
			return false;
		if (hops)
			ipv4_decrease_ttl(ipv4);
		if (inner->marked)
			ipv4_set_tos(ipv4, inner->tos);
	} else {
		struct ipv6hdr *ipv6 = data + sizeof(struct ethhdr);

		if ((void *)(ipv6 + 1) > end)
			return false;
		ipv6->hop_limit -= hops;
		if (inner->marked)
			ipv6->class_flow = (ipv6->class_flow & 0x0f) | inner->tos << 4;
	}
	return true;
}

/* The source address in the packet, an IPv4 one in the first word. */
inlined bool inner_source(const struct inner *inner, be32 *source, void *data, void *end)
{
	if (inner->protocol == IPPROTO_IPIP) {
		struct iphdr *ipv4 = data + sizeof(struct ethhdr);

		if ((void *)(ipv4 + 1) > end)
			return false;
		source[0] = ipv4->source;
		source[1] = source[2] = source[3] = 0;
	} else {
		struct ipv6hdr *ipv6 = data + sizeof(struct ethhdr);

		if ((void *)(ipv6 + 1) > end)
			return false;
#pragma unroll
		for (int i = 0; i < 4; i++)
			source[i] = ipv6->source[i];
	}
	return true;
}
