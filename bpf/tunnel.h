/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What packets are encapsulated in. */
#pragma once
#include "helpers.h"

/* The kinds, in the order of the files in encapsulation/. */
enum encapsulation {
	ENCAPSULATION_IP,
	ENCAPSULATION_GRE,
	ENCAPSULATION_GUE,
	ENCAPSULATION_VXLAN,
	ENCAPSULATION_GENEVE,
};

enum tunnel_flag {
	TUNNEL_INHERIT_DSCP = 1 << 0, /* copy the inner DSCP, else take `tos`'s; ECN is always copied */
	TUNNEL_MAY_FRAGMENT = 1 << 1, /* leave DF of an outer IPv4 header clear */
	TUNNEL_KEY = 1 << 2,	      /* GRE: there is a key */
	TUNNEL_UDP_CHECKSUM = 1 << 3, /* compute the UDP checksum of an IPv6 outer header */
	TUNNEL_DERIVED_MAC = 1 << 4,  /* of a template: inner_destination is 02:00 and the destination's IPv4 address */
};

struct tunnel {
	be32 source[4]; /* IPv4 stands in the first word, the rest zero */
	be32 destination[4];
	be32 source_hash[4]; /* bits of the source that the hash of the inner flow fills */
	be32 key;	     /* GRE: key; VXLAN and Geneve: VNI, in the upper three bytes */
	be16 port;	     /* UDP destination */
	u8 inner_destination[6]; /* Ethernet header carried by VXLAN and Geneve */
	u8 inner_source[6];
	u8 encapsulation; /* enum encapsulation */
	u8 family;	  /* of the outer header: AF_INET or AF_INET6 */
	u8 ttl;		  /* of the outer header, hop limit for IPv6; 0 inherits the inner one */
	u8 tos;		  /* DSCP in the upper six bits */
	u8 flags;	  /* enum tunnel_flag */
	u8 reserved[9]; /* an array steps by eight bytes, and so does user space in its memory */
};
