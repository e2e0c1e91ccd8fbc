/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Where the outer packet goes: the kernel's FIB asked, and each of its answers named. */
#pragma once
#include "outcome.h"
#include "packet.h"
#include "tunnel.h"
#include "way.h"

/* Ask the FIB for the outer packet of `length` bytes that would come in on `device`. */
inlined int route_lookup(void *context, struct bpf_fib_lookup *fib, const struct way *way,
			 const struct tunnel *tunnel, u32 device, u16 length)
{
	fib->family = way->family;
	fib->l4_protocol = way->shim.protocol;
	fib->dport = way->shim.udp ? tunnel->port : 0;
	fib->tot_len = length;
	fib->ifindex = device;
	if (way->family == AF_INET) {
		fib->tos = way->header.ipv4.tos;
		fib->ipv4_src = tunnel->source[0];
		fib->ipv4_dst = tunnel->destination[0];
	} else {
		fib->flowinfo = *(be32 *)&way->header.ipv6;
		fib->flowinfo &= to_be32(0x0ff00000);
#pragma unroll
		for (int i = 0; i < 4; i++) {
			fib->ipv6_src[i] = tunnel->source[i];
			fib->ipv6_dst[i] = tunnel->destination[i];
		}
	}
	return bpf_fib_lookup(context, fib, sizeof(*fib), 0);
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
