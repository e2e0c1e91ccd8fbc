/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The TC ingress hook: what the datapath needs of it. Its twin is xdp/hook.h. */
#pragma once
#include "../inner.h"
#include "../packet.h"
#include "../sighting.h"
#include "../way.h"

#define HOOK_SECTION "tc"
#define HOOK_PLACE_IN PLACE_TC_IN
#define HOOK_PLACE_OUT PLACE_TC_OUT
/* On to the next program at the hook, and up the stack behind the last: TC_ACT_OK would leave others out. */
#define HOOK_PASS TC_ACT_UNSPEC
#define HOOK_DROP TC_ACT_SHOT
/* There is no hook behind this one to leave a packet to. */
#define HOOK_HANDS_OVER 0

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

/* Whether the frame is for another host: the kernel has compared it with the device's address. */
inlined bool hook_is_stranger(const hook_context *context)
{
	return context->pkt_type == PACKET_OTHERHOST;
}

/* Whether a frame may take the remembered way for all its address says. */
inlined bool hook_is_expected(hook_context *context, const struct way *way)
{
	return !hook_is_stranger(context);
}

/* Make the first `bytes` readable, as far as the frame has them: the rest of an skb may lie in pages. */
inlined void hook_reach(hook_context *context, u32 bytes)
{
	if ((void *)(long)context->data + bytes > (void *)(long)context->data_end)
		bpf_skb_pull_data(context, context->len < bytes ? context->len : bytes);
}

/* Make the whole frame readable. */
inlined void hook_reach_all(hook_context *context)
{
	bpf_skb_pull_data(context, context->len);
}

inlined bool hook_is_merged(const hook_context *context)
{
	return context->gso_size;
}

/*
 * The length that the MTU is held against: the packet's, or of a merged one that of the packets it will be
 * segmented into; 0 where that cannot be told.
 */
inlined u32 hook_segment(hook_context *context, const struct inner *inner)
{
	void *header = (void *)(long)context->data + sizeof(struct ethhdr);
	void *end = (void *)(long)context->data_end;
	u32 length = sizeof(struct ipv6hdr);
	u8 protocol;

	if (!context->gso_size)
		return inner->length;
	if (context->len != inner->length + sizeof(struct ethhdr))
		return 0;
	if (inner->protocol == IPPROTO_IPIP) {
		struct iphdr *ipv4 = header;

		if ((void *)(ipv4 + 1) > end)
			return 0;
		length = (ipv4->version_ihl & 0x0f) * 4;
		protocol = ipv4->protocol;
	} else {
		struct ipv6hdr *ipv6 = header;

		if ((void *)(ipv6 + 1) > end)
			return 0;
		protocol = ipv6->next_header;
	}
	if (protocol == IPPROTO_UDP)
		return length + sizeof(struct udphdr) + context->gso_size;
	header += length;
	if (protocol != IPPROTO_TCP || header + 13 > end)
		return 0;
	return length + (*(u8 *)(header + 12) >> 4) * 4 + context->gso_size;
}

/* By how much IPv6's header is longer than IPv4's, which is what bpf_skb_change_proto makes of it. */
enum { FAMILY_DIFFERENCE = 20 };

/*
 * The same for a packet that the kernel holds for encapsulated already: by a sender on this host, or by another
 * gateway behind a veth, and nothing makes it forget that. Where nothing is to be segmented it need not be told
 * what the headers are, but for the family.
 */
inlined long push_again(struct __sk_buff *context, const struct way *way, u8 inner)
{
	const u32 at = sizeof(struct ethhdr);
	s32 bytes = way->bytes;
	u8 saved[FAMILY_DIFFERENCE];
	long error;

	if (inner == way->family)
		return bpf_skb_adjust_room(context, bytes, BPF_ADJ_ROOM_MAC, 0);
	if (bpf_skb_load_bytes(context, at, saved, sizeof(saved)))
		return -EINVAL;
	error = bpf_skb_change_proto(context, inner == AF_INET ? to_be16(ETH_P_IPV6) : to_be16(ETH_P_IP), 0);
	if (error)
		return error;
	bytes += inner == AF_INET ? -FAMILY_DIFFERENCE : FAMILY_DIFFERENCE;
	error = bpf_skb_adjust_room(context, bytes, BPF_ADJ_ROOM_MAC, 0);
	return error ? error : bpf_skb_store_bytes(context, at + way->bytes, saved, sizeof(saved), 0);
}

