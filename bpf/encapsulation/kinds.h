/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The table of encapsulations: a new kind has a file here, a number in tunnel.h and a line below. */
#pragma once
#include "geneve.h"
#include "gre.h"
#include "gue.h"
#include "ip.h"
#include "vxlan.h"

/* Write the shim of a tunnel's packets whose inner packet is of this protocol (4 or 41). */
inlined void encapsulation_shim(struct shim *shim, const struct tunnel *tunnel, u8 inner_protocol)
{
	shim->ethernet = 0;
	shim->udp = false;
	switch (tunnel->encapsulation) {
	case ENCAPSULATION_GRE:
		return encapsulation_gre(shim, tunnel, inner_protocol);
	case ENCAPSULATION_GUE:
		return encapsulation_gue(shim, tunnel, inner_protocol);
	case ENCAPSULATION_VXLAN:
		return encapsulation_vxlan(shim, tunnel, inner_protocol);
	case ENCAPSULATION_GENEVE:
		return encapsulation_geneve(shim, tunnel, inner_protocol);
	default:
		return encapsulation_ip(shim, tunnel, inner_protocol);
	}
}

/* Read on through what a kind puts behind the outer header, whose protocol that was: OUTCOMES, or why not. */
inlined u32 decapsulation_shim(struct shell *shell, u8 protocol, const void *at, const void *end)
{
	switch (shell->key.encapsulation) {
	case ENCAPSULATION_GRE:
		return decapsulation_gre(shell, at, end);
	case ENCAPSULATION_GUE:
		return decapsulation_gue(shell, at, end);
	case ENCAPSULATION_VXLAN:
		return decapsulation_vxlan(shell, at, end);
	case ENCAPSULATION_GENEVE:
		return decapsulation_geneve(shell, at, end);
	default:
		return decapsulation_ip(shell, protocol);
	}
}
