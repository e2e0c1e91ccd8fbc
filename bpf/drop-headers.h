/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The headers of a dropped packet: the outermost IP header and, in the encapsulations of encapsulation/,
 * the inner one. A packet is read by copying, a header at a time; what a packet need not have is not asked for.
 */
#pragma once
#include "drop.h"
#include "packet.h"
#include "tunnel.h"

enum { ETH_P_TEB = 0x6558 };

/* UDP destinations: IANA's, and what Linux had for VXLAN before there was one. */
enum { PORT_VXLAN = 4789, PORT_VXLAN_LINUX = 8472, PORT_GUE = 6080, PORT_GENEVE = 6081 };

/* How many extension headers of IPv6 are passed over. */
enum { EXTENSION_HEADERS = 4 };

/* What is still to be read: where, and how many bytes of the packet's linear part there are. */
struct cursor {
	const unsigned char *at;
	s32 left;
};

inlined bool peek(const struct cursor *from, void *to, u32 size)
{
	return from->left >= (s32)size && !bpf_probe_read_kernel(to, size, from->at);
}

inlined void skip(struct cursor *from, u32 bytes)
{
	from->at += bytes;
	from->left -= bytes;
}

/* What an IP header says: the protocol behind it, or -1 if that is not in this packet. */
inlined s32 read_ipv4(struct cursor *from, u8 *family, be32 *source, be32 *destination, u8 *protocol)
{
	struct iphdr header;

	if (!peek(from, &header, sizeof(header)) || header.version_ihl >> 4 != 4)
		return -1;
	*family = AF_INET;
	source[0] = header.source;
	destination[0] = header.destination;
	*protocol = header.protocol;
	skip(from, (header.version_ihl & 0x0f) * 4);
	return header.fragment & to_be16(IPV4_FRAGMENT_OFFSET) ? -1 : header.protocol;
}

inlined s32 read_ipv6(struct cursor *from, u8 *family, be32 *source, be32 *destination, u8 *protocol)
{
	struct ipv6hdr header;
	u8 extension[8];
	u32 next;

	if (!peek(from, &header, sizeof(header)) || header.version_class >> 4 != 6)
		return -1;
	*family = AF_INET6;
	__builtin_memcpy(source, header.source, sizeof(header.source));
	__builtin_memcpy(destination, header.destination, sizeof(header.destination));
	skip(from, sizeof(header));
	next = header.next_header;
#pragma unroll
	for (int i = 0; i < EXTENSION_HEADERS; i++) {
		bool fragment = next == IPPROTO_FRAGMENT;

		*protocol = next;
		if (!fragment && next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			return next;
		if (!peek(from, extension, sizeof(extension)))
			return -1;
		next = extension[0];
		*protocol = next;
		if (fragment && (extension[2] || extension[3] & 0xf8)) /* its offset */
			return -1;
		skip(from, fragment ? sizeof(extension) : extension[1] * 8 + 8);
	}
	return next;
}

/* The ethertype of what an encapsulation carries, 0 if there is none; the cursor is moved there. */
inlined be16 read_shim(struct cursor *from, s32 protocol, u8 *encapsulation)
{
	u8 shim[16]; /* GRE with all that it can have; UDP and the first 8 bytes behind it */
	be16 ethertype = 0;
	u16 port;

	if (protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6) {
		*encapsulation = ENCAPSULATION_IP + 1;
		return protocol == IPPROTO_IPIP ? to_be16(ETH_P_IP) : to_be16(ETH_P_IPV6);
	}
	if ((protocol != IPPROTO_GRE && protocol != IPPROTO_UDP) || !peek(from, shim, sizeof(shim)))
		return 0;
	if (protocol == IPPROTO_GRE) {
		if (shim[0] & 0x4f || shim[1]) /* not the GRE of RFC 2784 and 2890 */
			return 0;
		*encapsulation = ENCAPSULATION_GRE + 1;
		skip(from, 4 + (shim[0] & 0x80 ? 4 : 0) + (shim[0] & 0x20 ? 4 : 0) + (shim[0] & 0x10 ? 4 : 0));
		return *(be16 *)(shim + 2);
	}
	port = from_be16(*(be16 *)(shim + 2));
	if (port == PORT_VXLAN || port == PORT_VXLAN_LINUX) {
		*encapsulation = ENCAPSULATION_VXLAN + 1;
		ethertype = to_be16(ETH_P_TEB);
		skip(from, 16);
	} else if (port == PORT_GENEVE && !(shim[8] & 0xc0)) {
		*encapsulation = ENCAPSULATION_GENEVE + 1;
		ethertype = *(be16 *)(shim + 10);
		skip(from, 16 + (shim[8] & 0x3f) * 4);
	} else if (port == PORT_GUE && !(shim[8] & 0xe0)) {
		*encapsulation = ENCAPSULATION_GUE + 1;
		ethertype = shim[9] == IPPROTO_IPIP   ? to_be16(ETH_P_IP)
			    : shim[9] == IPPROTO_IPV6 ? to_be16(ETH_P_IPV6)
						      : 0;
		skip(from, 12 + (shim[8] & 0x1f) * 4);
	}
	return ethertype;
}

/* Pass over a VLAN tag that stands in the packet. */
inlined be16 read_tag(struct cursor *from, be16 ethertype)
{
	be16 tag[2];

	if (ethertype != to_be16(ETH_P_8021Q) && ethertype != to_be16(ETH_P_8021AD))
		return ethertype;
	if (!peek(from, tag, sizeof(tag)))
		return 0;
	skip(from, sizeof(tag));
	return tag[1];
}

/* Fill the key's part about headers. `ethertype` is that of the bytes at the cursor. */
inlined void read_headers(struct drop_key *key, struct cursor *from, be16 ethertype)
{
	struct ethhdr ethernet;
	s32 protocol;

	ethertype = read_tag(from, ethertype);
	key->ethertype = ethertype;
	if (ethertype == to_be16(ETH_P_IP))
		protocol = read_ipv4(from, &key->outer_family, key->outer_source, key->outer_destination,
				     &key->outer_protocol);
	else if (ethertype == to_be16(ETH_P_IPV6))
		protocol = read_ipv6(from, &key->outer_family, key->outer_source, key->outer_destination,
				     &key->outer_protocol);
	else
		return;
	ethertype = read_shim(from, protocol, &key->encapsulation);
	if (ethertype == to_be16(ETH_P_TEB)) {
		if (!peek(from, &ethernet, sizeof(ethernet)))
			return;
		skip(from, sizeof(ethernet));
		ethertype = read_tag(from, ethernet.protocol);
	}
	if (ethertype == to_be16(ETH_P_IP))
		read_ipv4(from, &key->inner_family, key->inner_source, key->inner_destination,
			  &key->inner_protocol);
	else if (ethertype == to_be16(ETH_P_IPV6))
		read_ipv6(from, &key->inner_family, key->inner_source, key->inner_destination,
			  &key->inner_protocol);
}
