/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Where a packet goes: the kernel's FIB asked, and each of its answers named. */
#pragma once
#include "inner.h"
#include "outcome.h"
#include "packet.h"
#include "way.h"

/* Ask the FIB for the outer packet of `length` bytes that would come in on `device`. */
inlined int route_outer(void *context, struct bpf_fib_lookup *fib, const struct way *way, u32 device, u16 length)
{
	fib->family = way->family;
	fib->l4_protocol = way->shim.protocol;
	fib->dport = way->shim.udp ? ((const struct udphdr *)way->shim.bytes)->destination : 0;
	fib->tot_len = length;
	fib->ifindex = device;
	if (way->family == AF_INET) {
		fib->tos = way->header.ipv4.tos;
		fib->ipv4_src = way->header.ipv4.source;
		fib->ipv4_dst = way->header.ipv4.destination;
	} else {
		fib->flowinfo = *(const be32 *)&way->header.ipv6;
		fib->flowinfo &= to_be32(0x0ff00000);
#pragma unroll
		for (int i = 0; i < 4; i++) {
			fib->ipv6_src[i] = way->header.ipv6.source[i];
			fib->ipv6_dst[i] = way->header.ipv6.destination[i];
		}
	}
	return bpf_fib_lookup(context, fib, sizeof(*fib), 0);
}

/* Ask it for a packet that goes on without an outer header. Its addresses decide, not its ports: they say enough. */
inlined int route_inner(void *context, struct bpf_fib_lookup *fib, const struct inner *inner, const be32 *source,
			u32 device, u16 length, u32 flags)
{
	fib->family = inner_family(inner);
	fib->tot_len = length;
	fib->ifindex = device;
	if (fib->family == AF_INET)
		fib->tos = inner->tos;
	else
		fib->flowinfo = to_be32((u32)inner->tos << 20);
#pragma unroll
	for (int i = 0; i < 4; i++) {
		fib->ipv6_src[i] = source[i];
		fib->ipv6_dst[i] = inner->destination[i];
	}
	return bpf_fib_lookup(context, fib, sizeof(*fib), flags);
}

/* Why the FIB's answer means a drop. */
inlined u32 route_refusal(int result)
{
	switch (result) {
	case FIB_BLACKHOLE:
		return OUTCOME_ROUTE_BLACKHOLE;
	case FIB_UNREACHABLE:
		return OUTCOME_ROUTE_UNREACHABLE;
	case FIB_PROHIBIT:
		return OUTCOME_ROUTE_PROHIBIT;
	case FIB_NOT_FWDED:
		return OUTCOME_NOT_FORWARDED;
	case FIB_FWD_DISABLED:
		return OUTCOME_FORWARDING_OFF;
	case FIB_UNSUPP_LWT:
		return OUTCOME_ROUTE_TUNNEL;
	case FIB_FRAG_NEEDED:
		return OUTCOME_TOO_BIG;
	case FIB_NO_SRC_ADDR:
		return OUTCOME_NO_SOURCE;
	default:
		return OUTCOME_FIB_ERROR;
	}
}
