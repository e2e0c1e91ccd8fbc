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
#include "recent.h"
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

/* What is found out of a packet before anything is worked out. */
struct glance {
	u64 moment;	       /* read before the tunnels */
	struct recent *recent; /* where to remember the packet's destination; NULL for nowhere */
	struct recent wanted;
};

/* Remember that packets such as this go by the way in `slot`. */
inlined void remember(const struct glance *glance, const struct way *way, u32 slot, u32 counter)
{
	struct recent *recent = glance->recent;

	if (!recent || way->checksummed || way->unfinished)
		return;
	*recent = glance->wanted;
	recent->moment = glance->moment;
	recent->way = slot;
	recent->turn = way->turn;
	recent->counter = counter;
}

/* Whether a packet may take a remembered way, but for a checksum that may be unfinished. */
inlined bool may_take(hook_context *context, const struct way *way, const struct inner *inner)
{
	return inner->hops > 1 && inner->length <= way->most && hook_is_expected(context, way);
}

/*
 * Work out what nothing is remembered of: take the packet out of its outer header if a tunnel ends here, find
 * the tunnel that it goes into and the way there, and send it. A function of its own, so that what is remembered
 * has the registers and the stack to itself.
 */
static __attribute__((noinline)) int
work_out(hook_context *context, struct decision *decision, const struct glance *glance, u32 frame_length)
{
	/* Who traces wants to see what the kernel says to this very packet. */
	const bool remembering = forwarding == FORWARDING_FIB && !trace && !hook_is_merged(context);
	const u32 device = context->ingress_ifindex;
	u32 zero = 0;
	struct work *work = bpf_map_lookup_elem(&works, &zero);
	struct bpf_fib_lookup *route;
	struct way_key *key;
	struct inner *inner;
	const struct device *ingress, *egress;
	const struct tunnel_entry *entry;
	const struct tunnel *tunnel = NULL;
	u32 segment, slot = WAYS;
	const u32 *kinds;
	struct ethhdr *ethernet;
	struct way *way;
	bool again;

	decision->outcome = OUTCOME_NO_ROOM;
	if (!work) /* cannot be */
		return HOOK_DROP;
	decision->work = work;
	route = &work->route;
	inner = &work->packet;
	key = &work->key;
	__builtin_memset(inner, 0, sizeof(*inner));
	decision->outcome =
		inner_read(inner, (void *)(long)context->data, (void *)(long)context->data_end, frame_length);
	if (decision->outcome != OUTCOMES)
		return HOOK_PASS;
	kinds = unwrap_kinds(work, inner);
	entry = inner_tunnel(inner);
	if (entry && !kinds && remembering) {
		key->template = entry->state >> TEMPLATE_SHIFT;
		key->destination = entry->destination;
		key->key = entry->key;
		key->device = device;
		key->traffic = inner->protocol << 8 | inner->tos;
		slot = way_slot(key);
	}
	way = way_in(slot);
	decision->outcome = OUTCOME_NO_ROOM;
	if (!way) /* cannot be either: the slot is in range */
		return HOOK_DROP;
	if (slot != WAYS && way_holds(way, key, glance->moment) && may_take(context, way, inner) &&
	    !way_may_loop(way, inner) &&
	    !(HOOK_HANDS_OVER && way->unfinished &&
	      checksum_is_unfinished(inner, (void *)(long)context->data, (void *)(long)context->data_end))) {
		remember(glance, way, slot, entry->counter);
		decision->outcome = encapsulate_checked(context, inner, way, false);
		if (decision->outcome != OUTCOMES)
			return HOOK_DROP;
		decision->tunnel = tunnel_total(entry->counter);
		decision->outcome = OUTCOME_FORWARDED;
		return hook_send(way);
	}

	decision->outcome = OUTCOME_OTHER_HOST;
	if (hook_is_stranger(context))
		return HOOK_PASS;
	if (kinds) {
		decision->outcome = unwrap(context, work, inner, *kinds, &decision->total);
		if (decision->outcome != OUTCOMES)
			return unwrap_drops(decision->outcome) ? HOOK_DROP : HOOK_PASS;
		entry = inner_tunnel(inner);
	}
	again = kinds;

	decision->outcome = !entry ? OUTCOME_NO_TUNNEL : OUTCOME_HOP_LIMIT;
	if (!again && (!entry || inner->hops <= 1))
		return HOOK_PASS;
	if (again && (inner->hops <= 1 || (!entry && forwarding == FORWARDING_STACK)))
		return pass_up(context, decision, inner);
	ingress = HOOK_HANDS_OVER ? device_of(device) : NULL;
	if (ingress && ingress->flags & DEVICE_UNFINISHED &&
	    checksum_is_unfinished(inner, (void *)(long)context->data, (void *)(long)context->data_end))
		return hand_over(context, decision, OUTCOME_HANDED_OVER_CHECKSUM);
	decision->outcome = OUTCOME_OFFLOAD;
	segment = hook_segment(context, inner);
	if (!segment || !inner_source(inner, work->source, (void *)(long)context->data, (void *)(long)context->data_end))
		return HOOK_DROP;
	if (entry) {
		tunnel = tunnel_whole(entry);
		decision->outcome = OUTCOME_NO_ROOM;
		if (!tunnel) /* cannot be either */
			return HOOK_DROP;
		decision->outcome = OUTCOME_LOOP;
		if (is_loop(tunnel, inner, work->source))
			return HOOK_DROP;
		prepare(way, inner, tunnel);
	} else {
		prepare_bare(way, inner);
	}
	decision->outcome = OUTCOME_TOO_BIG;
	if (way->bytes + inner->length > 0xffff)
		return HOOK_DROP;

	decision->split = hook_is_merged(context) && way->checksummed;
	if (decision->split)
		return HOOK_DROP;

	if (forwarding == FORWARDING_FIB) {
		__builtin_memset(route, 0, sizeof(*route));
		decision->fib = tunnel ? route_outer(context, route, way, device, way->bytes + segment) :
					 route_inner(context, route, inner, work->source, device, segment, 0);
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
		if (slot != WAYS && decision->fib == FIB_SUCCESS &&
		    (void *)(ethernet + 1) <= (void *)(long)context->data_end) {
			__builtin_memcpy(way->local, ethernet->destination, sizeof(way->local));
			way->unfinished = ingress && ingress->flags & DEVICE_UNFINISHED;
			way->key = *key;
			way->moment = glance->moment;
			if (!way_may_loop(way, inner))
				remember(glance, way, slot, entry->counter);
		}
	} else if (again) {
		ethernet = (void *)(long)context->data;
		if ((void *)(ethernet + 1) > (void *)(long)context->data_end)
			return HOOK_DROP;
		*ethernet = decision->work->ethernet;
	}
	decision->outcome = encapsulate_checked(context, inner, way, forwarding == FORWARDING_STACK);
	if (decision->outcome != OUTCOMES)
		return HOOK_DROP;
	if (entry)
		decision->tunnel = tunnel_total(entry->counter);
	decision->outcome = forwarding == FORWARDING_STACK ? OUTCOME_TO_STACK : sent_as(decision, tunnel);
	return forwarding == FORWARDING_STACK ? HOOK_PASS : hook_send(way);
}

