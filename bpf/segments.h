/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A merged TCP packet cut into its segments, where the kernel cannot do that in the tunnel: in a UDP tunnel
 * with a checksum over IPv6 each segment needs a checksum of its own, and no flag of bpf_skb_adjust_room asks
 * for that. So a clone for each segment comes in once more, with its number, and is cut to that segment. It
 * costs a copy of the whole for each, which only such packets pay.
 */
#pragma once
#include "hook.h"
#include "udp-checksum.h"

enum {
	SEGMENT_MARK = 0x8000, /* in tc_index, with the segment's number: nobody outside can set it */
	SEGMENTS_MOST = 128,
	SEGMENT_HEADERS = 120,	/* IPv4 and TCP, both with all their options */
	SEGMENT_MARGIN = 40,	/* the kernel leaves an IP header's length standing */
	SEGMENT_CHUNK = 4000,	/* that bpf_skb_adjust_room takes off at once, nearly */
	SEGMENT_CHUNKS = 17,	/* for 65,535 bytes */
};

enum { TCP_FIN = 0x01, TCP_PUSH = 0x08, TCP_CONGESTION_REDUCED = 0x80 };

/* What the packet begins with, and where its parts are. */
struct segment {
	u32 ip;	     /* bytes of the IP header */
	u32 headers; /* and of the TCP header */
	u8 bytes[128];
};

struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, 1);
	map_type(key, u32);
	map_type(value, struct segment);
} segments SEC(".maps");

/* Find the headers; false for what is not TCP right behind its IP header. */
inlined bool segment_find(struct __sk_buff *context, struct segment *segment)
{
	const u32 at = sizeof(struct ethhdr);
	struct iphdr *ipv4 = (void *)segment->bytes;
	struct ipv6hdr *ipv6 = (void *)segment->bytes;
	u8 offset = 0, protocol;

	if (bpf_skb_load_bytes(context, at, segment->bytes, sizeof(*ipv6)))
		return false;
	segment->ip = ipv4->version_ihl >> 4 == 4 ? (ipv4->version_ihl & 0x0f) * 4 : sizeof(*ipv6);
	protocol = ipv4->version_ihl >> 4 == 4 ? ipv4->protocol : ipv6->next_header;
	if (protocol != IPPROTO_TCP || bpf_skb_load_bytes(context, at + segment->ip + 12, &offset, 1))
		return false;
	segment->headers = segment->ip + (offset >> 4) * 4;
	return segment->headers >= segment->ip + TCP_LEAST;
}

/* Have each segment of a merged packet come in again, as a clone that is still whole. False if that fails. */
__attribute__((noinline)) u32 segments_send(struct __sk_buff *context)
{
	u32 zero = 0, count, size;
	struct segment *segment = bpf_map_lookup_elem(&segments, &zero);

	if (!context || !segment || !segment_find(context, segment))
		return false;
	size = context->gso_size;
	if (!size || context->len <= sizeof(struct ethhdr) + segment->headers)
		return false;
	count = (context->len - sizeof(struct ethhdr) - segment->headers + size - 1) / size;
	if (count > SEGMENTS_MOST)
		return false;
	for (u32 i = 0; i < SEGMENTS_MOST && i < count; i++) {
		context->tc_index = SEGMENT_MARK | i;
		if (bpf_clone_redirect(context, context->ingress_ifindex, BPF_F_INGRESS))
			return false;
	}
	return true;
}

