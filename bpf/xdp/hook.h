/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The XDP hook: what the datapath needs of it. Its twin is tc/hook.h. */
#pragma once
#include "../packet.h"
#include "../sighting.h"
#include "../way.h"

#define HOOK_SECTION "xdp"
#define HOOK_PLACE_IN PLACE_XDP_IN
#define HOOK_PLACE_OUT PLACE_XDP_OUT
#define HOOK_PASS XDP_PASS
#define HOOK_DROP XDP_DROP
/* XDP has no means to resolve a neighbour: TC, behind it, has. */
#define HOOK_RESOLVES 0

typedef struct xdp_md hook_context;

inlined u32 hook_length(const hook_context *context)
{
	return context->data_end - context->data;
}

/* A VLAN tag stands in the frame. */
inlined bool hook_untagged(const hook_context *context)
{
	return false;
}

/* Make the first `bytes` readable, as far as the frame has them: in XDP they are. */
inlined void hook_reach(hook_context *context, u32 bytes)
{
}

/* Make the whole frame readable. */
inlined void hook_reach_all(hook_context *context)
{
}

/*
 * Open room for the way's headers between the Ethernet header and the packet. Unless it is to keep the
 * Ethernet header, the caller writes that anew and it need not be moved.
 */
inlined bool hook_push(hook_context *context, const struct way *way, bool keep)
{
	struct ethhdr *ethernet = (void *)(long)context->data;
	struct ethhdr saved;

	if (!keep)
		return !bpf_xdp_adjust_head(context, -(int)way->bytes);
	if ((void *)(ethernet + 1) > (void *)(long)context->data_end)
		return false;
	saved = *ethernet;
	if (bpf_xdp_adjust_head(context, -(int)way->bytes))
		return false;
	ethernet = (void *)(long)context->data;
	if ((void *)(ethernet + 1) > (void *)(long)context->data_end)
		return false;
	*ethernet = saved;
	return true;
}

/* Never called: HOOK_RESOLVES is 0. */
inlined int hook_resolve(u32 device, struct bpf_redir_neigh *next_hop)
{
	return HOOK_DROP;
}
