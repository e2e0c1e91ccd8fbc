/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Telling the sender of a packet that is too big how big it may be: ICMP "fragmentation needed" (RFC 1191) or
 * ICMPv6 "packet too big" (RFC 4443, RFC 8201). At TC, where a packet can be cut and sent by the kernel: what
 * XDP would send back into a veth whose peer has neither XDP nor GRO would vanish.
 */
#pragma once
#include "device.h"
#include "inner.h"
#include "route.h"
#include "send.h"

enum {
	ANSWER_LONGEST_IPV4 = 576,  /* RFC 1812, section 4.3.2.3 */
	ANSWER_LONGEST_IPV6 = 1280, /* RFC 4443, section 2.4 (c) */
	ANSWER_LEAST_IPV4 = 68,	    /* the least MTU, RFC 791 */
	ANSWER_LEAST_IPV6 = 1280,   /* RFC 8200, section 5 */
	ANSWER_HOPS = 64,
	ANSWER_KEPT = 128,   /* of the packet at least */
	ANSWER_QUOTE = 1232, /* at most: ANSWER_LONGEST_IPV6 without its headers */
	ANSWER_CHUNK = 4000, /* that bpf_skb_adjust_room takes off at once, nearly */
	ANSWER_CHUNKS = 17,
	ANSWER_HEADERS = 6, /* IPv6 extension headers looked through */
	/* So many in 2^27 ns, on each processor: about a thousand a second, Linux's own limit (icmp_msgs_per_sec). */
	ANSWER_WINDOW = 27,
	ANSWERS_IN_WINDOW = 128,
};

struct icmphdr {
	u8 type;
	u8 code;
	be16 checksum;
	be32 mtu; /* of ICMP, in the lower two bytes */
} __attribute__((packed, aligned(2)));

/* An answer being made. */
struct answering {
	u64 window;
	u32 sent; /* in the window */
	u32 reserved;
	struct bpf_fib_lookup route;
	struct inner packet; /* too big */
	struct inner reply;
	u8 kept[ANSWER_QUOTE]; /* what the packet begins with */
};

struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, 1);
	map_type(key, u32);
	map_type(value, struct answering);
} answers SEC(".maps");

inlined bool answer_is_due(struct answering *state)
{
	u64 window = bpf_ktime_get_ns() >> ANSWER_WINDOW;

	if (state->window != window) {
		state->window = window;
		state->sent = 0;
	}
	return state->sent++ < ANSWERS_IN_WINDOW;
}

/* ICMP about an error, about which no other may be sent (RFC 1122, section 3.2.2). */
inlined bool icmp_is_error(u8 type)
{
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* Whether the sender of the IPv4 packet that begins so may be answered: TOO_BIG_ANSWERED if so. */
inlined u32 answer_for_ipv4(const u8 *kept)
{
	const struct iphdr *ipv4 = (const void *)kept;
	u8 from = ipv4->source & 0xff;

	if (!(ipv4->fragment & to_be16(IPV4_DONT_FRAGMENT)))
		return OUTCOME_TOO_BIG_NO_DF;
	if (ipv4->fragment & to_be16(IPV4_FRAGMENT_OFFSET) || from >= 224 || from == 127)
		return OUTCOME_TOO_BIG;
	if (ipv4->protocol == IPPROTO_ICMP && icmp_is_error(kept[(ipv4->version_ihl & 0x0f) * 4]))
		return OUTCOME_TOO_BIG;
	return OUTCOME_TOO_BIG_ANSWERED;
}

/* The same of IPv6: errors and redirects have types below 128 and 137 (RFC 4443, section 2.4 (e)). */
inlined u32 answer_for_ipv6(const u8 *kept)
{
	const struct ipv6hdr *ipv6 = (const void *)kept;
	u8 next = ipv6->next_header;
	u32 at = sizeof(*ipv6);

	if ((ipv6->source[0] & 0xff) == 0xff)
		return OUTCOME_TOO_BIG;
	for (int i = 0; i < ANSWER_HEADERS; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT)
			break;
		asm volatile("" : "+r"(at));
		if (at > ANSWER_KEPT - 4)
			return OUTCOME_TOO_BIG;
		/* Not the first of its fragments. */
		if (next == IPPROTO_FRAGMENT && (kept[at + 2] || kept[at + 3] & 0xf8))
			return OUTCOME_TOO_BIG;
		next = kept[at];
		at += kept[at + 1] * 8 + 8; /* of a fragment header this octet is zero */
	}
	if (next != IPPROTO_ICMPV6)
		return OUTCOME_TOO_BIG_ANSWERED;
	asm volatile("" : "+r"(at));
	if (at > ANSWER_KEPT - 4 || kept[at] < 128 || kept[at] == ICMPV6_DISCOVERY_LAST)
		return OUTCOME_TOO_BIG;
	return OUTCOME_TOO_BIG_ANSWERED;
}

/*
 * Find the way back to the sender and with it an address of this host to answer from: the FIB's, or where it
 * names none the ingress device's.
 */
