/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * One packet seen at one place: the event that the datapath, the tracer and the observer all write into
 * one ring buffer, so that the order of the events is the order of what happened.
 */
#pragma once
#include "helpers.h"

enum { SIGHTING_SNAP = 2048 }; /* bytes kept of a frame: all of one that an Ethernet's 1500 bytes hold */

enum place {
	PLACE_XDP_IN,	/* our XDP program got it */
	PLACE_XDP_OUT,	/* our XDP program is done with it */
	PLACE_TC_IN,	/* our TC program got it */
	PLACE_TC_OUT,	/* our TC program is done with it */
	PLACE_RECEIVE,	/* the stack takes it from a device (tracepoint net:netif_receive_skb) */
	PLACE_TRANSMIT, /* the stack gives it to a device (tracepoint net:net_dev_start_xmit) */
	PLACE_DROP,	/* the kernel frees it unsent (tracepoint skb:kfree_skb) */
	PLACE_ARRIVED,	/* it came out at the far end of the link */
	PLACE_DELIVERED, /* a protocol of the host's own took it (tracepoint skb:consume_skb) */
	PLACES
};

struct sighting {
	u64 time;	/* nanoseconds, CLOCK_MONOTONIC */
	u64 location;	/* drop: the kernel address that freed it */
	u32 namespace;	/* inode number of the network namespace; 0 from the datapath, which cannot see it */
	u32 device;	/* ifindex */
	u32 reason;	/* drop: enum skb_drop_reason of the running kernel */
	u32 egress;	/* datapath: ifindex the FIB named, or 0 */
	u32 length;	/* of the frame, Ethernet header included */
	u16 captured;	/* bytes of it that follow */
	u16 mtu;	/* datapath: what the FIB said, or 0 */
	u8 place;	/* enum place */
	u8 outcome;	/* datapath, done: enum outcome */
	s8 fib;		/* datapath, done: enum fib_result, -1 when not asked */
	s8 verdict;	/* datapath, done: the hook's return code */
	u8 route_error; /* drop: errno of the packet's route, 0 if it has none or a good one */
	u8 reserved[3];
	u8 bytes[SIGHTING_SNAP];
};

struct {
	map_number(type, BPF_MAP_TYPE_RINGBUF);
	map_number(max_entries, 1 << 20);
} sightings SEC(".maps");

/* Begin an event about a frame at `from`, or NULL when the buffer is full. */
inlined struct sighting *sighting_begin(u8 place, u32 device, const void *from, u32 length)
{
	struct sighting *event = bpf_ringbuf_reserve(&sightings, sizeof(*event), 0);
	u32 captured = length;

	if (!event)
		return NULL;
	/* One register from the comparison to the copy, or the verifier loses the bound. */
	asm volatile("" : "+r"(captured));
	if (captured > SIGHTING_SNAP)
		captured = SIGHTING_SNAP;
	event->time = bpf_ktime_get_ns();
	event->location = 0;
	event->namespace = 0;
	event->device = device;
	event->reason = 0;
	event->egress = 0;
	event->length = length;
	event->mtu = 0;
	event->place = place;
	event->outcome = 0;
	event->fib = -1;
	event->verdict = 0;
	event->route_error = 0;
	if (bpf_probe_read_kernel(event->bytes, captured, from))
		captured = 0;
	event->captured = captured;
	return event;
}
