/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The encapsulation `geneve`: Generic Network Virtualization Encapsulation without options (RFC 8926). */
#pragma once
#include "shim.h"

struct genevehdr {
	be16 version_length; /* and flags: all zero */
	be16 protocol;
	be32 vni; /* in the upper three bytes */
} __attribute__((packed, aligned(2)));

enum { GENEVE_ETHERNET = 0x6558 };

inlined void encapsulation_geneve(struct shim *shim, const struct tunnel *tunnel, u8 inner_protocol)
{
	struct genevehdr *geneve = (void *)(shim->bytes + sizeof(struct udphdr));

	shim_udp(shim, tunnel);
	shim->length = sizeof(struct udphdr) + sizeof(*geneve) + sizeof(struct ethhdr);
	geneve->version_length = 0;
	geneve->protocol = to_be16(GENEVE_ETHERNET);
	geneve->vni = tunnel->key;
	shim_ethernet(shim, sizeof(struct udphdr) + sizeof(*geneve), tunnel, inner_protocol);
}
