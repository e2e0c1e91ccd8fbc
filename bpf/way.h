/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The way of an inner destination: the finished outer header, the Ethernet header before it and the
 * egress device. It is worked out for the first packet and remembered until the kernel's next tick (1 to
 * 10 ms), which saves the others the tunnel and the FIB lookup. The tick costs nothing to read
 * (bpf_jiffies64 is inlined); a clock in nanoseconds would cost as much as the FIB.
 */
#pragma once
#include "encapsulation/shim.h"
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

struct way_key {
	be32 destination[4]; /* inner; IPv4 stands in the first word, the rest zero */
	u32 device;	     /* ingress */
	u32 traffic;	     /* protocol, which tells IPv4 from IPv6, and TOS */
};

struct way {
	u64 moment; /* it holds while this is the moment; 0 never does */
	struct way_key key;
	u32 egress;
	u32 counter;	     /* of the tunnel */
	struct bpf_redir_neigh next_hop;
	u8 local[6];	     /* Ethernet address that its packets came in for */
	bool unfinished;     /* their checksums may be unfinished */
	u8 reserved;
	u32 sum;	     /* of the outer IPv4 header's words, each packet's own left out */
	u32 bytes;	     /* of outer IP header and shim */
	u16 mtu;	     /* of the route, for the outer packet */
	u8 family;	     /* of the outer header; 0 where the packet goes on without one */
	bool hashed;	     /* something of it is filled with the hash of the flow */
	bool checksummed;    /* the UDP checksum is computed */
	be32 source_hash[4]; /* as in the tunnel */
	struct {
		struct ethhdr ethernet;
		union {
			struct iphdr ipv4;
			struct ipv6hdr ipv6;
		};
	} header;
	u8 reserved_too[2];
	struct shim shim;
};

enum { WAYS_BITS = 8 };

struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, 1 << WAYS_BITS);
	map_type(key, u32);
	map_type(value, struct way);
} ways SEC(".maps");

/* Where the way of this key is or will be: another key's may be there. */
inlined struct way *way_slot(const struct way_key *key)
{
	const u32 mix = 0x9e3779b1; /* 2^32 divided by the golden ratio */
	/* Products that do not wait for each other. */
	u32 slot = key->destination[0] * mix + key->destination[1] * 0x85ebca6b + key->destination[2] * 0xc2b2ae35 +
		   key->destination[3] * 0x27d4eb2f;

	slot = (slot ^ slot >> 15) * mix >> (32 - WAYS_BITS);
	return bpf_map_lookup_elem(&ways, &slot);
}

inlined bool way_holds(const struct way *way, const struct way_key *key, u64 moment)
{
	const struct way_key *known = &way->key;

	/* Word by word, as the key was written: a wider read would wait for its parts to be stored. */
	return way->moment == moment && known->destination[0] == key->destination[0] &&
	       known->destination[1] == key->destination[1] && known->destination[2] == key->destination[2] &&
	       known->destination[3] == key->destination[3] && known->device == key->device &&
	       known->traffic == key->traffic;
}
