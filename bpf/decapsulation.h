/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Which packets are taken out of their outer header: all of what they must be is one key. */
#pragma once
#include "outcome.h"
#include "packet.h"
#include "tunnel.h"

/* An address at which tunnels end, with port 0, and each UDP port there that one of them has. */
struct endpoint_key {
	be32 address[4]; /* outer destination; IPv4 stands in the first word, the rest zero */
	be16 port;
	u8 family; /* AF_INET or AF_INET6 */
	u8 reserved;
};

/* The value: one bit for each encapsulation that ends there, 1 << enum encapsulation. */
struct {
	map_number(type, BPF_MAP_TYPE_HASH);
	map_number(map_flags, BPF_F_NO_PREALLOC);
	map_number(max_entries, 16384);
	map_type(key, struct endpoint_key);
	map_type(value, u32);
} endpoints SEC(".maps");

struct decapsulation_key {
	be32 address[4]; /* as in the endpoint */
	be32 key;	 /* GRE: key; VXLAN and Geneve: VNI, in the upper three bytes */
	be16 port;	 /* UDP destination, 0 for the kinds without UDP */
	u8 family;
	u8 encapsulation; /* enum encapsulation */
	u8 flags;	  /* TUNNEL_KEY: GRE with a key */
	u8 reserved[3];
};

/* The value: what was taken out, counted; bytes as received, Ethernet header included. */
struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_HASH);
	map_number(map_flags, BPF_F_NO_PREALLOC);
	map_number(max_entries, 16384);
	map_type(key, struct decapsulation_key);
	map_type(value, struct outcome_count);
} decapsulations SEC(".maps");

/* An outer header being read, from its IP header on: what it says, and where the packet within begins. */
struct shell {
	struct decapsulation_key key;
	u32 length;  /* of all that is read so far */
	u8 protocol; /* that names the packet within: 4 or 41; 0 when it is no IP */
};

inlined u8 shell_protocol(be16 ethertype)
{
	return ethertype == to_be16(ETH_P_IP) ? IPPROTO_IPIP : ethertype == to_be16(ETH_P_IPV6) ? IPPROTO_IPV6 : 0;
}

/* Read on through an inner Ethernet header at `at`. */
inlined u32 shell_ethernet(struct shell *shell, const void *at, const void *end)
{
	const struct ethhdr *ethernet = at;

	if ((const void *)(ethernet + 1) > end)
		return OUTCOME_MALFORMED;
	shell->length += sizeof(*ethernet);
	shell->protocol = shell_protocol(ethernet->protocol);
	return OUTCOMES;
}
