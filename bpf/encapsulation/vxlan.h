/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The encapsulation `vxlan`: Virtual eXtensible LAN (RFC 7348). */
#pragma once
#include "shim.h"

struct vxlanhdr {
	be32 flags;
	be32 vni; /* in the upper three bytes */
} __attribute__((packed, aligned(2)));

enum { VXLAN_VNI_PRESENT = 0x08000000 };

inlined void encapsulation_vxlan(struct shim *shim, const struct tunnel *tunnel, u8 inner_protocol)
{
	struct vxlanhdr *vxlan = (void *)(shim->bytes + sizeof(struct udphdr));

	shim_udp(shim, tunnel);
	shim->length = sizeof(struct udphdr) + sizeof(*vxlan) + sizeof(struct ethhdr);
	vxlan->flags = to_be32(VXLAN_VNI_PRESENT);
	vxlan->vni = tunnel->key;
	shim_ethernet(shim, sizeof(struct udphdr) + sizeof(*vxlan), tunnel, inner_protocol);
}

/* What is reserved is ignored (RFC 7348, section 5). */
inlined u32 decapsulation_vxlan(struct shell *shell, const void *at, const void *end)
{
	const struct vxlanhdr *vxlan = at;

	if ((const void *)(vxlan + 1) > end)
		return OUTCOME_MALFORMED;
	if (!(vxlan->flags & to_be32(VXLAN_VNI_PRESENT)))
		return OUTCOME_OUTER_OPTIONS;
	shell->length += sizeof(*vxlan);
	shell->key.key = vxlan->vni & to_be32(0xffffff00);
	return shell_ethernet(shell, at + sizeof(*vxlan), end);
}
