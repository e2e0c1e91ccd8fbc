/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Taking a packet out of its outer header where a tunnel ends. */
#pragma once
#include "decapsulation.h"
#include "encapsulation/kinds.h"
#include "hook.h"
#include "inner.h"
#include "work.h"

/*
 * Bytes of a frame that may be looked at: Ethernet, IPv6 with a tunnel's options, UDP, Geneve with all of
 * its own, Ethernet, and INNER_REACH's.
 */
enum { SHELL_REACH = 14 + 40 + 8 + 8 + 8 + 252 + 14 + 64 };

/* Of an IPv6 destination option: what Linux's own tunnels put there unless told otherwise (RFC 2473). */
enum { OPTION_ENCAPSULATION_LIMIT = 4 };

struct destination_options {
	u8 next_header;
	u8 length; /* of eight bytes, the first not counted */
	u8 option;
	u8 rest[5];
} __attribute__((packed));

/* Whether some kind is announced by this protocol. */
inlined bool shell_is_kind(u8 protocol)
{
	return protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6 || protocol == IPPROTO_GRE ||
	       protocol == IPPROTO_UDP;
}

/*
 * Where what is still to be read begins. The length is compared and added in one register, for the verifier of
 * older kernels forgets the bound of a number that is put on the stack; of a pointer it does not.
 */
inlined void *shell_at(const struct shell *shell, void *start)
{
	u64 length = shell->length;

	asm volatile("" : "+r"(length));
	if (length > SHELL_REACH)
		length = SHELL_REACH;
	start += length;
	asm volatile("" : "+r"(start));
	return start;
}

/* Read through the outer IP header: its protocol goes to `protocol`. */
inlined u32 shell_read_ip(struct shell *shell, u8 *protocol, void *at, void *end)
{
	struct destination_options *options;
	struct ipv6hdr *ipv6 = at;
	struct iphdr *ipv4 = at;

	if (shell->key.family == AF_INET) {
		if ((void *)(ipv4 + 1) > end)
			return OUTCOME_MALFORMED;
		*protocol = ipv4->protocol;
		shell->length = sizeof(*ipv4);
		if (!shell_is_kind(*protocol))
			return OUTCOME_NO_DECAPSULATION;
		if (ipv4->fragment & to_be16(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET))
			return OUTCOME_OUTER_FRAGMENT;
		return ipv4->version_ihl == 0x45 ? OUTCOMES : OUTCOME_OUTER_OPTIONS;
	}
	options = (void *)(ipv6 + 1);
	if ((void *)options > end)
		return OUTCOME_MALFORMED;
	*protocol = ipv6->next_header;
	shell->length = sizeof(*ipv6);
	if (shell_is_kind(*protocol))
		return OUTCOMES;
	if ((*protocol != IPPROTO_DSTOPTS && *protocol != IPPROTO_FRAGMENT) || (void *)(options + 1) > end ||
	    !shell_is_kind(options->next_header))
		return OUTCOME_NO_DECAPSULATION;
	if (*protocol == IPPROTO_FRAGMENT)
		return OUTCOME_OUTER_FRAGMENT;
	if (options->length || options->option != OPTION_ENCAPSULATION_LIMIT)
		return OUTCOME_OUTER_OPTIONS;
	*protocol = options->next_header;
	shell->length += sizeof(*options);
	return OUTCOMES;
}

/* Find out which kind it is, and read through its UDP header if it has one. */
inlined u32 shell_read_kind(struct work *work, u8 protocol, u32 kinds, u16 *length, void *at, void *end)
{
	struct shell *shell = &work->shell;
	struct udphdr *udp = at;
	u32 *found;

	if (protocol == IPPROTO_GRE) {
		shell->key.encapsulation = ENCAPSULATION_GRE;
		return kinds & 1 << ENCAPSULATION_GRE ? OUTCOMES : OUTCOME_NO_DECAPSULATION;
	}
	if (protocol != IPPROTO_UDP) {
		shell->key.encapsulation = ENCAPSULATION_IP;
		return kinds & 1 << ENCAPSULATION_IP ? OUTCOMES : OUTCOME_NO_DECAPSULATION;
	}
	if ((void *)(udp + 1) > end)
		return OUTCOME_MALFORMED;
	work->endpoint.port = shell->key.port = udp->destination;
	found = bpf_map_lookup_elem(&endpoints, &work->endpoint);
	if (!found)
		return OUTCOME_NO_DECAPSULATION;
	shell->key.encapsulation = *found & 1 << ENCAPSULATION_GUE    ? ENCAPSULATION_GUE :
				   *found & 1 << ENCAPSULATION_VXLAN ? ENCAPSULATION_VXLAN :
									ENCAPSULATION_GENEVE;
	/* The datagram may end before the packet does; not behind it. */
	if (from_be16(udp->length) < sizeof(*udp) || from_be16(udp->length) > *length - shell->length)
		return OUTCOME_MALFORMED;
	*length = shell->length + from_be16(udp->length);
	shell->length += sizeof(*udp);
	return OUTCOMES;
}

