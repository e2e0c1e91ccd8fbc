/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Which packets are encapsulated, and in what: longest prefix match by inner destination. */
#pragma once
#include "helpers.h"

struct tunnel {
	be32 source[4]; /* IPv4 stands in the first word, the rest zero */
	be32 destination[4];
	u8 family; /* of the outer header: AF_INET or AF_INET6 */
	u8 ttl;	   /* of the outer header, hop limit for IPv6 */
	u8 reserved[2];
};

struct tunnel_key_ipv4 {
	u32 prefix_length;
	be32 address;
};

struct tunnel_key_ipv6 {
	u32 prefix_length;
	be32 address[4];
};

struct {
	map_number(type, BPF_MAP_TYPE_LPM_TRIE);
	map_number(map_flags, BPF_F_NO_PREALLOC);
	map_number(max_entries, 1024);
	map_type(key, struct tunnel_key_ipv4);
	map_type(value, struct tunnel);
} tunnels_ipv4 SEC(".maps");

struct {
	map_number(type, BPF_MAP_TYPE_LPM_TRIE);
	map_number(map_flags, BPF_F_NO_PREALLOC);
	map_number(max_entries, 1024);
	map_type(key, struct tunnel_key_ipv6);
	map_type(value, struct tunnel);
} tunnels_ipv6 SEC(".maps");