/* The segment's own headers: lengths, identification, sequence number, flags. */
inlined void segment_headers(struct segment *segment, u32 index, u32 offset, u32 payload, bool last)
{
	struct iphdr *ipv4 = (void *)segment->bytes;
	struct ipv6hdr *ipv6 = (void *)segment->bytes;
	u32 ip = segment->ip;
	be32 *sequence;
	u8 *flags;

	if (ipv4->version_ihl >> 4 == 4) {
		be16 id = to_be16(from_be16(ipv4->id) + index), length = to_be16(segment->headers + payload);
		u32 sum = (u16)~ipv4->checksum;

		sum += (u16)~ipv4->id + id;
		sum += (u16)~ipv4->total_length + length;
		ipv4->checksum = checksum(sum);
		ipv4->id = id;
		ipv4->total_length = length;
	} else {
		ipv6->payload_length = to_be16(segment->headers - sizeof(*ipv6) + payload);
	}
	asm volatile("" : "+r"(ip));
	if (ip > 60)
		return;
	sequence = (void *)(segment->bytes + ip + 4);
	*sequence = to_be32(__builtin_bswap32(*sequence) + offset);
	flags = segment->bytes + ip + 13;
	if (!last)
		*flags &= ~(TCP_FIN | TCP_PUSH);
	if (index)
		*flags &= ~TCP_CONGESTION_REDUCED;
	*(be16 *)(segment->bytes + ip + 16) = 0;
}

/* Fill in the TCP checksum of the packet, which is whole. */
inlined bool segment_checksum(struct __sk_buff *context, const struct segment *segment, u32 payload)
{
	const struct iphdr *ipv4 = (const void *)segment->bytes;
	const struct ipv6hdr *ipv6 = (const void *)segment->bytes;
	u32 length = segment->headers - segment->ip + payload;
	u32 pseudo = ipv4->version_ihl >> 4 == 4 ? sum_words(&ipv4->source, 8) : sum_words(ipv6->source, 32);
	u32 sum = sum_bytes(context, sizeof(struct ethhdr) + segment->ip, length);
	be16 field;

	if (sum == SUM_OUT_OF_REACH)
		return false;
	field = ~sum_fold((u64)pseudo + to_be16(IPPROTO_TCP) + to_be16(length) + sum);
	return !bpf_skb_store_bytes(context, sizeof(struct ethhdr) + segment->ip + 16, &field, sizeof(field), 0);
}

/*
 * Cut the clone to its segment. The headers are taken off with the payload before the segment, and put back:
 * so the kernel forgets the checksum that was still to be filled in, which is done here.
 */
__attribute__((noinline)) u32 segment_cut(struct __sk_buff *context)
{
	const u32 at = sizeof(struct ethhdr);
	u32 zero = 0, index, offset, payload, headers, left, size;
	struct segment *segment = bpf_map_lookup_elem(&segments, &zero);
	bool last;

	if (!context || !segment)
		return false;
	index = context->tc_index & ~SEGMENT_MARK;
	context->tc_index = 0;
	if (index >= SEGMENTS_MOST || !segment_find(context, segment))
		return false;
	headers = segment->headers;
	size = context->gso_size;
	offset = index * size;
	if (context->len <= at + headers + offset)
		return false;
	payload = context->len - at - headers - offset;
	last = payload <= size;
	if (!last)
		payload = size;
	asm volatile("" : "+r"(headers));
	if (headers < 40 || headers > SEGMENT_HEADERS)
		return false;
	if (bpf_skb_load_bytes(context, at, segment->bytes, headers))
		return false;
	left = offset;
	for (int i = 0; i < SEGMENT_CHUNKS && left; i++) {
		u32 chunk = left > SEGMENT_CHUNK ? SEGMENT_CHUNK : left;

		if (bpf_skb_adjust_room(context, -(s32)chunk, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
			return false;
		left -= chunk;
	}
	segment_headers(segment, index, offset, payload, last);
	if (left || bpf_skb_change_tail(context, at + headers + payload + SEGMENT_MARGIN, 0) ||
	    bpf_skb_adjust_room(context, -(s32)headers, BPF_ADJ_ROOM_MAC, 0) ||
	    bpf_skb_adjust_room(context, headers, BPF_ADJ_ROOM_MAC, 0) ||
	    bpf_skb_store_bytes(context, at, segment->bytes, headers, 0) ||
	    bpf_skb_change_tail(context, at + headers + payload, 0) ||
	    bpf_skb_pull_data(context, at + headers + payload))
		return false;
	return segment_checksum(context, segment, payload);
}
