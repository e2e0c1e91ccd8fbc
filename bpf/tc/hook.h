/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The TC ingress hook: what the datapath needs of it. Its twin is xdp/hook.h. */
#pragma once
#include "../packet.h"
#include "../sighting.h"

#define HOOK_SECTION "tc"
#define HOOK_PLACE_IN PLACE_TC_IN
#define HOOK_PLACE_OUT PLACE_TC_OUT
#define HOOK_PASS TC_ACT_OK
#define HOOK_DROP TC_ACT_SHOT
#define HOOK_RESOLVES 1

typedef struct __sk_buff hook_context;

inlined u32 hook_length(const hook_context *context)
{
	return context->len;
}

/* Make the first `bytes` readable, as far as the frame has them: the rest of an skb may lie in pages. */
inlined void hook_reach(hook_context *context, u32 bytes)
{
	if (context->data + bytes > context->data_end)
		bpf_skb_pull_data(context, context->len < bytes ? context->len : bytes);
}

/* Open room for an outer header of `family` between the Ethernet header, which is kept, and the packet. */
inlined bool hook_push(hook_context *context, u32 bytes, u8 family, bool keep)
{
	u64 flags = family == AF_INET ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;

	return !bpf_skb_adjust_room(context, bytes, BPF_ADJ_ROOM_MAC, flags | BPF_F_ADJ_ROOM_FIXED_GSO);
}

/* Let the kernel resolve the next hop, queue the packet meanwhile, and write the Ethernet header. */
inlined int hook_resolve(u32 device, struct bpf_redir_neigh *next_hop)
{
	return bpf_redirect_neigh(device, next_hop, sizeof(*next_hop), 0);
}
