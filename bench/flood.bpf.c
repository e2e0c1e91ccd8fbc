/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A flood of packets that the kernel drops, each from one of so many inner sources. Run with live frames,
 * whose pages are used again as they are: the stack reads them and writes nothing.
 */
#include "../bpf/packet.h"

/* Set before loading: how many different packets there are. */
const volatile u32 kinds = 1;

/* Of each processor's own: the next of them. */
struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, 1);
	map_type(key, u32);
	map_type(value, u32);
} next SEC(".maps");

struct flooded {
	struct ethhdr ethernet;
	struct iphdr outer;
	struct ipv6hdr inner;
} __attribute__((packed, aligned(2)));

SEC("xdp") int flood(struct xdp_md *context)
{
	struct flooded *frame = (void *)(long)context->data;
	u32 zero = 0;
	u32 *number = bpf_map_lookup_elem(&next, &zero);

	if (!number || (void *)(frame + 1) > (void *)(long)context->data_end)
		return XDP_DROP;
	frame->inner.source[3] = to_be32(*number);
	*number = *number + 1 < kinds ? *number + 1 : 0;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
