/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The datapath: encapsulate what a tunnel matches and forward it. Compiled once for XDP and once for TC
 * (by which hook.h is found), with the same output bytes for the same packet.
 *
 * FORWARDING_FIB asks the kernel's FIB for the outer packet's way and redirects: it never enters the
 * stack. With an unresolved next hop XDP leaves the packet as it came, and TC, which can have the kernel
 * resolve it, does the work. FORWARDING_STACK passes the encapsulated packet up the stack.
 */
#include "hook.h"
#include "decapsulation.h"
#include "device.h"
#include "encapsulation/kinds.h"
#include "outer.h"
#include "route.h"
#include "udp-checksum.h"
#include "write.h"

enum forwarding { FORWARDING_STACK, FORWARDING_FIB };

/* Set before loading; the verifier prunes what they switch off. */
const volatile u8 forwarding = FORWARDING_FIB;
const volatile bool trace = false;

struct decision {
	struct bpf_fib_lookup route;
	int fib; /* enum fib_result, -1 when not asked */
	u32 outcome;
};

inlined void see(hook_context *context, u8 place, const struct decision *decision, int verdict)
{
	struct sighting *event;

	if (!trace)
		return;
	event = sighting_begin(place, context->ingress_ifindex, (void *)(long)context->data, hook_length(context));
	if (!event)
		return;
	if (decision) {
		event->outcome = decision->outcome;
		event->fib = decision->fib;
		if (decision->fib >= 0) {
			event->egress = decision->route.ifindex;
			/* Elsewhere the member still holds the length that was asked about. */
			if (decision->fib == FIB_SUCCESS || decision->fib == FIB_FRAG_NEEDED)
				event->mtu = decision->route.mtu_result;
		}
		event->verdict = verdict;
	}
	bpf_ringbuf_submit(event, 0);
}

/* Push the headers that the way holds: OUTCOMES, or why not. Up the stack the frame keeps its addresses. */
inlined u32 encapsulate(hook_context *context, const struct inner *inner, const struct way *way)
{
	const bool keep = forwarding == FORWARDING_STACK;
	u32 hash = 0;
	struct ethhdr *ethernet;
	void *outer, *end;

	if (!inner_decrease_hops(inner, (void *)(long)context->data, (void *)(long)context->data_end))
		return OUTCOME_NO_ROOM;
	if (way->hashed)
		hash = flow_hash(inner, (void *)(long)context->data, (void *)(long)context->data_end);
	if (!hook_push(context, way, keep))
		return OUTCOME_NO_ROOM;
	ethernet = (void *)(long)context->data;
	outer = ethernet + 1;
	end = (void *)(long)context->data_end;
	if (outer > end)
		return OUTCOME_NO_ROOM;
	if (keep)
		ethernet->protocol = way->header.ethernet.protocol;
	else
		*ethernet = way->header.ethernet;
	if (way->family == AF_INET)
		return write_ipv4(way, inner, hash, outer, end) ? OUTCOMES : OUTCOME_NO_ROOM;
	if (!write_ipv6(way, inner, hash, outer, end))
		return OUTCOME_NO_ROOM;
	return !way->checksummed || udp_checksum(context, way, inner) ? OUTCOMES : OUTCOME_NO_CHECKSUM;
}

/* Work out the way's headers from the tunnel. */
inlined void prepare(struct way *way, const struct inner *inner, const struct tunnel *tunnel)
{
	u8 tos = outer_tos(tunnel, inner->tos);

	way->moment = 0;
	encapsulation_shim(&way->shim, tunnel, inner->protocol);
	way->family = tunnel->family;
	way->bytes = outer_bytes(tunnel->family) + way->shim.length;
	way->hashed = way->shim.udp || tunnel->family == AF_INET6;
	way->checksummed = way->shim.udp && tunnel->family == AF_INET6 && tunnel->flags & TUNNEL_UDP_CHECKSUM;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		way->source_hash[i] = tunnel->source_hash[i];
		way->hashed |= tunnel->source_hash[i] != 0;
	}
	if (tunnel->family == AF_INET) {
		way->header.ethernet.protocol = to_be16(ETH_P_IP);
		outer_ipv4(&way->header.ipv4, tunnel, way->shim.protocol, tos);
		way->sum = ipv4_sum(&way->header.ipv4);
	} else {
		way->header.ethernet.protocol = to_be16(ETH_P_IPV6);
		outer_ipv6(&way->header.ipv6, tunnel, way->shim.protocol, tos);
	}
}

