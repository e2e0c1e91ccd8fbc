/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is told of a drop: the key that drops are counted by, and the event of a single one. */
#pragma once
#include "helpers.h"

/* Which of the kernel's tracepoints reported it. */
enum tracepoint {
	TRACEPOINT_KFREE_SKB,	     /* skb:kfree_skb: the stack frees a packet unsent */
	TRACEPOINT_XDP_REDIRECT_ERR, /* xdp:xdp_redirect_err: a redirect that is refused */
	TRACEPOINT_XDP_DEVMAP_XMIT,  /* xdp:xdp_devmap_xmit: a redirect that the target does not take */
	TRACEPOINT_XDP_EXCEPTION,    /* xdp:xdp_exception: a verdict that cannot be carried out, or XDP_ABORTED */
	TRACEPOINTS
};

/* Drops are alike, and counted together, if all of this is the same. */
struct drop_key {
	u64 location;		    /* kfree_skb: the kernel address that freed it; a redirect: the target's ifindex or 0 */
	be32 outer_source[4];	    /* IPv4 stands in the first word, the rest zero */
	be32 outer_destination[4];
	be32 inner_source[4];
	be32 inner_destination[4];
	u32 namespace;		    /* inode number; 0 if the packet does not say */
	u32 device;		    /* ifindex; 0 if the packet does not say */
	u32 reason;		    /* kfree_skb: enum skb_drop_reason; a redirect: errno; an exception: enum xdp_action */
	be16 ethertype;
	u8 tracepoint;		    /* enum tracepoint */
	u8 route_error;		    /* errno of the packet's route, 0 if it has none or a good one */
	u8 outer_family;	    /* AF_INET or AF_INET6, 0 if the packet is not IP */
	u8 outer_protocol;
	u8 encapsulation;	    /* enum encapsulation + 1, 0 for none */
	u8 inner_family;
	u8 inner_protocol;
	u8 without_headers;	    /* 1: nothing is said of the headers, for the table was full */
	u8 reserved[2];
};

enum { WAYS = 4 };

/* A part of the table: the keys whose hashes begin alike, and how many packets each stands for. */
struct drop_bucket {
	u32 tags[WAYS]; /* the rest of a key's hash, 0 where there is none */
	u64 packets[WAYS];
	struct drop_key keys[WAYS];
};

/* A dropped packet, or how many frames XDP lost at once. */
struct drop_event {
	struct drop_key key;
	u64 time;	  /* nanoseconds, CLOCK_MONOTONIC */
	u32 packets;
	u32 length;	  /* of the packet, from where its bytes begin */
	u16 captured;	  /* bytes of it that follow */
	u8 from_ethernet; /* 1: the bytes begin with an Ethernet header, 0: with what `ethertype` says */
	u8 reserved[5];
	u8 bytes[];
};

struct device_key {
	u32 namespace;
	u32 device;
};

/* A network: `family` 0 is none. */
struct drop_prefix {
	be32 address[4];
	be32 mask[4];
	u32 family;
};

/* What is wanted of a reason, by its number: see `reasons`. */
enum drop_interest {
	DROP_IGNORED,
	DROP_WANTED,
	DROP_WANTED_ROUTE, /* with the error of the packet's route, without which the reason says little */
	DROP_ROUTINE,
};

/* What is counted beside the table. */
enum drop_count {
	COUNT_ROUTINE,	 /* freed in the ordinary course of things, and not asked for */
	COUNT_TOO_FAST,	 /* no room in the ring buffer; counted in the table instead */
	COUNT_NOT_SHOWN, /* no room in the table either, or dropped while another was being counted */
	COUNTS
};