/* Decide on the frame and carry it out: the hook's return code, with the reason in `decision`. */
inlined int decide(hook_context *context, struct decision *decision, u32 frame_length)
{
	struct glance glance = { .moment = way_moment() };
	struct inner inner = {};
	struct way *way;

	decision->outcome = OUTCOME_VLAN_TAG;
	if (hook_untagged(context))
		return HOOK_PASS;
	hook_reach(context, INNER_REACH);
	glance.wanted.device = context->ingress_ifindex;
	if (forwarding == FORWARDING_FIB && !trace && !hook_is_merged(context) &&
	    recent_glance(&glance.wanted, &inner, (void *)(long)context->data, (void *)(long)context->data_end,
			  frame_length)) {
		glance.recent = recent_in(&glance.wanted);
		if (glance.recent && recent_holds(glance.recent, &glance.wanted, glance.moment)) {
			way = way_in(glance.recent->way);
			if (way && way->turn == glance.recent->turn && may_take(context, way, &inner)) {
				decision->outcome = encapsulate(context, &inner, way, false);
				if (decision->outcome != OUTCOMES)
					return HOOK_DROP;
				decision->tunnel = tunnel_total(glance.recent->counter);
				decision->outcome = OUTCOME_FORWARDED;
				return hook_send(way);
			}
		}
	}
	return work_out(context, decision, &glance, frame_length);
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
