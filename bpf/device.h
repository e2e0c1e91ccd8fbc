/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What user space knows of a host's devices and a program cannot ask for. */
#pragma once
#include "helpers.h"

enum device_flag {
	DEVICE_XDP = 1 << 0,	/* XDP may redirect into it: its driver takes such frames and sends them */
	DEVICE_EGRESS = 1 << 1, /* packets may leave by it */
	/* What comes in may be from a sender on this host that left its checksum to the device, as on a veth. */
	DEVICE_UNFINISHED = 1 << 2,
};

struct device {
	u8 address[6]; /* its own Ethernet address, zero when it has none */
	u8 flags;      /* enum device_flag */
	u8 reserved;
	be32 ipv4;    /* source of ICMP answers where the FIB names none (before Linux 6.7); zero for none */
	be32 ipv6[4]; /* the same of ICMPv6; not a link-local address */
};

/* ifindex of the entry that holds for every device without one of its own. */
enum { DEVICE_OTHER = 0 };

/* By ifindex. While it is empty nothing is known and everything is tried. */
struct {
	map_number(type, BPF_MAP_TYPE_HASH);
	map_number(map_flags, BPF_F_NO_PREALLOC);
	map_number(max_entries, 4096);
	map_type(key, u32);
	map_type(value, struct device);
} devices SEC(".maps");

/* The device's entry, the one for others, or NULL while nothing is known. */
inlined const struct device *device_of(u32 index)
{
	const struct device *device = bpf_map_lookup_elem(&devices, &index);
	u32 other = DEVICE_OTHER;

	return device ? device : bpf_map_lookup_elem(&devices, &other);
}
