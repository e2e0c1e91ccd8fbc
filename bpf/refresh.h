/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A next hop that XDP redirects to is never looked after: the kernel asks whether a neighbour is still there
 * only when it sends to it itself. So about once a second a packet for each goes by TC, which has it sent so.
 */
#pragma once
#include "helpers.h"

enum { REFRESH_BITS = 12, REFRESH_SHIFT = 30 }; /* 2^30 ns: 1.07 s */

/* Read once a tick: the clock costs more than all the rest here. */
struct refresh_clock {
	u64 tick;
	u64 now; /* in units of 2^30 ns */
};

struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, 1);
	map_type(key, u32);
	map_type(value, struct refresh_clock);
} refresh_clocks SEC(".maps");

/* By a hash of the next hop, when a packet for it last went by TC. Those of one hash take turns by chance. */
struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, 1 << REFRESH_BITS);
	map_type(key, u32);
	map_type(value, u32);
} refreshes SEC(".maps");

inlined bool refresh_due(const struct bpf_fib_lookup *route)
{
	const u32 mix = 0x9e3779b1; /* 2^32 divided by the golden ratio */
	u32 slot = route->ifindex, zero = 0;
	struct refresh_clock *clock = bpf_map_lookup_elem(&refresh_clocks, &zero);
	u64 tick = bpf_jiffies64();
	u32 *last, now, before;

#pragma unroll
	for (int i = 0; i < 4; i++)
		slot = (slot ^ route->ipv6_dst[i]) * mix;
	slot >>= 32 - REFRESH_BITS;
	last = bpf_map_lookup_elem(&refreshes, &slot);
	if (!clock || !last)
		return false;
	if (clock->tick != tick) {
		clock->tick = tick;
		clock->now = bpf_ktime_get_ns() >> REFRESH_SHIFT;
	}
	now = clock->now + 1;
	before = *last;
	*last = now;
	return before && before != now;
}
