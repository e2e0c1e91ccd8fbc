/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What surrounds the datapath when its rate is measured: a generator, the bare redirect it is held
 * against, a sink that counts, and a program that leaves the packet to the kernel.
 */
#include "../bpf/packet.h"

/* Set before loading: ifindexes, each in the namespace of the program that uses it. */
const volatile u32 generator_device = 0;
const volatile u32 redirect_device = 0;

enum expected { EXPECTED_PLAIN, EXPECTED_IP, EXPECTED_VXLAN };

/* Set before loading: how IPv6 should arrive, as it is or in which tunnel over IPv4. */
const volatile u8 expected = EXPECTED_PLAIN;

/* Set before loading: to how many inner destinations frames go, each to one drawn by lot; 0 for the frame's own. */
const volatile u32 destinations = 0;

enum { HOP_LIMIT = 64 };

/* Marsaglia's xorshift: the generator runs on one processor. */
u32 lot = 2463534242;

inlined u32 draw(u32 below)
{
	u32 next = lot;

	next ^= next << 13;
	next ^= next >> 17;
	next ^= next << 5;
	lot = next;
	return (u64)next * below >> 32;
}

/* The frame; its payload repeats the Ethernet header. */
struct generated {
	struct ethhdr ethernet;
	struct ipv6hdr ip;
	struct udphdr udp;
	struct ethhdr copy;
} __attribute__((packed, aligned(2)));

/*
 * Run with live frames, whose pages are used again as the last packet left them: a router took one off
 * the hop limit, and an outer IPv4 header was written over the Ethernet header. It is attached to the
 * generator's device too: for a program attached nowhere a test run waits twice for all processors
 * (synchronize_rcu in bpf_dispatcher_change_prog), some 20 ms that would stand in every measurement.
 */
SEC("xdp") int generate(struct xdp_md *context)
{
	struct generated *frame = (void *)(long)context->data;

	if (context->ingress_ifindex == generator_device) /* really came in */
		return XDP_PASS;
	if ((void *)(frame + 1) > (void *)(long)context->data_end)
		return XDP_ABORTED;
	frame->ethernet = frame->copy;
	frame->ip.hop_limit = HOP_LIMIT;
	if (destinations)
		frame->ip.destination[1] = to_be32(draw(destinations));
	return bpf_redirect(generator_device, 0);
}

SEC("xdp") int redirect(struct xdp_md *context)
{
	return bpf_redirect(redirect_device, 0);
}

/* As much memory as the datapath's table of 100,000 tunnels. */
enum { FAR_ENTRIES = 170000 };

struct far {
	u64 words[4];
};

struct {
	map_number(type, BPF_MAP_TYPE_ARRAY);
	map_number(map_flags, BPF_F_MMAPABLE);
	map_number(max_entries, FAR_ENTRIES);
	map_type(key, u32);
	map_type(value, struct far);
} far SEC(".maps");

/* A hop off and a header in front, with `source` in it: nothing is looked up, counted or decided. */
inlined int push_header(struct xdp_md *context, be32 source)
{
	struct generated *frame = (void *)(long)context->data;
	struct {
		struct ethhdr ethernet;
		struct iphdr ip;
	} __attribute__((packed, aligned(2))) * outer;

	if ((void *)(frame + 1) > (void *)(long)context->data_end)
		return XDP_ABORTED;
	frame->ip.hop_limit--;
	if (bpf_xdp_adjust_head(context, -(int)sizeof(outer->ip)))
		return XDP_ABORTED;
	outer = (void *)(long)context->data;
	if ((void *)(outer + 1) > (void *)(long)context->data_end)
		return XDP_ABORTED;
	outer->ethernet.protocol = to_be16(ETH_P_IP);
	outer->ip = (struct iphdr){ .version_ihl = 0x45, .ttl = HOP_LIMIT, .protocol = IPPROTO_IPV6, .source = source };
	return bpf_redirect(redirect_device, 0);
}

/* The least that encapsulating takes: what no datapath can be without. */
SEC("xdp") int push(struct xdp_md *context)
{
	return push_header(context, 0);
}

/* The least where each packet is another tunnel's: that tunnel is somewhere in memory. */
SEC("xdp") int push_far(struct xdp_md *context)
{
	struct generated *frame = (void *)(long)context->data;
	u32 slot;
	const struct far *entry;

	if ((void *)(frame + 1) > (void *)(long)context->data_end)
		return XDP_ABORTED;
	slot = (u64)(frame->ip.destination[1] * 0x9e3779b1) * FAR_ENTRIES >> 32;
	entry = bpf_map_lookup_elem(&far, &slot);
	return entry ? push_header(context, entry->words[0]) : XDP_ABORTED;
}

enum { SUNK_EXPECTED, SUNK_OTHER, SUNK };

struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, SUNK);
	map_type(key, u32);
	map_type(value, u64);
} sunk SEC(".maps");

/* What follows Ethernet, IPv4, UDP, VXLAN and Ethernet. */
enum { VXLAN_BYTES = 8 + 8 + 14, VXLAN_PORT = 4789 };

inlined bool is_expected(struct ethhdr *ethernet, void *end)
{
	struct iphdr *outer = (void *)(ethernet + 1);
	struct udphdr *udp = (void *)(outer + 1);
	struct ipv6hdr *inner = expected == EXPECTED_PLAIN ? (void *)(ethernet + 1) :
				expected == EXPECTED_IP	   ? (void *)(outer + 1) :
							     (void *)(outer + 1) + VXLAN_BYTES;

	if ((void *)(inner + 1) > end)
		return false;
	if (expected != EXPECTED_PLAIN && outer->version_ihl != 0x45)
		return false;
	if (expected == EXPECTED_IP && outer->protocol != IPPROTO_IPV6)
		return false;
	if (expected == EXPECTED_VXLAN &&
	    (outer->protocol != IPPROTO_UDP || udp->destination != to_be16(VXLAN_PORT)))
		return false;
	return ethernet->protocol == (expected == EXPECTED_PLAIN ? to_be16(ETH_P_IPV6) : to_be16(ETH_P_IP)) &&
	       inner->version_class >> 4 == 6 && inner->next_header == IPPROTO_UDP;
}

SEC("xdp") int sink(struct xdp_md *context)
{
	u32 key = is_expected((void *)(long)context->data, (void *)(long)context->data_end) ? SUNK_EXPECTED : SUNK_OTHER;
	u64 *packets = bpf_map_lookup_elem(&sunk, &key);

	if (packets)
		(*packets)++;
	return XDP_DROP;
}

SEC("xdp") int pass(struct xdp_md *context)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
