/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What our programs need to know of the kernel, and no more: stable UAPI as it stands in <linux/bpf.h>
 * and <linux/if_ether.h>, and, marked `co_re`, those members of kernel structures that libbpf relocates
 * by name for the running kernel. No header of the build machine is read.
 */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef int s32;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

/* Big-endian on the wire; the type says so to the reader. */
typedef u16 be16;
typedef u32 be32;

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "only little-endian targets are supported"
#endif
#define to_be16(x) ((be16)__builtin_bswap16(x))
#define to_be32(x) ((be32)__builtin_bswap32(x))
#define from_be16(x) ((u16)__builtin_bswap16(x))

/* ---- UAPI: <linux/bpf.h> ---- */

enum xdp_action { XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT };

enum { TC_ACT_UNSPEC = -1, TC_ACT_SHOT = 2, TC_ACT_REDIRECT = 7 };

/* <linux/if_packet.h>: pkt_type of a frame that is for another host's Ethernet address. */
enum { PACKET_OTHERHOST = 3 };

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum { BPF_F_NO_PREALLOC = 1 << 0, BPF_F_MMAPABLE = 1 << 10 };

/* A flag of bpf_map_update_elem: whether there is an entry or not. */
enum { BPF_ANY };

/* Flags of bpf_ringbuf_submit and bpf_ringbuf_output; with neither, a reader that has caught up is woken. */
enum { BPF_RB_NO_WAKEUP = 1 << 0, BPF_RB_FORCE_WAKEUP = 1 << 1 };

enum { BPF_ADJ_ROOM_MAC = 1 };

enum {
	BPF_F_ADJ_ROOM_FIXED_GSO = 1 << 0,
	BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 = 1 << 1,
	BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 = 1 << 2,
	BPF_F_ADJ_ROOM_ENCAP_L4_GRE = 1 << 3,
	BPF_F_ADJ_ROOM_ENCAP_L4_UDP = 1 << 4,
	BPF_F_ADJ_ROOM_ENCAP_L2_ETH = 1 << 6,
	BPF_F_ADJ_ROOM_DECAP_L3_IPV4 = 1 << 7,
	BPF_F_ADJ_ROOM_DECAP_L3_IPV6 = 1 << 8,
};

/* bpf_fib_lookup: find a source address too. */
enum { BPF_FIB_LOOKUP_SRC = 1 << 4 };

/* bpf_clone_redirect: let it come in by the device. */
enum { BPF_F_INGRESS = 1 };

/* For bpf_skb_store_bytes: keep a checksum that the device gave up to date. */
enum { BPF_F_RECOMPUTE_CSUM = 1 };

enum { ENOMEM = 12, EINVAL = 22, EALREADY = 114 };

/* The length of an inner Ethernet header, for bpf_skb_adjust_room. */
#define BPF_F_ADJ_ROOM_ENCAP_L2(length) ((u64)(length) << 56)

struct xdp_md {
	u32 data;
	u32 data_end;
	u32 data_meta;
	u32 ingress_ifindex;
	u32 rx_queue_index;
	u32 egress_ifindex;
};

/* The leading part of struct __sk_buff; the kernel rewrites accesses by offset. */
struct __sk_buff {
	u32 len;
	u32 pkt_type;
	u32 mark;
	u32 queue_mapping;
	u32 protocol;
	u32 vlan_present;
	u32 vlan_tci;
	u32 vlan_proto;
	u32 priority;
	u32 ingress_ifindex;
	u32 ifindex;
	u32 tc_index;
	u32 cb[5];
	u32 hash;
	u32 tc_classid;
	u32 data;
	u32 data_end;
	u32 napi_id;
	u32 socket[13]; /* of the socket it belongs to, if any */
	u32 data_meta;
	u64 flow_keys;
	u64 tstamp;
	u32 wire_len;
	u32 gso_segs;
	u64 sk;
	u32 gso_size; /* of the payload of each segment of a merged packet, else 0 */
};

/* Return codes of bpf_fib_lookup (BPF_FIB_LKUP_RET_*). */
enum fib_result {
	FIB_SUCCESS,	 /* a route and a valid neighbour */
	FIB_BLACKHOLE,	 /* a blackhole route */
	FIB_UNREACHABLE, /* an unreachable route */
	FIB_PROHIBIT,	 /* a prohibit route */
	FIB_NOT_FWDED,	 /* no route, or a local one */
	FIB_FWD_DISABLED, /* forwarding is off on the ingress device */
	FIB_UNSUPP_LWT,	 /* the route has a lightweight tunnel */
	FIB_NO_NEIGH,	 /* a route whose next hop is not resolved */
	FIB_FRAG_NEEDED, /* longer than the route's MTU */
	FIB_NO_SRC_ADDR, /* no source address (only if asked for) */
};

struct bpf_fib_lookup {
	u8 family;
	u8 l4_protocol;
	be16 sport;
	be16 dport;
	union {
		u16 tot_len;	/* in: length of the IP packet, header included */
		u16 mtu_result; /* out */
	};
	u32 ifindex; /* in: ingress device; out: egress device */
	union {
		u8 tos;		 /* in, IPv4 */
		be32 flowinfo;	 /* in, IPv6 */
		u32 rt_metric; /* out */
	};
	union {
		be32 ipv4_src;
		be32 ipv6_src[4];
	};
	union {
		be32 ipv4_dst; /* in: destination; out: next hop, whose family is `family` */
		be32 ipv6_dst[4];
	};
	be16 h_vlan_proto;
	be16 h_vlan_TCI;
	u8 smac[6];
	u8 dmac[6];
};

struct bpf_redir_neigh {
	u32 nh_family;
	union {
		be32 ipv4_nh;
		be32 ipv6_nh[4];
	};
};

enum { AF_INET = 2, AF_INET6 = 10 };

/* ---- kernel structures, relocated by name ---- */

#define co_re __attribute__((preserve_access_index))

struct ns_common {
	unsigned int inum;
} co_re;

struct net {
	struct ns_common ns;
} co_re;

typedef struct {
	struct net *net;
} co_re possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
	char name[16];
} co_re;

struct sock_common {
	possible_net_t skc_net;
} co_re;

struct sock {
	struct sock_common __sk_common;
} co_re;

struct dst_entry {
	struct net_device *dev;
	short error;
} co_re;

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned long _skb_refdst;
	unsigned int len;
	unsigned int data_len;
	int skb_iif;
	be16 protocol;
	u16 mac_header;
	u16 network_header;
	u16 transport_header;
	unsigned char *head;
	unsigned char *data;
} co_re;
