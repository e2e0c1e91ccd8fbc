/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The hash of an inner flow: what routers on the way spread tunnelled packets by, as UDP source port or
 * IPv6 flow label (RFC 6438). The packets of a flow have one hash, fragments one without their ports.
 */
#pragma once
#include "inner.h"

inlined u32 flow_mix(u32 hash, u32 word)
{
	hash = (hash ^ word) * 0x9e3779b1; /* 2^32 divided by the golden ratio */
	return hash ^ hash >> 15;
}

/* Ports of TCP and UDP stand first. */
inlined u32 flow_ports(u32 hash, u8 protocol, const void *at, const void *end)
{
	const u16 *port = at;

	if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || (void *)(port + 2) > end)
		return hash;
	return flow_mix(hash, port[0] | (u32)port[1] << 16);
}

inlined u32 flow_hash(const struct inner *inner, void *data, void *end)
{
	void *header = data + sizeof(struct ethhdr);
	u32 hash = 0;

	if (inner->protocol == IPPROTO_IPIP) {
		struct iphdr *ipv4 = header;
		bool fragment;

		if ((void *)(ipv4 + 1) > end)
			return 0;
		fragment = ipv4->fragment & to_be16(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET);
		hash = flow_mix(flow_mix(ipv4->protocol, ipv4->source), ipv4->destination);
		return fragment ? hash : flow_ports(hash, ipv4->protocol, header + (ipv4->version_ihl & 0x0f) * 4, end);
	} else {
		struct ipv6hdr *ipv6 = header;

		if ((void *)(ipv6 + 1) > end)
			return 0;
#pragma unroll
		for (int i = 0; i < 4; i++)
			hash = flow_mix(flow_mix(hash, ipv6->source[i]), ipv6->destination[i]);
		/* The sender's flow label tells flows apart where extension headers hide the ports (RFC 6437). */
		hash = flow_mix(hash, ipv6->flow | (u32)(ipv6->class_flow & 0x0f) << 16 | (u32)ipv6->next_header << 24);
		return flow_ports(hash, ipv6->next_header, ipv6 + 1, end);
	}
}
