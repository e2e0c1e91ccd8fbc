/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The outer IP header, but for what is each packet's own: lengths, checksum, an inherited TTL, the flow. */
#pragma once
#include "packet.h"
#include "tunnel.h"

/* Room that an outer IP header of `family` takes. */
inlined u32 outer_bytes(u8 family)
{
	return family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/* The outer traffic class: ECN is always the inner packet's (RFC 6040, section 4.1, normal mode). */
inlined u8 outer_tos(const struct tunnel *tunnel, u8 inner_tos)
{
	return tunnel->flags & TUNNEL_INHERIT_DSCP ? inner_tos : (tunnel->tos & ~3) | (inner_tos & 3);
}

/* With DF set nobody fragments the packet, so the identification may stay 0 (RFC 6864). */
inlined void outer_ipv4(struct iphdr *outer, const struct tunnel *tunnel, u8 protocol, u8 tos)
{
	outer->version_ihl = 0x45;
	outer->tos = tos;
	outer->total_length = 0;
	outer->id = 0;
	outer->fragment = tunnel->flags & TUNNEL_MAY_FRAGMENT ? 0 : to_be16(IPV4_DONT_FRAGMENT);
	outer->ttl = tunnel->ttl;
	outer->protocol = protocol;
	outer->checksum = 0;
	outer->source = tunnel->source[0];
	outer->destination = tunnel->destination[0];
}

inlined void outer_ipv6(struct ipv6hdr *outer, const struct tunnel *tunnel, u8 protocol, u8 tos)
{
	outer->version_class = 0x60 | tos >> 4;
	outer->class_flow = tos << 4;
	outer->flow = 0;
	outer->payload_length = 0;
	outer->next_header = protocol;
	outer->hop_limit = tunnel->ttl;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		outer->source[i] = tunnel->source[i];
		outer->destination[i] = tunnel->destination[i];
	}
}
