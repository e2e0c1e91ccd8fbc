/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The TC ingress hook: what the datapath needs of it. Its twin is xdp/hook.h. */
#pragma once
#include "../packet.h"
#include "../sighting.h"
#include "../way.h"

#define HOOK_SECTION "tc"
#define HOOK_PLACE_IN PLACE_TC_IN
#define HOOK_PLACE_OUT PLACE_TC_OUT
/* On to the next program at the hook, and up the stack behind the last: TC_ACT_OK would leave others out. */
#define HOOK_PASS TC_ACT_UNSPEC
#define HOOK_DROP TC_ACT_SHOT
#define HOOK_RESOLVES 1

typedef struct __sk_buff hook_context;

inlined u32 hook_length(const hook_context *context)
{
	return context->len;
}

/* The kernel takes a VLAN tag out of the frame before TC sees it. */
inlined bool hook_untagged(const hook_context *context)
{
	return context->vlan_present;
}

/* Make the first `bytes` readable, as far as the frame has them: the rest of an skb may lie in pages. */
inlined void hook_reach(hook_context *context, u32 bytes)
{
	if (context->data + bytes > context->data_end)
		bpf_skb_pull_data(context, context->len < bytes ? context->len : bytes);
}

/* Make the whole frame readable. */
inlined void hook_reach_all(hook_context *context)
{
	bpf_skb_pull_data(context, context->len);
}

/*
 * Open room for the way's headers between the Ethernet header, which is kept, and the packet. The flags
 * tell the kernel what they are, so that it can segment and finish checksums of a packet in them.
 */
inlined bool hook_push(hook_context *context, const struct way *way, bool keep)
{
	u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;

	flags |= way->family == AF_INET ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	if (way->shim.udp)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	else if (way->shim.length)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_GRE;
	if (way->shim.ethernet)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L2(way->shim.ethernet) | BPF_F_ADJ_ROOM_ENCAP_L2_ETH;
	return !bpf_skb_adjust_room(context, way->bytes, BPF_ADJ_ROOM_MAC, flags);
}

/* Let the kernel resolve the next hop, queue the packet meanwhile, and write the Ethernet header. */
inlined int hook_resolve(u32 device, struct bpf_redir_neigh *next_hop)
{
	return bpf_redirect_neigh(device, next_hop, sizeof(*next_hop), 0);
}