/* What the inner packet's traffic class becomes, RFC 6040, section 4.2; false where it must be dropped. */
inlined bool unwrap_congestion(struct inner *packet, u8 outer_tos)
{
	u8 outer = outer_tos & 3, inner = packet->tos & 3, mark = inner;

	if (outer == 3) {
		if (!inner)
			return false;
		mark = 3;
	} else if (outer == 1 && inner == 2) {
		mark = 1;
	}
	packet->marked = mark != inner;
	packet->tos = (packet->tos & ~3) | mark;
	return true;
}

/* Whether what could not be taken out is dropped; the rest is passed as it came. */
inlined bool unwrap_drops(u32 outcome)
{
	return outcome == OUTCOME_OFFLOAD || outcome == OUTCOME_INNER_MALFORMED ||
	       outcome == OUTCOME_INNER_LINK_LOCAL || outcome == OUTCOME_INNER_CONGESTED;
}

/* Which kinds of tunnels end at the packet's destination; NULL where none does. */
inlined const u32 *unwrap_kinds(struct work *work, const struct inner *packet)
{
#pragma unroll
	for (int i = 0; i < 4; i++)
		work->endpoint.address[i] = packet->destination[i];
	work->endpoint.port = 0;
	work->endpoint.family = inner_family(packet);
	work->endpoint.reserved = 0;
	work->bytes = 0;
	return bpf_map_lookup_elem(&endpoints, &work->endpoint);
}

/*
 * Take a packet at whose destination tunnels of these `kinds` end out of its outer header. OUTCOMES when it is
 * out, with the `work` and `total` filled in and `packet` the inner one; else why it is not.
 */
inlined u32 unwrap(hook_context *context, struct work *work, struct inner *packet, u32 kinds,
		   struct outcome_count **total)
{
	u32 bytes, outcome;
	struct shell *shell = &work->shell;
	struct inner *inner = &work->inner;
	u16 length = packet->length;
	struct outcome_count *found;
	u8 protocol = 0;
	void *at, *end;

	__builtin_memset(shell, 0, sizeof(*shell));
	__builtin_memset(inner, 0, sizeof(*inner));
#pragma unroll
	for (int i = 0; i < 4; i++)
		shell->key.address[i] = packet->destination[i];
	shell->key.family = inner_family(packet);
	hook_reach(context, SHELL_REACH);
	at = (void *)(long)context->data + sizeof(struct ethhdr);
	end = (void *)(long)context->data_end;
	if (at > end)
		return OUTCOME_MALFORMED;
	work->ethernet = *(struct ethhdr *)(at - sizeof(struct ethhdr));
	outcome = shell_read_ip(shell, &protocol, at, end);
	if (outcome == OUTCOMES)
		outcome = shell_read_kind(work, protocol, kinds, &length, shell_at(shell, at), end);
	if (outcome == OUTCOMES)
		outcome = decapsulation_shim(shell, protocol, shell_at(shell, at), end);
	if (outcome != OUTCOMES)
		return outcome;
	found = bpf_map_lookup_elem(&decapsulations, &shell->key);
	if (!found)
		return OUTCOME_NO_DECAPSULATION;
	if (!shell->protocol)
		return OUTCOME_INNER_NOT_IP;
	bytes = shell->length;
	if (bytes > length || bytes > SHELL_REACH)
		return OUTCOME_MALFORMED;
	at = shell_at(shell, at);
	outcome = shell->protocol == IPPROTO_IPIP ? inner_read_ipv4(inner, at, end, length - bytes) :
						    inner_read_ipv6(inner, at, end, length - bytes);
	if (outcome != OUTCOMES)
		return outcome == OUTCOME_MALFORMED ? OUTCOME_INNER_MALFORMED : OUTCOME_INNER_LINK_LOCAL;
	if (!unwrap_congestion(inner, packet->tos))
		return OUTCOME_INNER_CONGESTED;
	if (!hook_strip(context, bytes, inner_family(packet), inner_family(inner),
			shell->key.encapsulation == ENCAPSULATION_GUE))
		return OUTCOME_OFFLOAD;
	work->bytes = bytes;
	*total = found;
	*packet = *inner;
	return OUTCOMES;
}
