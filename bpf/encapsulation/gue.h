/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The encapsulation `gue`: Generic UDP Encapsulation, variant 0 without options (draft-ietf-intarea-gue). */
#pragma once
#include "shim.h"

struct guehdr {
	u8 version_length; /* variant, control bit and the length of options: all zero */
	u8 protocol;
	be16 flags;
} __attribute__((packed, aligned(2)));

inlined void encapsulation_gue(struct shim *shim, const struct tunnel *tunnel, u8 inner_protocol)
{
	struct guehdr *gue = (void *)(shim->bytes + sizeof(struct udphdr));

	shim_udp(shim, tunnel);
	shim->length = sizeof(struct udphdr) + sizeof(*gue);
	gue->version_length = 0;
	gue->protocol = inner_protocol;
	gue->flags = 0;
}

/* Variant 1, control messages and options are not understood. */
inlined u32 decapsulation_gue(struct shell *shell, const void *at, const void *end)
{
	const struct guehdr *gue = at;

	if ((const void *)(gue + 1) > end)
		return OUTCOME_MALFORMED;
	if (gue->version_length || gue->flags)
		return OUTCOME_OUTER_OPTIONS;
	shell->length += sizeof(*gue);
	if (gue->protocol == IPPROTO_IPIP || gue->protocol == IPPROTO_IPV6)
		shell->protocol = gue->protocol;
	return OUTCOMES;
}