/*
 * Open room for the way's headers between the Ethernet header, which is kept, and the packet: OUTCOMES, or
 * why not. The flags tell the kernel what they are, so that it can segment and finish checksums of a packet in
 * them.
 */
inlined u32 hook_push(hook_context *context, const struct way *way, u8 inner, bool keep)
{
	u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;
	long error;

	flags |= way->family == AF_INET ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	if (way->shim.udp)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	else if (way->shim.length)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_GRE;
	if (way->shim.ethernet)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L2(way->shim.ethernet);
	error = bpf_skb_adjust_room(context, way->bytes, BPF_ADJ_ROOM_MAC,
				    way->shim.ethernet ? flags | BPF_F_ADJ_ROOM_ENCAP_L2_ETH : flags);
	/* Before Linux 5.13 nothing tells an inner Ethernet header from others, nor has to. */
	if (error == -EINVAL && way->shim.ethernet)
		error = bpf_skb_adjust_room(context, way->bytes, BPF_ADJ_ROOM_MAC, flags);
	if (error == -EALREADY && !hook_is_merged(context))
		error = push_again(context, way, inner);
	return !error ? OUTCOMES : error == -ENOMEM ? OUTCOME_NO_ROOM : OUTCOME_OFFLOAD;
}

enum { STRIP_MARGIN = 4 };

/*
 * Take `bytes` of outer header off, an IP header of `outer` family first, and tell the kernel the family of
 * what is left. A checksum behind what is taken off stays to be filled in; one that stood in it is forgotten.
 *
 * The kernel forgets it when it lies before the frame's beginning, which is one Ethernet header before the
 * packet. A short shim (GUE's) is nearer: so a little more is taken off, and put back.
 */
inlined bool hook_strip(hook_context *context, u32 bytes, u8 outer, u8 inner, bool near)
{
	const u32 at = sizeof(struct ethhdr);
	u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;
	u8 saved[STRIP_MARGIN] = {};
	struct ethhdr *ethernet;
	long error;

	if (outer != inner)
		flags |= inner == AF_INET ? BPF_F_ADJ_ROOM_DECAP_L3_IPV4 : BPF_F_ADJ_ROOM_DECAP_L3_IPV6;
	if (bpf_skb_load_bytes(context, at + bytes, saved, sizeof(saved)))
		return false;
	error = bpf_skb_adjust_room(context, -(s32)(near ? bytes + STRIP_MARGIN : bytes), BPF_ADJ_ROOM_MAC, flags);
	if (error == -EINVAL && outer != inner) {
		/* Before Linux 6.3: change the family first, which changes the length. */
		const u32 other = inner == AF_INET ? bytes - FAMILY_DIFFERENCE : bytes + FAMILY_DIFFERENCE;

		if (bpf_skb_change_proto(context, inner == AF_INET ? to_be16(ETH_P_IP) : to_be16(ETH_P_IPV6), 0))
			return false;
		error = bpf_skb_adjust_room(context, -(s32)(near ? other + STRIP_MARGIN : other), BPF_ADJ_ROOM_MAC,
					    BPF_F_ADJ_ROOM_FIXED_GSO);
	}
	if (error)
		return false;
	if (near && (bpf_skb_adjust_room(context, STRIP_MARGIN, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO) ||
		     bpf_skb_store_bytes(context, at, saved, sizeof(saved), BPF_F_RECOMPUTE_CSUM)))
		return false;
	hook_reach(context, INNER_REACH);
	ethernet = (void *)(long)context->data;
	if ((void *)(ethernet + 1) > (void *)(long)context->data_end)
		return false;
	ethernet->protocol = inner == AF_INET ? to_be16(ETH_P_IP) : to_be16(ETH_P_IPV6);
	return true;
}

/* Put back what was taken off: never called, for nothing is left to another hook. */
inlined bool hook_unstrip(hook_context *context, u32 bytes)
{
	return false;
}

/* Send by the kernel's own way to the next hop, which is looked after and, if unknown, resolved. */
inlined int hook_send(struct way *way)
{
	return bpf_redirect_neigh(way->egress, &way->next_hop, sizeof(way->next_hop), 0);
}
