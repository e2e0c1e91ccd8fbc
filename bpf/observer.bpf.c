/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The observer: stands at the far end of a link and writes down what comes out of it. Being XDP, it also
 * makes a veth accept frames that a native XDP redirect sends to its peer.
 */
#include "sighting.h"

SEC("xdp") int observe(struct xdp_md *context)
{
	struct sighting *event = sighting_begin(PLACE_ARRIVED, context->ingress_ifindex, (void *)(long)context->data,
						context->data_end - context->data);

	if (event)
		bpf_ringbuf_submit(event, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
