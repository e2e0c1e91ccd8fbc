/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The kernel's BPF helper functions that we call, by their UAPI numbers, and how libbpf finds things. */
#pragma once
#include "kernel.h"

#define SEC(name) __attribute__((section(name), used))
#define inlined static inline __attribute__((always_inline))

/* Members of a map definition as libbpf reads them from BTF. */
#define map_number(name, value) int (*name)[value]
#define map_type(name, type) type *name

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static u32 (*const bpf_get_prandom_u32)(void) = (void *)7;
static u32 (*const bpf_get_smp_processor_id)(void) = (void *)8;
static long (*const bpf_skb_store_bytes)(struct __sk_buff *skb, u32 offset, const void *from, u32 length, u64 flags) =
	(void *)9;
static long (*const bpf_clone_redirect)(struct __sk_buff *skb, u32 ifindex, u64 flags) = (void *)13;
static long (*const bpf_redirect)(u32 ifindex, u64 flags) = (void *)23;
static long (*const bpf_skb_load_bytes)(const struct __sk_buff *skb, u32 offset, void *to, u32 length) = (void *)26;
static long (*const bpf_skb_change_proto)(struct __sk_buff *skb, be16 protocol, u64 flags) = (void *)31;
static long (*const bpf_skb_change_tail)(struct __sk_buff *skb, u32 length, u64 flags) = (void *)38;
static long (*const bpf_skb_pull_data)(struct __sk_buff *skb, u32 length) = (void *)39;
static long (*const bpf_xdp_adjust_head)(struct xdp_md *xdp, int delta) = (void *)44;
static long (*const bpf_skb_adjust_room)(struct __sk_buff *skb, s32 delta, u32 mode, u64 flags) = (void *)50;
static long (*const bpf_fib_lookup)(void *context, struct bpf_fib_lookup *fib, int size, u32 flags) = (void *)69;
static long (*const bpf_probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static u64 (*const bpf_jiffies64)(void) = (void *)118;
static long (*const bpf_ringbuf_output)(void *map, const void *data, u64 size, u64 flags) = (void *)130;
static void *(*const bpf_ringbuf_reserve)(void *map, u64 size, u64 flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *data, u64 flags) = (void *)132;
static long (*const bpf_redirect_neigh)(u32 ifindex, struct bpf_redir_neigh *next_hop, int size, u64 flags) =
	(void *)152;
