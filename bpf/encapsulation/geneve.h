/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The encapsulation `geneve`: Generic Network Virtualization Encapsulation without options (RFC 8926). */
#pragma once
#include "shim.h"

struct genevehdr {
	u8 version_length; /* version 0; length of the options in words of 4 bytes */
	u8 flags;
	be16 protocol;
	be32 vni; /* in the upper three bytes */
} __attribute__((packed, aligned(2)));

enum { GENEVE_ETHERNET = 0x6558, GENEVE_CONTROL = 0x80, GENEVE_CRITICAL = 0x40 };

inlined void encapsulation_geneve(struct shim *shim, const struct tunnel *tunnel, u8 inner_protocol)
{
	struct genevehdr *geneve = (void *)(shim->bytes + sizeof(struct udphdr));

	shim_udp(shim, tunnel);
	shim->length = sizeof(struct udphdr) + sizeof(*geneve) + sizeof(struct ethhdr);
	geneve->version_length = 0;
	geneve->flags = 0;
	geneve->protocol = to_be16(GENEVE_ETHERNET);
	geneve->vni = tunnel->key;
	shim_ethernet(shim, sizeof(struct udphdr) + sizeof(*geneve), tunnel, inner_protocol);
}

/* Options are skipped unless they are critical; control messages are not understood (RFC 8926, section 3.4). */
inlined u32 decapsulation_geneve(struct shell *shell, const void *at, const void *end)
{
	const struct genevehdr *geneve = at;
	u32 length;

	if ((const void *)(geneve + 1) > end)
		return OUTCOME_MALFORMED;
	if (geneve->version_length >> 6 || geneve->flags & (GENEVE_CONTROL | GENEVE_CRITICAL))
		return OUTCOME_OUTER_OPTIONS;
	length = sizeof(*geneve) + (geneve->version_length & 0x3f) * 4;
	if (at + length > end)
		return OUTCOME_MALFORMED;
	shell->length += length;
	shell->key.key = geneve->vni & to_be32(0xffffff00);
	shell->protocol = shell_protocol(geneve->protocol);
	return geneve->protocol == to_be16(GENEVE_ETHERNET) ? shell_ethernet(shell, at + length, end) : OUTCOMES;
}
