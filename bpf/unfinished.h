/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checksums that a sender on this host left for its device to fill in. A veth passes such packets on as they
 * are, and XDP is not told. The field holds the sum of the pseudo header meanwhile, which a finished packet
 * has there once in 65,536 times: no harm, for TC forwards that just as well.
 */
#pragma once
#include "udp-checksum.h"

inlined bool checksum_is_unfinished(const struct inner *inner, void *data, void *end)
{
	struct ipv6hdr *ipv6 = data + sizeof(struct ethhdr);
	struct iphdr *ipv4 = (void *)ipv6;
	u32 sum, length = inner->length;
	u8 protocol;
	void *at;

	if (inner->protocol == IPPROTO_IPIP) {
		if ((void *)(ipv4 + 1) > end || ipv4->version_ihl != 0x45)
			return false;
		sum = sum_words(&ipv4->source, 8);
		protocol = ipv4->protocol;
		length -= sizeof(*ipv4);
		at = ipv4 + 1;
	} else {
		if ((void *)(ipv6 + 1) > end)
			return false;
		sum = sum_words(ipv6->source, 32);
		protocol = ipv6->next_header;
		length -= sizeof(*ipv6);
		at = ipv6 + 1;
	}
	if (protocol == IPPROTO_TCP)
		at += 16;
	else if (protocol == IPPROTO_UDP)
		at += 6;
	else
		return false;
	return at + 2 <= end && *(be16 *)at == sum_fold((u64)sum + to_be16(protocol) + to_be16(length));
}
