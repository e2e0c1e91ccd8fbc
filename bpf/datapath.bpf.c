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
#include "device.h"
#include "refresh.h"
#include "route.h"
#include "send.h"
#include "unfinished.h"
#include "unwrap.h"
#include "work.h"
#if !HOOK_HANDS_OVER
#include "answer.h"
#include "segments.h"
#endif

enum forwarding { FORWARDING_STACK, FORWARDING_FIB };

/* Set before loading; the verifier prunes what they switch off. */
const volatile u8 forwarding = FORWARDING_FIB;
const volatile bool trace = false;

struct decision {
	struct work *work; /* NULL for a packet on a remembered way */
	struct outcome_count *total; /* of the decapsulation that took it out of its outer header, if one did */
	struct outcome_count *tunnel; /* of the tunnel that it was put into, if it was and that is counted */
	int fib; /* enum fib_result, -1 when not asked */
	u32 outcome;
	u32 answer; /* TC: the MTU to tell the sender; 0 for no answer */
	bool split; /* TC: it is to be cut into its segments */
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
		if (decision->work && decision->fib >= 0) {
			event->egress = decision->work->route.ifindex;
			/* Elsewhere the member still holds the length that was asked about. */
			if (decision->fib == FIB_SUCCESS || decision->fib == FIB_FRAG_NEEDED)
				event->mtu = decision->work->route.mtu_result;
		}
		event->verdict = verdict;
	}
	bpf_ringbuf_submit(event, 0);
}

/* Leave the packet to TC, as it came. */
inlined int hand_over(hook_context *context, struct decision *decision, u32 outcome)
{
	decision->outcome = outcome;
	decision->total = NULL; /* TC will count it */
	if (!decision->work->bytes || hook_unstrip(context, decision->work->bytes))
		return HOOK_PASS;
	decision->outcome = OUTCOME_NO_ROOM;
	return HOOK_DROP;
}

/*
 * Pass a packet that was taken out of its outer header up the stack: it is for this host, or the kernel tells
 * its sender why it is not forwarded.
 */
inlined int pass_up(hook_context *context, struct decision *decision, const struct inner *inner)
{
	struct ethhdr *ethernet = (void *)(long)context->data;

	decision->outcome = OUTCOME_NO_ROOM;
	if ((void *)(ethernet + 1) > (void *)(long)context->data_end ||
	    !inner_write(inner, 0, (void *)(long)context->data, (void *)(long)context->data_end))
		return HOOK_DROP;
	*ethernet = decision->work->ethernet;
	ethernet->protocol = shim_ethertype(inner->protocol);
	decision->outcome = OUTCOME_DECAPSULATED_TO_STACK;
	return HOOK_PASS;
}

/* Whether the packet is already in the outer header of the tunnel that is to take it. */
inlined bool is_loop(const struct tunnel *tunnel, const struct inner *inner, const be32 *source)
{
	u32 other = inner_family(inner) ^ tunnel->family;

#pragma unroll
	for (int i = 0; i < 4; i++)
		other |= (inner->destination[i] ^ tunnel->destination[i]) |
			 ((source[i] ^ tunnel->source[i]) & ~tunnel->source_hash[i]);
	return !other;
}

/* Whether its packets would have to be looked at for that. */
inlined bool may_loop(const struct tunnel *tunnel, const struct inner *inner)
{
	u32 other = inner_family(inner) ^ tunnel->family;

#pragma unroll
	for (int i = 0; i < 4; i++)
		other |= inner->destination[i] ^ tunnel->destination[i];
	return !other;
}

/* What a packet on its way is counted under. */
inlined u32 sent_as(const struct decision *decision, bool encapsulated)
{
	const bool neighbour = decision->fib == FIB_NO_NEIGH;

	if (!decision->work->bytes)
		return neighbour ? OUTCOME_FORWARDED_NEIGHBOUR : OUTCOME_FORWARDED;
	if (encapsulated)
		return neighbour ? OUTCOME_RELAYED_NEIGHBOUR : OUTCOME_RELAYED;
	return neighbour ? OUTCOME_DECAPSULATED_NEIGHBOUR : OUTCOME_DECAPSULATED;
}

