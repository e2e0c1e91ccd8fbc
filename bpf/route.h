/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Where the outer packet goes: the kernel's FIB asked, and each of its answers named. */
#pragma once
#include "outcome.h"
#include "packet.h"
#include "tunnel.h"

/* Ask the FIB for the outer packet of `length` bytes that would come in on `device`. */
inlined int route_lookup(void *context, struct bpf_fib_lookup *fib, const struct tunnel *tunnel, u32 device,
			 u8 protocol, u8 tos, u16 length)
{
	fib->family = tunnel->family;
	fib->l4_protocol = protocol;
	fib->tot_len = length;
	fib->ifindex = device;
	if (tunnel->family == AF_INET) {
		fib->tos = tos;
		fib->ipv4_src = tunnel->source[0];
		fib->ipv4_dst = tunnel->destination[0];
	} else {
		fib->flowinfo = to_be32((u32)tos << 20);
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
