/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The UDP checksum of an IPv6 outer header (RFC 8200, section 8.1), for tunnels that ask for it.
 *
 * The inner packet's own transport checksum makes its segment sum to a known value, so that the payload
 * need not be read (local checksum offload, Documentation/networking/checksum-offloads.rst). This holds
 * as well where a device is still to fill that checksum in, which reading the bytes would get wrong. What
 * has no such checksum, such as a fragment, is read.
 */
#pragma once
#include "flow.h"
#include "hook.h"

enum { TCP_LEAST = 20 }; /* bytes of a TCP header without options */
enum { SUM_BLOCK = 32, SUM_BLOCKS = 9216 / SUM_BLOCK };

/* The sum of the 16-bit words of a constant, even number of bytes. */
inlined u32 sum_words(const void *at, u32 bytes)
{
	const u16 *word = at;
	u32 sum = 0;

#pragma unroll
	for (u32 i = 0; i < bytes / 2; i++)
		sum += word[i];
	return sum;
}

inlined u32 sum_fold(u64 sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (sum >> 16) + (sum & 0xffff);
}

enum { SUM_OUT_OF_REACH = 0xffffffff };

/*
 * The folded sum of `length` bytes of the frame from `offset` on, SUM_OUT_OF_REACH when they are not all
 * there. A function of its own, so that the verifier looks at its loops once.
 */
__attribute__((noinline)) u32 sum_bytes(hook_context *context, u32 offset, u32 length)
{
	void *at, *end;
	u64 sum = 0;

	if (!context || offset > 1024)
		return SUM_OUT_OF_REACH;
	at = (void *)(long)context->data + offset;
	end = (void *)(long)context->data_end;
	for (int i = 0; i < SUM_BLOCKS && length >= SUM_BLOCK; i++) {
		/* The end is to be compared with as it is: the verifier allows no arithmetic on it. */
		asm volatile("" : "+r"(end));
		if (at + SUM_BLOCK > end)
			return SUM_OUT_OF_REACH;
		sum += sum_words(at, SUM_BLOCK);
		at += SUM_BLOCK;
		length -= SUM_BLOCK;
	}
	for (int i = 0; i < SUM_BLOCK / 2 && length >= 2; i++) {
		asm volatile("" : "+r"(end));
		if (at + 2 > end)
			return SUM_OUT_OF_REACH;
		sum += *(u16 *)at;
		at += 2;
		length -= 2;
	}
	asm volatile("" : "+r"(end));
	if (length == 1) {
		if (at + 1 > end)
			return SUM_OUT_OF_REACH;
		sum += *(u8 *)at;
		length = 0;
	}
	return length ? SUM_OUT_OF_REACH : sum_fold(sum);
}

/* A segment with a good checksum sums to the complement of its pseudo header. */
inlined u64 sum_of_checked(u32 addresses, u8 protocol, u16 length)
{
	return (u16)~sum_fold((u64)addresses + to_be16(protocol) + to_be16(length));
}

/*
 * Whether the segment of `length` bytes at `at` has a checksum that covers all of it. It does not where it is
 * too short to have one, nor where a datagram ends before its packet does, with UDP options behind (RFC 9868).
 */
inlined bool is_checked(u8 protocol, u16 length, void *at, void *end)
{
	struct udphdr *udp = at;

	switch (protocol) {
	case IPPROTO_TCP:
		return length >= TCP_LEAST;
	case IPPROTO_ICMPV6:
		return length >= sizeof(struct icmpv6hdr);
	case IPPROTO_UDP:
		return length >= sizeof(*udp) && (void *)(udp + 1) <= end && udp->checksum &&
		       from_be16(udp->length) == length;
	default:
		return false;
	}
}

/* The sum of the inner packet at `at` where its own checksum tells it. */
inlined bool sum_inner(const struct inner *inner, void *at, void *end, u64 *sum)
{
	struct ipv6hdr *ipv6 = at;
	struct iphdr *ipv4 = at;
	u16 length;

	if (inner->protocol == IPPROTO_IPV6) {
		length = inner->length - sizeof(*ipv6);
		if ((void *)(ipv6 + 1) > end || !is_checked(ipv6->next_header, length, ipv6 + 1, end))
			return false;
		*sum += sum_words(ipv6, sizeof(*ipv6));
		*sum += sum_of_checked(sum_words(ipv6->source, 32), ipv6->next_header, length);
		return true;
	}
	length = inner->length - sizeof(*ipv4);
	if ((void *)(ipv4 + 1) > end || ipv4->version_ihl != 0x45 ||
	    ipv4->fragment & to_be16(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET) ||
	    ipv4->protocol == IPPROTO_ICMPV6 || !is_checked(ipv4->protocol, length, ipv4 + 1, end))
		return false;
	*sum += sum_words(ipv4, sizeof(*ipv4));
	*sum += sum_of_checked(sum_words(&ipv4->source, 8), ipv4->protocol, length);
	return true;
}

/* Fill in the checksum of a packet whose headers stand; false when its bytes cannot be summed. */
inlined bool udp_checksum(hook_context *context, const struct way *way, const struct inner *inner)
{
	struct ipv6hdr *outer;
	struct udphdr *udp;
	void *shim, *end;
	u64 sum;

	hook_reach_all(context);
	outer = (void *)(long)context->data + sizeof(struct ethhdr);
	end = (void *)(long)context->data_end;
	udp = (void *)(outer + 1);
	shim = udp;
	if ((void *)(udp + 1) > end)
		return false;
	sum = sum_words(outer->source, 32) + outer->payload_length + to_be16(IPPROTO_UDP);
	if (way->shim.length == 12) {
		if (shim + 12 > end)
			return false;
		sum += sum_words(shim, 12);
		shim += 12;
	} else {
		if (shim + 30 > end)
			return false;
		sum += sum_words(shim, 30);
		shim += 30;
	}
	if (!sum_inner(inner, shim, end, &sum)) {
		u32 rest = sum_bytes(context, sizeof(struct ethhdr) + way->bytes, inner->length);

		if (rest == SUM_OUT_OF_REACH)
			return false;
		sum += rest;
	}
	udp->checksum = ~sum_fold(sum);
	if (!udp->checksum)
		udp->checksum = 0xffff; /* zero would mean none (RFC 768) */
	return true;
}
