/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The XDP hook: what the datapath needs of it. Its twin is tc/hook.h. */
#pragma once
#include "../device.h"
#include "../inner.h"
#include "../packet.h"
#include "../sighting.h"
#include "../way.h"

#define HOOK_SECTION "xdp"
#define HOOK_PLACE_IN PLACE_XDP_IN
#define HOOK_PLACE_OUT PLACE_XDP_OUT
#define HOOK_PASS XDP_PASS
#define HOOK_DROP XDP_DROP
/* What XDP has no means to do is left to TC, behind it. */
#define HOOK_HANDS_OVER 1

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

/* Whether the frame is for another host, as far as the device's address is known. */
inlined bool hook_is_stranger(const hook_context *context)
{
	const struct device *device = device_of(context->ingress_ifindex);
	struct ethhdr *ethernet = (void *)(long)context->data;

	if (!device || (void *)(ethernet + 1) > (void *)(long)context->data_end)
		return false;
	return !ethernet_equal(ethernet->destination, device->address);
}

/* Whether a frame is for the address that the remembered way's frames are for. */
inlined bool hook_is_expected(hook_context *context, const struct way *way)
{
	struct ethhdr *ethernet = (void *)(long)context->data;

	return (void *)(ethernet + 1) <= (void *)(long)context->data_end &&
	       ethernet_equal(ethernet->destination, way->local);
}

/* Make the first `bytes` readable, as far as the frame has them: in XDP they are. */
inlined void hook_reach(hook_context *context, u32 bytes)
{
}

/* Make the whole frame readable. */
inlined void hook_reach_all(hook_context *context)
{
}

/* Packets are merged behind XDP. */
inlined bool hook_is_merged(const hook_context *context)
{
	return false;
}

/* The length that the MTU is held against. */
inlined u32 hook_segment(hook_context *context, const struct inner *inner)
{
	return inner->length;
}

/*
 * Open room for the way's headers between the Ethernet header and the packet: OUTCOMES, or why not. Unless it
 * is to keep the Ethernet header, the caller writes that anew and it need not be moved.
 */
inlined u32 hook_push(hook_context *context, const struct way *way, u8 inner, bool keep)
{
	struct ethhdr *ethernet = (void *)(long)context->data;
	struct ethhdr saved;

	if (!keep)
		return bpf_xdp_adjust_head(context, -(int)way->bytes) ? OUTCOME_NO_ROOM : OUTCOMES;
	if ((void *)(ethernet + 1) > (void *)(long)context->data_end)
		return OUTCOME_NO_ROOM;
	saved = *ethernet;
	if (bpf_xdp_adjust_head(context, -(int)way->bytes))
		return OUTCOME_NO_ROOM;
	ethernet = (void *)(long)context->data;
	if ((void *)(ethernet + 1) > (void *)(long)context->data_end)
		return OUTCOME_NO_ROOM;
	*ethernet = saved;
	return OUTCOMES;
}

/*
 * Take `bytes` of outer header off. They stay where they are, and what precedes the packet is no Ethernet
 * header until one is written.
 */
inlined bool hook_strip(hook_context *context, u32 bytes, u8 outer, u8 inner, bool near)
{
	return !bpf_xdp_adjust_head(context, bytes);
}

/* Put back what was taken off, as it came. */
inlined bool hook_unstrip(hook_context *context, u32 bytes)
{
	return !bpf_xdp_adjust_head(context, -(int)bytes);
}

/* Send with the Ethernet header that was written. */
inlined int hook_send(struct way *way)
{
	return bpf_redirect(way->egress, 0);
}
