/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * All tunnels, and which of them takes an inner destination: the one whose prefix is the longest.
 *
 * They stand in a hash table by prefix, which is asked once for each length that is in use, the longest
 * first. What costs with very many tunnels is waiting for memory, so a tunnel takes half a cache line: what
 * is its own. The rest, which many share, is a template.
 *
 * User space writes the table's memory while programs read it; src/datapath/tunnel-update.ts has the order.
 */
#pragma once
#include "outcome.h"
#include "tunnel.h"

enum tunnel_state {
	STATE_EMPTY, /* nothing was ever written behind it: a search ends */
	STATE_LIVE,
	STATE_GONE, /* a search goes on */
};

/* A prefix length and its family in one number, for the masks and in entries. */
enum prefix_number {
	PREFIX_IPV6,	       /* and the length: 0 to 128 */
	PREFIX_IPV4 = 129,     /* and the length: 129 to 161 */
	PREFIX_ANY_IPV6 = 162, /* what is shorter than this is the longest in use */
	PREFIX_ANY_IPV4,
	PREFIX_NUMBERS,
	PREFIX_NONE = 255,
};

struct tunnel_entry {
	be32 match[4];	  /* inner destination, its other bits zero; IPv4 stands in the first word */
	be32 destination; /* outer IPv4 one; an IPv6 one is the template's */
	be32 key;	  /* as in struct tunnel */
	u32 counter;	  /* its index among the counters */
	u32 state;	  /* index of the template << 10 | prefix number << 2 | enum tunnel_state */
};

enum { TEMPLATE_SHIFT = 10, PREFIX_SHIFT = 2, PREFIX_MASK = (1 << TEMPLATE_SHIFT) - 1 };

/* How many entries a search looks at: user space lets none stand further from its place. */
enum { PROBES = 256 };

/* Set before loading: of how many slots the hash chooses; as many as PROBES more come behind. */
const volatile u32 tunnel_slots = 1;

struct {
	map_number(type, BPF_MAP_TYPE_ARRAY);
	map_number(map_flags, BPF_F_MMAPABLE);
	map_number(max_entries, 1 + PROBES);
	map_type(key, u32);
	map_type(value, struct tunnel_entry);
} tunnels SEC(".maps");

struct {
	map_number(type, BPF_MAP_TYPE_ARRAY);
	map_number(map_flags, BPF_F_MMAPABLE);
	map_number(max_entries, 1);
	map_type(key, u32);
	map_type(value, struct tunnel);
} templates SEC(".maps");

/* Of each prefix number: its mask, and the next shorter one of its family that is in use, or PREFIX_NONE. */
struct prefix {
	be32 mask[4];
	u32 shorter;
	u32 reserved;
};

/* By prefix number. */
struct {
	map_number(type, BPF_MAP_TYPE_ARRAY);
	map_number(map_flags, BPF_F_MMAPABLE);
	map_number(max_entries, PREFIX_NUMBERS);
	map_type(key, u32);
	map_type(value, struct prefix);
} prefixes SEC(".maps");

/* The tunnel found last, whole. */
struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, 1);
	map_type(key, u32);
	map_type(value, struct tunnel);
} found SEC(".maps");

/* Set before loading: how many counters each processor has; none are kept if 0. */
const volatile u32 tunnel_counters = 0;

/* What each tunnel's packets came to: processor 0's counters, then processor 1's, and so on. */
struct {
	map_number(type, BPF_MAP_TYPE_ARRAY);
	map_number(map_flags, BPF_F_MMAPABLE);
	map_number(max_entries, 1);
	map_type(key, u32);
	map_type(value, struct outcome_count);
} tunnel_counts SEC(".maps");

/*
 * This processor's counter of a tunnel; NULL when tunnels are not counted. Nothing else on this processor
 * counts meanwhile: XDP and TC run one at a time.
 */
