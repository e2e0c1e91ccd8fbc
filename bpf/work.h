/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is found out of a packet while its way is worked out. A program's stack is too small for it. */
#pragma once
#include "decapsulation.h"
#include "inner.h"
#include "way.h"

struct work {
	/* Of a packet that is taken out of its outer header: */
	u32 bytes;		 /* taken off, 0 for none */
	struct ethhdr ethernet;	 /* that stood before it */
	struct endpoint_key endpoint;
	struct shell shell;
	struct inner inner;
	/* Of any: */
	struct inner packet; /* as it came, or as it was taken out */
	struct way_key key;
	be32 source[4];
	struct bpf_fib_lookup route;
};

struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, 1);
	map_type(key, u32);
	map_type(value, struct work);
} works SEC(".maps");
