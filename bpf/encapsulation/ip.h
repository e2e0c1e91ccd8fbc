/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The encapsulation `ip`: IP directly in IP (RFC 2003, RFC 2473, RFC 4213). */
#pragma once
#include "../packet.h"
#include "../tunnel.h"

/* Room that an outer header of `family` takes. */
inlined u32 encapsulation_ip_bytes(u8 family)
{
	return family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/*
 * Write the outer IPv4 header, without length and checksum. `tos` is the inner packet's traffic class,
 * copied with its ECN bits (RFC 6040, section 4.1). Never fragmented on the way, so the identification
 * stays 0 (RFC 6864).
 */
inlined void encapsulation_ip_ipv4(struct iphdr *outer, const struct tunnel *tunnel, u8 protocol, u8 tos)
{
	outer->version_ihl = 0x45;
	outer->tos = tos;
	outer->total_length = 0;
	outer->id = 0;
	outer->fragment = to_be16(IPV4_DONT_FRAGMENT);
	outer->ttl = tunnel->ttl;
	outer->protocol = protocol;
	outer->checksum = 0;
	outer->source = tunnel->source[0];
	outer->destination = tunnel->destination[0];
}

/* Write the outer IPv6 header, without length; the arguments are those of its IPv4 twin. */
inlined void encapsulation_ip_ipv6(struct ipv6hdr *outer, const struct tunnel *tunnel, u8 protocol, u8 tos)
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
