/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Writing a way's headers before a packet, with what is this packet's own. */
#pragma once
#include "flow.h"
#include "way.h"

/* The UDP source ports that a hash may give: the dynamic ones (RFC 6335), as RFC 7348 recommends. */
enum { PORT_FIRST = 0xc000, PORT_MASK = 0x3fff };

inlined bool write_udp(const struct way *way, u16 length, u32 hash, struct udphdr *udp, void *end)
{
	if (!way->shim.udp)
		return true;
	if ((void *)(udp + 1) > end)
		return false;
	udp->source = to_be16(PORT_FIRST | (hash & PORT_MASK));
	udp->length = to_be16(length);
	return true;
}

/* The lengths that kinds have; each is copied by a constant one. */
inlined bool write_shim(const struct way *way, const struct inner *inner, u32 hash, void *at, void *end)
{
	switch (way->shim.length) {
	case 0:
		return true;
	case 4:
		if (at + 4 > end)
			return false;
		__builtin_memcpy(at, way->shim.bytes, 4);
		break;
	case 8:
		if (at + 8 > end)
			return false;
		__builtin_memcpy(at, way->shim.bytes, 8);
		break;
	case 12:
		if (at + 12 > end)
			return false;
		__builtin_memcpy(at, way->shim.bytes, 12);
		break;
	default:
		if (way->shim.length != 30 || at + 30 > end)
			return false;
		__builtin_memcpy(at, way->shim.bytes, 30);
	}
	return write_udp(way, way->shim.length + inner->length, hash, at, end);
}

inlined bool write_ipv4(const struct way *way, const struct inner *inner, u32 hash, struct iphdr *outer, void *end)
{
	be16 length = to_be16(way->bytes + inner->length);
	u32 sum = way->sum + length;

	if ((void *)(outer + 1) > end)
		return false;
	*outer = way->header.ipv4;
	outer->total_length = length;
	if (!outer->ttl) { /* inherited */
		outer->ttl = inner->hops - 1;
		sum += outer->ttl;
	}
	if (way->source_hash[0]) {
		be32 bits = hash & way->source_hash[0];

		outer->source |= bits;
		sum += (bits & 0xffff) + (bits >> 16);
	}
	if (!outer->fragment) {
		/* What may be fragmented needs an identification of its own (RFC 6864, section 4). */
		outer->id = bpf_get_prandom_u32();
		sum += outer->id;
	}
	outer->checksum = checksum(sum);
	return write_shim(way, inner, hash, outer + 1, end);
}

inlined bool write_ipv6(const struct way *way, const struct inner *inner, u32 hash, struct ipv6hdr *outer, void *end)
{
	if ((void *)(outer + 1) > end)
		return false;
	*outer = way->header.ipv6;
	outer->payload_length = to_be16(way->shim.length + inner->length);
	outer->class_flow |= hash >> 28;
	outer->flow = hash;
	if (!outer->hop_limit)
		outer->hop_limit = inner->hops - 1;
#pragma unroll
	for (int i = 0; i < 4; i++)
		outer->source[i] |= hash & way->source_hash[i];
	return write_shim(way, inner, hash, outer + 1, end);
}