inlined struct outcome_count *tunnel_total(u32 counter)
{
	u32 index;

	if (!tunnel_counters)
		return NULL;
	index = bpf_get_smp_processor_id() * tunnel_counters + counter;
	return bpf_map_lookup_elem(&tunnel_counts, &index);
}

/* Its twin is in src/datapath/tunnel-slots.ts. Bijective in each word, so that neighbours do not meet. */
inlined u32 tunnel_hash(be32 a, be32 b, be32 c, be32 d, u32 prefix)
{
	u32 hash = a * 0x9e3779b1 + b * 0x85ebca6b + c * 0xc2b2ae35 + d * 0x27d4eb2f + prefix * 0x165667b1;

	hash ^= hash >> 15;
	hash *= 0x2c1b3c6d;
	return hash ^ hash >> 13;
}

/*
 * The slot of the tunnel with just this prefix, masked, or -1. A function of its own, as is the next, so that
 * the verifier looks at its loop once.
 */
__attribute__((noinline)) u32 tunnel_slot(u64 high, u64 low, u32 prefix)
{
	be32 a = high, b = high >> 32, c = low, d = low >> 32;
	u32 first = (u64)tunnel_hash(a, b, c, d, prefix) * tunnel_slots >> 32;
	u32 wanted = prefix << PREFIX_SHIFT | STATE_LIVE;

	for (u32 i = 0; i < PROBES; i++) {
		u32 slot = first + i;
		const volatile struct tunnel_entry *entry = bpf_map_lookup_elem(&tunnels, &slot);
		u32 state;

		if (!entry)
			return -1;
		state = entry->state;
		if (!state)
			return -1;
		if ((state & PREFIX_MASK) == wanted && entry->match[0] == a && entry->match[1] == b &&
		    entry->match[2] == c && entry->match[3] == d)
			return slot;
	}
	return -1;
}

/* The slot of the tunnel with the longest prefix of an address, of those shorter than `prefix`; or -1. */
__attribute__((noinline)) u32 tunnel_longest(u64 high, u64 low, u32 prefix)
{
	for (u32 i = 0; i <= PREFIX_IPV4; i++) {
		const volatile struct prefix *known = bpf_map_lookup_elem(&prefixes, &prefix);
		u32 slot;

		if (!known)
			break;
		prefix = known->shorter;
		known = bpf_map_lookup_elem(&prefixes, &prefix);
		if (!known)
			break;
		slot = tunnel_slot(high & (known->mask[0] | (u64)known->mask[1] << 32),
				   low & (known->mask[2] | (u64)known->mask[3] << 32), prefix);
		if (slot != (u32)-1)
			return slot;
	}
	return -1;
}

/* The entry of the tunnel whose prefix of this destination is the longest, or NULL. */
inlined const struct tunnel_entry *tunnel_find(const be32 *destination, bool ipv4)
{
	u32 slot = tunnel_longest(destination[0] | (u64)destination[1] << 32,
				  destination[2] | (u64)destination[3] << 32, ipv4 ? PREFIX_ANY_IPV4 : PREFIX_ANY_IPV6);

	return bpf_map_lookup_elem(&tunnels, &slot);
}

/* The whole tunnel of an entry, or NULL. It holds until the next is asked for. */
inlined const struct tunnel *tunnel_whole(const struct tunnel_entry *entry)
{
	const struct tunnel *shared;
	struct tunnel *tunnel;
	u32 template = entry->state >> TEMPLATE_SHIFT, first = 0;

	shared = bpf_map_lookup_elem(&templates, &template);
	tunnel = bpf_map_lookup_elem(&found, &first);
	if (!shared || !tunnel)
		return NULL;
	*tunnel = *shared;
	tunnel->key = entry->key;
	if (tunnel->family == AF_INET) {
		tunnel->destination[0] = entry->destination;
		if (tunnel->flags & TUNNEL_DERIVED_MAC)
			__builtin_memcpy(tunnel->inner_destination + 2, tunnel->destination, 4);
	}
	return tunnel;
}
