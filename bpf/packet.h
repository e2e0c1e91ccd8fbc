/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Headers as they stand on the wire: Ethernet, IPv4 (RFC 791), IPv6 (RFC 8200), ICMPv6 (RFC 4443). */
#pragma once
#include "helpers.h"

enum { ETH_P_IP = 0x0800, ETH_P_8021Q = 0x8100, ETH_P_IPV6 = 0x86dd, ETH_P_8021AD = 0x88a8 };

enum {
	IPPROTO_HOPOPTS = 0,
	IPPROTO_ICMP = 1,
	IPPROTO_IPIP = 4,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_IPV6 = 41,
	IPPROTO_ROUTING = 43,
	IPPROTO_FRAGMENT = 44,
	IPPROTO_GRE = 47,
	IPPROTO_ICMPV6 = 58,
	IPPROTO_DSTOPTS = 60,
};

struct ethhdr {
	u8 destination[6];
	u8 source[6];
	be16 protocol;
} __attribute__((packed, aligned(2)));

/* In three pieces rather than seven, for a header whose end, as usual, is where a word begins. */
inlined void ethernet_copy(struct ethhdr *to, const struct ethhdr *from)
{
	void *target = to;
	const void *source = from;

	*(u16 *)target = *(const u16 *)source;
	*(u32 *)(target + 2) = *(const u32 *)(source + 2);
	*(u64 *)(target + 6) = *(const u64 *)(source + 6);
}

inlined bool ethernet_equal(const u8 *one, const u8 *other)
{
	const u16 *a = (const u16 *)one, *b = (const u16 *)other;

	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]));
}

struct iphdr {
	u8 version_ihl;
	u8 tos;
	be16 total_length;
	be16 id;
	be16 fragment;
	u8 ttl;
	u8 protocol;
	be16 checksum;
	be32 source;
	be32 destination;
} __attribute__((packed, aligned(4)));

enum { IPV4_DONT_FRAGMENT = 0x4000, IPV4_MORE_FRAGMENTS = 0x2000, IPV4_FRAGMENT_OFFSET = 0x1fff };

struct ipv6hdr {
	u8 version_class;
	u8 class_flow;
	be16 flow;
	be16 payload_length;
	u8 next_header;
	u8 hop_limit;
	be32 source[4];
	be32 destination[4];
} __attribute__((packed, aligned(4)));

struct udphdr {
	be16 source;
	be16 destination;
	be16 length;
	be16 checksum;
} __attribute__((packed, aligned(4)));

struct icmpv6hdr {
	u8 type;
	u8 code;
	be16 checksum;
} __attribute__((packed, aligned(4)));

/* Router solicitation to redirect: the types of neighbour discovery (RFC 4861, section 4). */
enum { ICMPV6_DISCOVERY_FIRST = 133, ICMPV6_DISCOVERY_LAST = 137 };

/* The sum of the words of an IPv4 header without options, as they stand on the wire. */
inlined u32 ipv4_sum(const struct iphdr *header)
{
	const u16 *word = (const u16 *)header;
	u32 sum = 0;

#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += word[i];
	return sum;
}

/* The Internet checksum (RFC 1071) of such a sum. */
inlined be16 checksum(u32 sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return ~sum;
}

/* Take one off the TTL and mend the checksum (RFC 1141; the kernel's ip_decrease_ttl). */
inlined void ipv4_decrease_ttl(struct iphdr *header)
{
	u32 checksum = header->checksum;

	checksum += to_be16(0x0100);
	header->checksum = checksum + (checksum >= 0xffff);
	header->ttl--;
}

/* Change the type of service and mend the checksum (RFC 1624; the kernel's csum_replace2). */
inlined void ipv4_set_tos(struct iphdr *header, u8 tos)
{
	u32 sum = (u16)~header->checksum;

	/* The octet is the second of its word. */
	sum += (u16)~(header->tos << 8) + (tos << 8);
	header->checksum = checksum(sum);
	header->tos = tos;
}