inlined bool answer_route(struct __sk_buff *context, struct bpf_fib_lookup *route, const struct inner *packet,
			  const struct inner *reply, int *fib)
{
	const u32 device = context->ingress_ifindex;
	const struct device *known;

	__builtin_memset(route, 0, sizeof(*route));
	*fib = route_inner(context, route, reply, packet->destination, device, reply->length, BPF_FIB_LOOKUP_SRC);
	if (*fib == FIB_SUCCESS || *fib == FIB_NO_NEIGH)
		return true;
	__builtin_memset(route, 0, sizeof(*route));
	*fib = route_inner(context, route, reply, packet->destination, device, reply->length, 0);
	known = device_of(device);
	if (!known)
		return false;
	if (route->family == AF_INET) {
		route->ipv4_src = known->ipv4;
		return known->ipv4;
	}
#pragma unroll
	for (int i = 0; i < 4; i++)
		route->ipv6_src[i] = known->ipv6[i];
	return known->ipv6[0];
}

/*
 * Make of the frame one of `headers` bytes to be written and `quote` bytes that the packet began with. It is cut
 * at its beginning, not at its end, and written over: the kernel cuts the end of none that it holds for
 * encapsulated (bpf_skb_change_tail), and of a merged one only because it is no longer merged then. More than
 * enough is taken off, and room made again: so a checksum that was still to be filled in is forgotten.
 */
inlined bool answer_shape(struct __sk_buff *context, u8 *kept, u32 quote, u32 headers)
{
	const u32 at = sizeof(struct ethhdr);
	u32 left;

	asm volatile("" : "+r"(quote));
	/* The upper bound first: of what may be negative, newer verifiers keep no lower one. */
	if (quote > ANSWER_QUOTE || quote < ANSWER_KEPT || bpf_skb_load_bytes(context, at, kept, quote))
		return false;
	if (hook_is_merged(context) && bpf_skb_change_tail(context, at + headers + quote, 0))
		return false;
	left = context->len - at - headers - quote + ANSWER_KEPT;
	for (int i = 0; i < ANSWER_CHUNKS && left; i++) {
		u32 chunk = left > ANSWER_CHUNK ? ANSWER_CHUNK : left;

		if (bpf_skb_adjust_room(context, -(s32)chunk, BPF_ADJ_ROOM_MAC, 0))
			return false;
		left -= chunk;
	}
	return !left && !bpf_skb_adjust_room(context, ANSWER_KEPT, BPF_ADJ_ROOM_MAC, 0) &&
	       !bpf_skb_store_bytes(context, at + headers, kept, quote, 0) &&
	       !bpf_skb_pull_data(context, at + headers + quote);
}

/* Write the headers before the quoted packet. */
inlined bool answer_write_ipv4(struct __sk_buff *context, const struct inner *reply, be32 source, u32 mtu)
{
	const u32 at = sizeof(struct ethhdr) + sizeof(struct iphdr);
	struct iphdr *ipv4 = (void *)(long)context->data + sizeof(struct ethhdr);
	struct icmphdr *icmp = (void *)(ipv4 + 1);
	u32 sum;

	if ((void *)(icmp + 1) > (void *)(long)context->data_end)
		return false;
	ipv4->version_ihl = 0x45;
	ipv4->tos = reply->tos;
	ipv4->total_length = to_be16(reply->length);
	ipv4->id = bpf_get_prandom_u32();
	ipv4->fragment = 0;
	ipv4->ttl = reply->hops;
	ipv4->protocol = IPPROTO_ICMP;
	ipv4->checksum = 0;
	ipv4->source = source;
	ipv4->destination = reply->destination[0];
	ipv4->checksum = checksum(ipv4_sum(ipv4));
	icmp->type = 3;
	icmp->code = 4;
	icmp->checksum = 0;
	icmp->mtu = to_be32(mtu);
	sum = sum_bytes(context, at, reply->length - sizeof(*ipv4));
	icmp = (void *)(long)context->data + at;
	if (sum == SUM_OUT_OF_REACH || (void *)(icmp + 1) > (void *)(long)context->data_end)
		return false;
	icmp->checksum = ~sum;
	return true;
}

inlined bool answer_write_ipv6(struct __sk_buff *context, const struct inner *reply, const be32 *source, u32 mtu)
{
	const u32 at = sizeof(struct ethhdr) + sizeof(struct ipv6hdr);
	struct ipv6hdr *ipv6 = (void *)(long)context->data + sizeof(struct ethhdr);
	struct icmphdr *icmp = (void *)(ipv6 + 1);
	u32 sum, pseudo;

	if ((void *)(icmp + 1) > (void *)(long)context->data_end)
		return false;
	ipv6->version_class = 0x60;
	ipv6->class_flow = 0;
	ipv6->flow = 0;
	ipv6->payload_length = to_be16(reply->length - sizeof(*ipv6));
	ipv6->next_header = IPPROTO_ICMPV6;
	ipv6->hop_limit = reply->hops;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		ipv6->source[i] = source[i];
		ipv6->destination[i] = reply->destination[i];
	}
	pseudo = sum_words(ipv6->source, 32) + ipv6->payload_length + to_be16(IPPROTO_ICMPV6);
	icmp->type = 2;
	icmp->code = 0;
	icmp->checksum = 0;
	icmp->mtu = to_be32(mtu);
	sum = sum_bytes(context, at, reply->length - sizeof(*ipv6));
	icmp = (void *)(long)context->data + at;
	if (sum == SUM_OUT_OF_REACH || (void *)(icmp + 1) > (void *)(long)context->data_end)
		return false;
	icmp->checksum = ~sum_fold((u64)pseudo + sum);
	return true;
}

