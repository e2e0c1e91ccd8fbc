/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The encapsulation `gre`: Generic Routing Encapsulation (RFC 2784), with a key if there is one (RFC 2890). */
#pragma once
#include "shim.h"

struct grehdr {
	be16 flags;
	be16 protocol;
	be32 key;
} __attribute__((packed, aligned(2)));

enum { GRE_KEY_PRESENT = 0x2000 };

inlined void encapsulation_gre(struct shim *shim, const struct tunnel *tunnel, u8 inner_protocol)
{
	struct grehdr *gre = (void *)shim->bytes;
	bool keyed = tunnel->flags & TUNNEL_KEY;

	shim->length = keyed ? 8 : 4;
	shim->protocol = IPPROTO_GRE;
	gre->flags = keyed ? to_be16(GRE_KEY_PRESENT) : 0;
	gre->protocol = shim_ethertype(inner_protocol);
	gre->key = tunnel->key;
}

/* A checksum, a sequence number or routing is not understood (RFC 2784, RFC 2890, RFC 1701). */
inlined u32 decapsulation_gre(struct shell *shell, const void *at, const void *end)
{
	const struct grehdr *gre = at;
	const u32 bare = sizeof(*gre) - sizeof(gre->key);

	if (at + bare > end)
		return OUTCOME_MALFORMED;
	if (gre->flags & ~to_be16(GRE_KEY_PRESENT))
		return OUTCOME_OUTER_OPTIONS;
	shell->length += bare;
	shell->protocol = shell_protocol(gre->protocol);
	if (!gre->flags)
		return OUTCOMES;
	if ((const void *)(gre + 1) > end)
		return OUTCOME_MALFORMED;
	shell->length += sizeof(gre->key);
	shell->key.key = gre->key;
	shell->key.flags = TUNNEL_KEY;
	return OUTCOMES;
}
