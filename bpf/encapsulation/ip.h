/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The encapsulation `ip`: IP directly in IP (RFC 2003, RFC 2473, RFC 4213). */
#pragma once
#include "shim.h"

inlined void encapsulation_ip(struct shim *shim, const struct tunnel *tunnel, u8 inner_protocol)
{
	shim->length = 0;
	shim->protocol = inner_protocol;
}

inlined u32 decapsulation_ip(struct shell *shell, u8 protocol)
{
	shell->protocol = protocol;
	return OUTCOMES;
}
