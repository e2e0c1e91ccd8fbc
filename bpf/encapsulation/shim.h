/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The shim: what an encapsulation puts between the outer IP header and the inner packet. Each kind writes
 * its own, once for all packets of a way; what differs from packet to packet is left zero and filled in
 * where the packet is sent.
 */
#pragma once
#include "../decapsulation.h"
#include "../packet.h"
#include "../tunnel.h"

enum { SHIM_MOST = 32 };

struct shim {
	u8 length;   /* in bytes, even */
	u8 protocol; /* that the outer IP header names */
	u8 ethernet; /* of that, the length of an inner Ethernet header */
	bool udp;    /* it begins with a UDP header: length and source port are each packet's own */
	u8 reserved[4];
	u8 bytes[SHIM_MOST];
};

/* The ethertype of the inner packet. */
inlined be16 shim_ethertype(u8 inner_protocol)
{
	return inner_protocol == IPPROTO_IPIP ? to_be16(ETH_P_IP) : to_be16(ETH_P_IPV6);
}

/* Begin a shim with a UDP header to the tunnel's port. */
inlined void shim_udp(struct shim *shim, const struct tunnel *tunnel)
{
	struct udphdr *udp = (void *)shim->bytes;

	shim->protocol = IPPROTO_UDP;
	shim->udp = true;
	udp->source = 0;
	udp->destination = tunnel->port;
	udp->length = 0;
	udp->checksum = 0;
}

/* End a shim, at `at`, with an Ethernet header for the inner packet. */
inlined void shim_ethernet(struct shim *shim, u32 at, const struct tunnel *tunnel, u8 inner_protocol)
{
	struct ethhdr *ethernet = (void *)(shim->bytes + at);

	__builtin_memcpy(ethernet->destination, tunnel->inner_destination, sizeof(ethernet->destination));
	__builtin_memcpy(ethernet->source, tunnel->inner_source, sizeof(ethernet->source));
	ethernet->protocol = shim_ethertype(inner_protocol);
	shim->ethernet = sizeof(*ethernet);
}