/*
 * Turn the frame's packet, too long for `mtu`, into the answer to its sender, and send that: through the
 * sender's tunnel if there is one, else as it is. OUTCOME_TOO_BIG_ANSWERED when the frame is redirected, else
 * the reason why there is no answer. A function of its own, so that the verifier looks at it once.
 */
__attribute__((noinline)) u32 answer(struct __sk_buff *context, u32 mtu)
{
	u32 zero = 0, headers, least, outcome, segment;
	struct answering *state = bpf_map_lookup_elem(&answers, &zero);
	struct way *way = way_in(WAYS);
	struct inner *packet, *reply;
	const struct tunnel_entry *entry;
	const struct tunnel *tunnel;
	bool ipv4;
	int fib;

	if (!context || !state || !way)
		return OUTCOME_TOO_BIG;
	packet = &state->packet;
	reply = &state->reply;
	__builtin_memset(packet, 0, sizeof(*packet));
	__builtin_memset(reply, 0, sizeof(*reply));
	hook_reach(context, INNER_REACH);
	if (inner_read(packet, (void *)(long)context->data, (void *)(long)context->data_end, context->len) !=
	    OUTCOMES)
		return OUTCOME_TOO_BIG;
	if (!inner_source(packet, reply->destination, (void *)(long)context->data, (void *)(long)context->data_end))
		return OUTCOME_TOO_BIG;
	/* Enough is quoted to tell the packet by, and no packet that is too big is as short as that. */
	if (packet->length < ANSWER_KEPT + sizeof(struct ipv6hdr) ||
	    bpf_skb_load_bytes(context, sizeof(struct ethhdr), state->kept, ANSWER_KEPT))
		return OUTCOME_TOO_BIG;
	ipv4 = packet->protocol == IPPROTO_IPIP;
	segment = hook_segment(context, packet);
	reply->protocol = packet->protocol;
	reply->hops = ANSWER_HOPS + 1; /* one is taken off as of any packet */
	if (ipv4) {
		outcome = answer_for_ipv4(state->kept);
		headers = sizeof(struct iphdr) + sizeof(struct icmphdr);
		reply->length = ANSWER_LONGEST_IPV4;
		reply->tos = 0xc0; /* as the kernel's own errors: internetwork control */
		least = ANSWER_LEAST_IPV4;
	} else {
		outcome = answer_for_ipv6(state->kept);
		headers = sizeof(struct ipv6hdr) + sizeof(struct icmphdr);
		reply->length = ANSWER_LONGEST_IPV6;
		least = ANSWER_LEAST_IPV6;
	}
	if (outcome != OUTCOME_TOO_BIG_ANSWERED)
		return outcome;
	if (mtu < least)
		mtu = least;
	/* Less than anyone must be able to send may not be asked for. */
	if (segment <= mtu)
		return OUTCOME_TOO_BIG;
	/* In a tunnel there may be less room than anyone must be able to send. */
	entry = inner_tunnel(reply);
	tunnel = entry ? tunnel_whole(entry) : NULL;
	if (tunnel)
		reply->length = ANSWER_LONGEST_IPV4;
	if (reply->length > packet->length + headers)
		reply->length = packet->length + headers;

	if (!answer_is_due(state))
		return OUTCOME_TOO_BIG_LIMITED;
	if (!answer_route(context, &state->route, packet, reply, &fib) ||
	    !answer_shape(context, state->kept, reply->length - headers, headers))
		return OUTCOME_TOO_BIG;
	if (ipv4 ? !answer_write_ipv4(context, reply, state->route.ipv4_src, mtu) :
		   !answer_write_ipv6(context, reply, state->route.ipv6_src, mtu))
		return OUTCOME_TOO_BIG;

	if (tunnel) {
		prepare(way, reply, tunnel);
		__builtin_memset(&state->route, 0, sizeof(state->route));
		fib = route_outer(context, &state->route, way, context->ingress_ifindex, way->bytes + reply->length);
	} else {
		prepare_bare(way, reply);
	}
	if (fib != FIB_SUCCESS && fib != FIB_NO_NEIGH)
		return OUTCOME_TOO_BIG;
	lead(way, &state->route);
	if (encapsulate_checked(context, reply, way, false) != OUTCOMES)
		return OUTCOME_TOO_BIG;
	hook_send(way);
	return OUTCOME_TOO_BIG_ANSWERED;
}
