/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The marker: gives packets a mark at TC ingress, behind the datapath, where a firewall rule before routing
 * would have given it.
 */
#include "helpers.h"

/* The one mark. */
struct {
	map_number(type, BPF_MAP_TYPE_ARRAY);
	map_number(max_entries, 1);
	map_type(key, u32);
	map_type(value, u32);
} marks SEC(".maps");

SEC("tc") int mark(struct __sk_buff *context)
{
	u32 key = 0, *value = bpf_map_lookup_elem(&marks, &key);

	if (value)
		context->mark = *value;
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual MIT/GPL";