/* Too long for the route: at TC the sender is told. */
inlined int too_big(hook_context *context, struct decision *decision, const struct way *way)
{
	u32 mtu = decision->work->route.mtu_result;

	if (HOOK_HANDS_OVER)
		return hand_over(context, decision, OUTCOME_HANDED_OVER_ANSWER);
	decision->answer = mtu > way->bytes ? mtu - way->bytes : 1;
	return HOOK_DROP;
}

/*
 * Work out what nothing is remembered of: take the packet out of its outer header if a tunnel ends here, find
 * the tunnel that it goes into and the way there, and send it.
 */
inlined int work_out(hook_context *context, struct decision *decision, struct inner *inner, struct way *way,
		     const struct way_key *key, u64 moment)
{
	/* Who traces wants to see what the kernel says to this very packet. */
	const bool remember = forwarding == FORWARDING_FIB && !trace;
	struct work *work = decision->work;
	struct bpf_fib_lookup *route = &work->route;
	const struct device *ingress, *egress;
	const struct tunnel *tunnel;
	struct ethhdr *ethernet;
	u32 segment;
	bool again;

	decision->outcome = OUTCOME_OTHER_HOST;
	if (hook_is_stranger(context))
		return HOOK_PASS;
	decision->outcome = unwrap(context, work, inner, &decision->total);
	if (decision->outcome != OUTCOMES)
		return unwrap_drops(decision->outcome) ? HOOK_DROP : HOOK_PASS;
	again = decision->work->bytes;

	tunnel = inner_tunnel(inner);
	decision->outcome = !tunnel ? OUTCOME_NO_TUNNEL : OUTCOME_HOP_LIMIT;
	if (!again && (!tunnel || inner->hops <= 1))
		return HOOK_PASS;
	if (again && (inner->hops <= 1 || (!tunnel && forwarding == FORWARDING_STACK)))
		return pass_up(context, decision, inner);
	ingress = HOOK_HANDS_OVER ? device_of(key->device) : NULL;
	if (ingress && ingress->flags & DEVICE_UNFINISHED &&
	    checksum_is_unfinished(inner, (void *)(long)context->data, (void *)(long)context->data_end))
		return hand_over(context, decision, OUTCOME_HANDED_OVER_CHECKSUM);
	decision->outcome = OUTCOME_OFFLOAD;
	segment = hook_segment(context, inner);
	if (!segment || !inner_source(inner, work->source, (void *)(long)context->data, (void *)(long)context->data_end))
		return HOOK_DROP;
	decision->outcome = OUTCOME_LOOP;
	if (tunnel && is_loop(tunnel, inner, work->source))
		return HOOK_DROP;
	if (tunnel)
		prepare(way, inner, tunnel);
	else
		prepare_bare(way, inner);
	decision->outcome = OUTCOME_TOO_BIG;
	if (way->bytes + inner->length > 0xffff)
		return HOOK_DROP;

	decision->split = hook_is_merged(context) && way->checksummed;
	if (decision->split)
		return HOOK_DROP;

	if (forwarding == FORWARDING_FIB) {
		decision->fib = tunnel ? route_outer(context, route, way, key->device, way->bytes + segment) :
					 route_inner(context, route, inner, work->source, key->device, segment, 0);
		if (decision->fib == FIB_FRAG_NEEDED)
			return too_big(context, decision, way);
		if (decision->fib == FIB_NOT_FWDED && !tunnel)
			return pass_up(context, decision, inner);
		if (decision->fib != FIB_SUCCESS && decision->fib != FIB_NO_NEIGH) {
			decision->outcome = route_refusal(decision->fib);
			return HOOK_DROP;
		}
		egress = device_of(route->ifindex);
		decision->outcome = OUTCOME_EGRESS_REFUSED;
		if (egress && !(egress->flags & DEVICE_EGRESS))
			return HOOK_DROP;
		if (HOOK_HANDS_OVER) {
			if (decision->fib == FIB_NO_NEIGH)
				return hand_over(context, decision, OUTCOME_HANDED_OVER);
			if (egress && !(egress->flags & DEVICE_XDP))
				return hand_over(context, decision, OUTCOME_HANDED_OVER_EGRESS);
			if (egress && !trace && refresh_due(route))
				return hand_over(context, decision, OUTCOME_HANDED_OVER_REFRESH);
		}
		lead(way, route);
		ethernet = (void *)(long)context->data;
		if (remember && decision->fib == FIB_SUCCESS && tunnel && !again && !may_loop(tunnel, inner) &&
		    (void *)(ethernet + 1) <= (void *)(long)context->data_end) {
			__builtin_memcpy(way->local, ethernet->destination, sizeof(way->local));
			way->unfinished = ingress && ingress->flags & DEVICE_UNFINISHED;
			way->key = *key;
			way->moment = moment;
		}
	} else if (again) {
		ethernet = (void *)(long)context->data;
		if ((void *)(ethernet + 1) > (void *)(long)context->data_end)
			return HOOK_DROP;
		*ethernet = decision->work->ethernet;
	}
	decision->outcome = encapsulate(context, inner, way, forwarding == FORWARDING_STACK);
	if (decision->outcome != OUTCOMES)
		return HOOK_DROP;
	if (tunnel)
		decision->tunnel = tunnel_total(way->counter);
	decision->outcome = forwarding == FORWARDING_STACK ? OUTCOME_TO_STACK : sent_as(decision, tunnel);
	return forwarding == FORWARDING_STACK ? HOOK_PASS : hook_send(way);
}

