/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The way of a tunnel's packets: the finished outer header, the Ethernet header before it and the egress
 * device. It is worked out for the first packet and remembered until the kernel's next tick (1 to 10 ms), which
 * saves the others the FIB lookup. The tick costs nothing to read (bpf_jiffies64 is inlined); a clock in
 * nanoseconds would cost as much as the FIB.
 */
#pragma once
#include "encapsulation/shim.h"
#include "inner.h"
#include "packet.h"
#include "tunnel.h"

/* Raised by user space when it has changed the tunnels: what was remembered before holds no more. */
volatile u32 generation SEC(".data.generation");

/*
 * What the remembered must agree in: tick and generation, in one number. Read it before the tunnels, so
 * that what is remembered of an old tunnel is stamped with the old generation.
 */
inlined u64 way_moment(void)
{
	return bpf_jiffies64() + ((u64)generation << 48);
}

/* What the packets of a way have in common. Tunnels to the same end share it. */
struct way_key {
	u32 template;	  /* of the tunnel */
	be32 destination; /* outer, as in the tunnel's entry */
	be32 key;	  /* the same */
	u32 device;	  /* ingress */
	u32 traffic;	  /* inner protocol, which tells IPv4 from IPv6, and TOS */
};

struct way {
	u64 moment; /* it holds while this is the moment; 0 never does */
	struct way_key key;
	u32 turn; /* counted up when it is worked out anew: who knows it by another number knows another way */
	u32 egress;
	struct bpf_redir_neigh next_hop;
	u8 local[6];	     /* Ethernet address that its packets came in for */
	bool unfinished;     /* their checksums may be unfinished */
	u8 reserved;
	u32 sum;	     /* of the outer IPv4 header's words, each packet's own left out */
	u32 bytes;	     /* of outer IP header and shim */
	u16 most;	     /* bytes of an inner packet for which the route has room */
	u8 family;	     /* of the outer header; 0 where the packet goes on without one */
	bool hashed;	     /* something of it is filled with the hash of the flow */
	bool checksummed;    /* the UDP checksum is computed */
	be32 source_hash[4]; /* as in the tunnel */
	struct {
		u8 reserved[2]; /* what follows Ethernet begins with a word */
		struct ethhdr ethernet;
		union {
			struct iphdr ipv4;
			struct ipv6hdr ipv6;
		};
	} header;
	struct shim shim;
};

enum { WAYS_BITS = 8, WAYS = 1 << WAYS_BITS };

/* One more stands last: of a packet whose way is not remembered. */
struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, WAYS + 1);
	map_type(key, u32);
	map_type(value, struct way);
} ways SEC(".maps");

inlined struct way *way_in(u32 slot)
{
	return bpf_map_lookup_elem(&ways, &slot);
}

/* Where the way of this key is or will be: another key's may be there. */
inlined u32 way_slot(const struct way_key *key)
{
	const u32 mix = 0x9e3779b1; /* 2^32 divided by the golden ratio */
	u32 slot = key->destination * mix + key->template * 0x85ebca6b + key->key * 0xc2b2ae35;

	return (slot ^ slot >> 15) * mix >> (32 - WAYS_BITS);
}

inlined bool way_holds(const struct way *way, const struct way_key *key, u64 moment)
{
	const struct way_key *known = &way->key;

	return way->moment == moment && known->template == key->template && known->destination == key->destination &&
	       known->key == key->key && known->device == key->device && known->traffic == key->traffic;
}

/* Whether an inner destination is where the outer header goes: packets to it may be in the tunnel already. */
inlined bool way_may_loop(const struct way *way, const struct inner *inner)
{
	u32 other = 0;

	if (inner_family(inner) != way->family)
		return false;
	if (way->family == AF_INET)
		return inner->destination[0] == way->header.ipv4.destination;
#pragma unroll
	for (int i = 0; i < 4; i++)
		other |= inner->destination[i] ^ way->header.ipv6.destination[i];
	return !other;
}
