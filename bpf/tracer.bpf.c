/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The tracer: what the kernel itself does with packets of chosen network namespaces, from its
 * tracepoints. No kprobes. Where a packet is dropped, the kernel says why and where.
 */
#include "sighting.h"

/* Set before loading: whether kfree_skb carries a reason (Linux 5.17 or later). */
const volatile bool has_drop_reason = false;

/* The inode numbers of the namespaces to watch. */
struct {
	map_number(type, BPF_MAP_TYPE_HASH);
	map_number(max_entries, 16);
	map_type(key, u32);
	map_type(value, u8);
} watched SEC(".maps");

enum { NO_HEADER = 0xffff, NO_REFERENCE = 1 /* a flag in a pointer to a route */ };

/* Write down the packet, from its Ethernet header where it has one. */
inlined struct sighting *see(struct sk_buff *skb, struct net_device *device, u8 place)
{
	u32 namespace, length = skb->len;
	unsigned char *from = skb->data;
	struct sighting *event;
	u16 mac_header = skb->mac_header;

	if (!device)
		return NULL;
	namespace = device->nd_net.net->ns.inum;
	if (!bpf_map_lookup_elem(&watched, &namespace))
		return NULL;
	if (mac_header != NO_HEADER && skb->head + mac_header <= from) {
		length += from - (skb->head + mac_header);
		from = skb->head + mac_header;
	}
	event = sighting_begin(place, device->ifindex, from, length);
	if (event)
		event->namespace = namespace;
	return event;
}

SEC("tp_btf/netif_receive_skb") int receive(u64 *arguments)
{
	struct sk_buff *skb = (void *)arguments[0];
	struct sighting *event = see(skb, skb->dev, PLACE_RECEIVE);

	if (event)
		bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/net_dev_start_xmit") int transmit(u64 *arguments)
{
	struct sk_buff *skb = (void *)arguments[0];
	struct sighting *event = see(skb, (struct net_device *)arguments[1], PLACE_TRANSMIT);

	if (event)
		bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/kfree_skb") int drop(u64 *arguments)
{
	struct sk_buff *skb = (void *)arguments[0];
	struct sighting *event = see(skb, skb->dev, PLACE_DROP);
	struct dst_entry *route;
	short error = 0;

	if (event) {
		route = (void *)(skb->_skb_refdst & ~(unsigned long)NO_REFERENCE);
		if (route && !bpf_probe_read_kernel(&error, sizeof(error), &route->error))
			event->route_error = error < 0 ? -error : error;
		event->location = arguments[1];
		if (has_drop_reason)
			event->reason = arguments[2];
		bpf_ringbuf_submit(event, 0);
	}
	return 0;
}

/*
 * A packet is consumed in many places (where it is fragmented, or copied for an XDP program). Only where its
 * data begin behind the IP header, a protocol of the host's own had it: IP itself leaves them at its header.
 */
SEC("tp_btf/consume_skb") int deliver(u64 *arguments)
{
	struct sk_buff *skb = (void *)arguments[0];
	u16 network = skb->network_header, transport = skb->transport_header;
	struct sighting *event;

	if (transport == NO_HEADER || transport <= network || skb->data < skb->head + transport)
		return 0;
	event = see(skb, skb->dev, PLACE_DELIVERED);
	if (event)
		bpf_ringbuf_submit(event, 0);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