/* Whether the remembered way is this packet's too. */
inlined bool may_take(hook_context *context, const struct way *way, const struct inner *inner)
{
	u32 segment = hook_segment(context, inner);

	return inner->hops > 1 && segment && !(hook_is_merged(context) && way->checksummed) && way->bytes + segment <= way->mtu &&
	       (!hook_is_merged(context) || way->bytes + inner->length <= 0xffff) && hook_is_expected(context, way) &&
	       !(HOOK_HANDS_OVER && way->unfinished &&
		 checksum_is_unfinished(inner, (void *)(long)context->data, (void *)(long)context->data_end));
}

/* Decide on the frame and carry it out: the hook's return code, with the reason in `decision`. */
HOOK_FUNCTION int decide(hook_context *context, struct decision *decision, u32 frame_length)
{
	struct inner inner = {};
	struct way_key key = {};
	u64 moment = way_moment();
	struct way *way;
	u32 zero = 0;

	decision->outcome = OUTCOME_VLAN_TAG;
	if (hook_untagged(context))
		return HOOK_PASS;
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
	if (forwarding == FORWARDING_FIB && !trace && way_holds(way, &key, moment) && may_take(context, way, &inner)) {
		decision->outcome = encapsulate(context, &inner, way, false);
		if (decision->outcome != OUTCOMES)
			return HOOK_DROP;
		decision->tunnel = tunnel_total(way->counter);
		decision->outcome = OUTCOME_FORWARDED;
		return hook_send(way);
	}
	decision->work = bpf_map_lookup_elem(&works, &zero);
	if (!decision->work) { /* cannot be either */
		decision->outcome = OUTCOME_NO_ROOM;
		return HOOK_DROP;
	}
	return work_out(context, decision, &inner, way, &key, moment);
}

SEC(HOOK_SECTION) int datapath(hook_context *context)
{
	struct decision decision = { .fib = -1 };
	u32 frame_length = hook_length(context);
	int verdict;

	see(context, HOOK_PLACE_IN, NULL, 0);
#if !HOOK_HANDS_OVER
	if (hook_is_merged(context) && context->tc_index & SEGMENT_MARK) {
		if (!segment_cut(context)) {
			count(OUTCOME_OFFLOAD, frame_length);
			return HOOK_DROP;
		}
		frame_length = hook_length(context);
	}
#endif
	verdict = decide(context, &decision, frame_length);
#if !HOOK_HANDS_OVER
	/* From here, where little of the stack is in use. */
	if (decision.split)
		decision.outcome = segments_send(context) ? OUTCOME_SEGMENTED : OUTCOME_OFFLOAD;
	if (decision.answer) {
		decision.outcome = answer(context, decision.answer);
		verdict = decision.outcome == OUTCOME_TOO_BIG_ANSWERED ? TC_ACT_REDIRECT : TC_ACT_SHOT;
	}
#endif
	count(decision.outcome, frame_length);
	if (decision.total) {
		decision.total->packets++;
		decision.total->bytes += frame_length;
	}
	if (decision.tunnel) {
		decision.tunnel->packets++;
		decision.tunnel->bytes += frame_length;
	}
	see(context, HOOK_PLACE_OUT, &decision, verdict);
	return verdict;
}

char _license[] SEC("license") = "Dual MIT/GPL";