/* Complete the way with what the FIB said. */
inlined void lead(struct way *way, const struct bpf_fib_lookup *route)
{
	way->egress = route->ifindex;
	way->mtu = route->mtu_result;
	__builtin_memcpy(way->header.ethernet.destination, route->dmac, sizeof(route->dmac));
	__builtin_memcpy(way->header.ethernet.source, route->smac, sizeof(route->smac));
}

/* Decide on the frame and carry it out: the hook's return code, with the reason in `decision`. */
inlined int decide(hook_context *context, struct decision *decision, u32 frame_length)
{
	/* Who traces wants to see what the kernel says to this very packet. */
	const bool remember = forwarding == FORWARDING_FIB && !trace;
	struct bpf_fib_lookup *route = &decision->route;
	const struct tunnel *tunnel;
	struct inner inner = {};
	struct way_key key = {};
	u64 moment = way_moment();
	struct way *way;
	u32 length;

	if (hook_untagged(context)) {
		decision->outcome = OUTCOME_NOT_IP;
		return HOOK_PASS;
	}
	hook_reach(context, INNER_REACH);
	decision->outcome =
		inner_read(&inner, (void *)(long)context->data, (void *)(long)context->data_end, frame_length);
	if (decision->outcome != OUTCOMES)
		return HOOK_PASS;

#pragma unroll
	for (int i = 0; i < 4; i++)
		key.destination[i] = inner.destination[i];
	key.device = context->ingress_ifindex;
	key.traffic = inner.protocol << 8 | inner.tos;
	way = way_slot(&key);
	if (!way) { /* cannot be: the slot is in range */
		decision->outcome = OUTCOME_NO_ROOM;
		return HOOK_DROP;
	}
	if (remember && way_holds(way, &key, moment) && inner.hops > 1 &&
	    way->bytes + inner.length <= way->mtu) {
		decision->outcome = encapsulate(context, &inner, way);
		if (decision->outcome != OUTCOMES)
			return HOOK_DROP;
		decision->outcome = OUTCOME_FORWARDED;
		return bpf_redirect(way->egress, 0);
	}

	tunnel = inner_tunnel(&inner);
	decision->outcome = !tunnel ? OUTCOME_NO_TUNNEL : inner.hops <= 1 ? OUTCOME_HOP_LIMIT : OUTCOMES;
	if (!tunnel || inner.hops <= 1)
		return HOOK_PASS;
	prepare(way, &inner, tunnel);
	length = way->bytes + inner.length;
	if (length > 0xffff) {
		decision->outcome = OUTCOME_TOO_BIG;
		return HOOK_DROP;
	}

	if (forwarding == FORWARDING_FIB) {
		decision->fib = route_lookup(context, route, way, tunnel, key.device, length);
		if (decision->fib != FIB_SUCCESS && decision->fib != FIB_NO_NEIGH) {
			decision->outcome = route_refusal(decision->fib);
			return HOOK_DROP;
		}
		if (decision->fib == FIB_NO_NEIGH && !HOOK_RESOLVES) {
			decision->outcome = OUTCOME_HANDED_OVER;
			return HOOK_PASS;
		}
		lead(way, route);
		if (remember && decision->fib == FIB_SUCCESS) {
			way->key = key;
			way->moment = moment;
		}
	}
	decision->outcome = encapsulate(context, &inner, way);
	if (decision->outcome != OUTCOMES)
		return HOOK_DROP;
	if (forwarding == FORWARDING_STACK) {
		decision->outcome = OUTCOME_TO_STACK;
		return HOOK_PASS;
	}
	if (decision->fib == FIB_NO_NEIGH) {
		struct bpf_redir_neigh next_hop = { .nh_family = route->family };

		__builtin_memcpy(next_hop.ipv6_nh, route->ipv6_dst, sizeof(next_hop.ipv6_nh));
		decision->outcome = OUTCOME_FORWARDED_NEIGHBOUR;
		return hook_resolve(route->ifindex, &next_hop);
	}
	decision->outcome = OUTCOME_FORWARDED;
	return bpf_redirect(route->ifindex, 0);
}

SEC(HOOK_SECTION) int datapath(hook_context *context)
{
	struct decision decision = { .fib = -1 };
	u32 frame_length = hook_length(context);
	int verdict;

	see(context, HOOK_PLACE_IN, NULL, 0);
	verdict = decide(context, &decision, frame_length);
	count(decision.outcome, frame_length);
	see(context, HOOK_PLACE_OUT, &decision, verdict);
	return verdict;
}

char _license[] SEC("license") = "Dual MIT/GPL";
