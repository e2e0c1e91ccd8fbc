/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A way worked out for a packet, and the packet changed so that it can take it. */
#pragma once
#include "encapsulation/kinds.h"
#include "outer.h"
#include "udp-checksum.h"
#include "write.h"

/* Work out the way's headers from the tunnel. */
inlined void prepare(struct way *way, const struct inner *inner, const struct tunnel *tunnel)
{
	u8 tos = outer_tos(tunnel, inner->tos);

	way->moment = 0;
	way->turn++;
	encapsulation_shim(&way->shim, tunnel, inner->protocol);
	way->family = tunnel->family;
	way->bytes = outer_bytes(tunnel->family) + way->shim.length;
	way->hashed = way->shim.udp || tunnel->family == AF_INET6;
	way->checksummed = way->shim.udp && tunnel->family == AF_INET6 && tunnel->flags & TUNNEL_UDP_CHECKSUM;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		way->source_hash[i] = tunnel->source_hash[i];
		way->hashed |= tunnel->source_hash[i] != 0;
	}
	if (tunnel->family == AF_INET) {
		way->header.ethernet.protocol = to_be16(ETH_P_IP);
		outer_ipv4(&way->header.ipv4, tunnel, way->shim.protocol, tos);
		way->sum = ipv4_sum(&way->header.ipv4);
	} else {
		way->header.ethernet.protocol = to_be16(ETH_P_IPV6);
		outer_ipv6(&way->header.ipv6, tunnel, way->shim.protocol, tos);
	}
}

/* The way of a packet that goes on without an outer header. */
inlined void prepare_bare(struct way *way, const struct inner *inner)
{
	way->moment = 0;
	way->turn++;
	way->family = 0;
	way->bytes = 0;
	way->checksummed = false;
	way->header.ethernet.protocol = shim_ethertype(inner->protocol);
}

/* Complete the way with what the FIB said. */
inlined void lead(struct way *way, const struct bpf_fib_lookup *route)
{
	way->egress = route->ifindex;
	way->most = route->mtu_result > way->bytes ? route->mtu_result - way->bytes : 0;
	way->next_hop.nh_family = route->family;
#pragma unroll
	for (int i = 0; i < 4; i++)
		way->next_hop.ipv6_nh[i] = route->ipv6_dst[i];
	__builtin_memcpy(way->header.ethernet.destination, route->dmac, sizeof(route->dmac));
	__builtin_memcpy(way->header.ethernet.source, route->smac, sizeof(route->smac));
}

/*
 * Take a hop off the packet and push the headers that the way holds: OUTCOMES, or why not. With `keep` the
 * frame's own Ethernet addresses stay, for its way up the stack.
 */
inlined u32 encapsulate(hook_context *context, const struct inner *inner, const struct way *way, bool keep)
{
	struct ethhdr *ethernet;
	void *outer, *end;
	u32 outcome, hash = 0;

	if (!inner_write(inner, 1, (void *)(long)context->data, (void *)(long)context->data_end))
		return OUTCOME_NO_ROOM;
	if (way->family) {
		if (way->hashed)
			hash = flow_hash(inner, (void *)(long)context->data, (void *)(long)context->data_end);
		outcome = hook_push(context, way, inner_family(inner), keep);
		if (outcome != OUTCOMES)
			return outcome;
	}
	ethernet = (void *)(long)context->data;
	outer = ethernet + 1;
	end = (void *)(long)context->data_end;
	if (outer > end)
		return OUTCOME_NO_ROOM;
	if (keep)
		ethernet->protocol = way->header.ethernet.protocol;
	else
		ethernet_copy(ethernet, &way->header.ethernet);
	if (!way->family)
		return OUTCOMES;
	return (way->family == AF_INET ? write_ipv4(way, inner, hash, outer, end) :
					 write_ipv6(way, inner, hash, outer, end)) ?
		       OUTCOMES :
		       OUTCOME_NO_ROOM;
}

/* The same, and a UDP checksum if the tunnel asks for one. */
inlined u32 encapsulate_checked(hook_context *context, const struct inner *inner, const struct way *way, bool keep)
{
	u32 outcome = encapsulate(context, inner, way, keep);

	if (outcome != OUTCOMES || !way->checksummed)
		return outcome;
	return udp_checksum(context, way, inner) ? OUTCOMES : OUTCOME_NO_CHECKSUM;
}
