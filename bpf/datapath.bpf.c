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
#include "encapsulation/ip.h"
#include "inner.h"
#include "route.h"

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

/* Push the outer header. The Ethernet header before it becomes the FIB's, or only changes its type. */
inlined bool encapsulate(hook_context *context, const struct inner *inner, const struct decision *decision)
{
	const struct tunnel *tunnel = inner->tunnel;
	struct ethhdr *ethernet;
	void *outer, *end;

	if (!inner_decrease_hops(inner, (void *)(long)context->data, (void *)(long)context->data_end))
		return false;
	if (tunnel->family == AF_INET) {
		if (!hook_push(context, sizeof(struct iphdr), AF_INET))
			return false;
	} else {
		if (!hook_push(context, sizeof(struct ipv6hdr), AF_INET6))
			return false;
	}
	ethernet = (void *)(long)context->data;
	outer = ethernet + 1;
	end = (void *)(long)context->data_end;
	if (tunnel->family == AF_INET) {
		if (outer + sizeof(struct iphdr) > end)
			return false;
		ethernet->protocol = to_be16(ETH_P_IP);
		encapsulation_ip_ipv4(outer, tunnel, inner->protocol, inner->tos, inner->length);
	} else {
		if (outer + sizeof(struct ipv6hdr) > end)
			return false;
		ethernet->protocol = to_be16(ETH_P_IPV6);
		encapsulation_ip_ipv6(outer, tunnel, inner->protocol, inner->tos, inner->length);
	}
	if (decision->fib == FIB_SUCCESS) {
		__builtin_memcpy(ethernet->destination, decision->route.dmac, sizeof(ethernet->destination));
		__builtin_memcpy(ethernet->source, decision->route.smac, sizeof(ethernet->source));
	}
	return true;
}

/* Decide on the frame and carry it out: the hook's return code, with the reason in `decision`. */
inlined int decide(hook_context *context, struct decision *decision, u32 frame_length)
{
	struct inner inner = {};
	struct bpf_fib_lookup *route = &decision->route;
	u32 outer_length;

	hook_reach(context, INNER_REACH);
	decision->outcome =
		inner_read(&inner, (void *)(long)context->data, (void *)(long)context->data_end, frame_length);
	if (decision->outcome != OUTCOMES)
		return HOOK_PASS;

	outer_length = encapsulation_ip_bytes(inner.tunnel->family) + inner.length;
	if (outer_length > 0xffff) {
		decision->outcome = OUTCOME_TOO_BIG;
		return HOOK_DROP;
	}

	if (forwarding == FORWARDING_STACK) {
		if (!encapsulate(context, &inner, decision)) {
			decision->outcome = OUTCOME_NO_ROOM;
			return HOOK_DROP;
		}
		decision->outcome = OUTCOME_TO_STACK;
		return HOOK_PASS;
	}

	decision->fib = route_lookup(context, route, inner.tunnel, context->ingress_ifindex, inner.protocol,
				     inner.tos, outer_length);
	if (decision->fib != FIB_SUCCESS && decision->fib != FIB_NO_NEIGH) {
		decision->outcome = route_refusal(decision->fib);
		return HOOK_DROP;
	}
	if (decision->fib == FIB_NO_NEIGH && !HOOK_RESOLVES) {
		decision->outcome = OUTCOME_HANDED_OVER;
		return HOOK_PASS;
	}
	if (!encapsulate(context, &inner, decision)) {
		decision->outcome = OUTCOME_NO_ROOM;
		return HOOK_DROP;
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
