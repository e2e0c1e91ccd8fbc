/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Drops on a live host, from the kernel's tracepoints. No kprobes. Made for a host that drops half a
 * million packets a second: what is not wanted is let go as early as it can be told, what is alike is
 * counted here, in a table of each processor's own, and nothing ever waits. What finds no room is counted.
 * The table is our own, not one of the kernel's hash maps: those take three times as long.
 */
#include "drop-headers.h"

enum { MAX_PREFIXES = 8, NAME_BYTES = 16 };

/* Set before loading: whether kfree_skb carries a reason (Linux 5.17 or later). */
const volatile bool has_drop_reason = false;

/* Set before loading: the only namespace that is wanted; 0 wants all. */
const volatile u32 only_namespace = 0;

/* Set before loading: whether only namespaces, or devices, of the maps of this name are wanted. */
const volatile bool only_namespaces = false;
const volatile bool only_devices = false;

/* Set before loading: how many networks there are in the maps of this name; 0 wants all. */
const volatile u32 outer_count = 0;
const volatile u32 inner_count = 0;

/* Set before loading: whether xdp_redirect_err has a map's type and number (Linux 5.13) or its address. */
const volatile bool has_map_type = false;

/* Set before loading: whether drops of XDP are wanted, which have no reason and no packet to be told by. */
const volatile bool with_xdp = true;

/* Set before loading: whether every drop is to be an event, or only the first of a key, for so many keys. */
const volatile bool each = false;
const volatile u32 samples = 0;

/* Set before loading: bytes of an event. */
const volatile u32 event_size = sizeof(struct drop_event);

/*
 * Set before loading: buckets of the table that each processor has for keys with headers, a power of two.
 * Behind them are PLACES more, for keys without.
 */
const volatile u32 buckets = 0;

enum { PLACES = 64 };

/* enum drop_interest by reason: a core reason's number, or 256 for all of the kernel's subsystems. */
struct {
	map_number(type, BPF_MAP_TYPE_ARRAY);
	map_number(max_entries, 257);
	map_type(key, u32);
	map_type(value, u32);
} reasons SEC(".maps");

struct {
	map_number(type, BPF_MAP_TYPE_HASH);
	map_number(max_entries, 64);
	map_type(key, u32);
	map_type(value, u8);
} namespaces SEC(".maps");

struct device_name {
	u8 bytes[NAME_BYTES];
};

struct {
	map_number(type, BPF_MAP_TYPE_HASH);
	map_number(max_entries, 64);
	map_type(key, struct device_name);
	map_type(value, u8);
} devices SEC(".maps");

struct {
	map_number(type, BPF_MAP_TYPE_ARRAY);
	map_number(max_entries, MAX_PREFIXES);
	map_type(key, u32);
	map_type(value, struct drop_prefix);
} outer_prefixes SEC(".maps");

struct {
	map_number(type, BPF_MAP_TYPE_ARRAY);
	map_number(max_entries, MAX_PREFIXES);
	map_type(key, u32);
	map_type(value, struct drop_prefix);
} inner_prefixes SEC(".maps");

/*
 * The table. It stands in a map of its own so that the reader can put an empty one in its place and, when
 * the kernel says that nobody uses the old one any more, read an exact count.
 */
struct drop_table {
	map_number(type, BPF_MAP_TYPE_ARRAY);
	map_number(map_flags, BPF_F_MMAPABLE);
	map_number(max_entries, 1);
	map_number(key_size, sizeof(u32));
	map_number(value_size, sizeof(struct drop_bucket));
};

struct {
	map_number(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	map_number(max_entries, 1);
	map_type(key, u32);
	struct drop_table *values[];
} tables SEC(".maps");

/* How many keys there are in the table, about, and whether its reader has been told that it is full. */
struct fill {
	u32 keys;
	u32 told;
};

struct {
	map_number(type, BPF_MAP_TYPE_ARRAY);
	map_number(max_entries, 1);
	map_type(key, u32);
	map_type(value, struct fill);
} fill SEC(".maps");

/* Whether this processor is counting: before Linux 6.1 a soft interrupt could come in between. */
struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, 1);
	map_type(key, u32);
	map_type(value, u32);
} counting SEC(".maps");

/* The names of the devices of the drops told of. */
struct {
	map_number(type, BPF_MAP_TYPE_LRU_HASH);
	map_number(max_entries, 4096);
	map_type(key, struct device_key);
	map_type(value, struct device_name);
} device_names SEC(".maps");

struct {
	map_number(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	map_number(max_entries, COUNTS);
	map_type(key, u32);
	map_type(value, u64);
} counts SEC(".maps");

struct {
	map_number(type, BPF_MAP_TYPE_RINGBUF);
	map_number(max_entries, 1 << 20);
} events SEC(".maps");

enum { NO_MAC_HEADER = 0xffff, NO_REFERENCE = 1 };

/* A dropped packet, or where XDP lost some. */
struct drop {
	struct drop_key key;
	const unsigned char *from; /* its bytes, NULL without a packet */
	u32 length;
	u32 linear; /* how many of its bytes stand in one piece */
	bool from_ethernet;
	const struct net_device *device; /* NULL if the packet has none any more */
};

inlined void add(u32 which, u64 packets)
{
	u64 *count = bpf_map_lookup_elem(&counts, &which);

	if (count)
		*count += packets;
}

/* ---- what is wanted ---- */

inlined bool is_device_wanted(const struct net_device *device)
{
	struct device_name name = {};

	if (!only_devices)
		return true;
	if (!device || bpf_probe_read_kernel(&name, sizeof(name), &device->name))
		return false;
	/* What stands behind the end of a name is anything. */
	for (int i = 1; i < NAME_BYTES; i++)
		if (!name.bytes[i - 1])
			name.bytes[i] = 0;
	return bpf_map_lookup_elem(&devices, &name);
}

inlined bool is_namespace_wanted(u32 namespace)
{
	if (only_namespace)
		return namespace == only_namespace;
	return !only_namespaces || bpf_map_lookup_elem(&namespaces, &namespace);
}

inlined bool is_in(const struct drop_prefix *prefix, const be32 *address)
{
	u32 difference = 0;

#pragma unroll
	for (int i = 0; i < 4; i++)
		difference |= (address[i] ^ prefix->address[i]) & prefix->mask[i];
	return !difference;
}

/* Whether source or destination is in one of the networks. */
inlined bool is_in_any(void *prefixes, u32 count, u8 family, const be32 *source, const be32 *destination)
{
	for (u32 i = 0; i < MAX_PREFIXES && i < count; i++) {
		u32 index = i;
		struct drop_prefix *prefix = bpf_map_lookup_elem(prefixes, &index);

		if (prefix && prefix->family == family && (is_in(prefix, source) || is_in(prefix, destination)))
			return true;
	}
	return false;
}

inlined bool are_headers_wanted(const struct drop_key *key)
{
	return (!outer_count || is_in_any(&outer_prefixes, outer_count, key->outer_family, key->outer_source,
					  key->outer_destination)) &&
	       (!inner_count || is_in_any(&inner_prefixes, inner_count, key->inner_family, key->inner_source,
					  key->inner_destination));
}

/* ---- what is told ---- */

inlined void tell_name(u32 namespace, const struct net_device *device)
{
	struct device_key key = { namespace, 0 };
	struct device_name name;

	if (!device || bpf_probe_read_kernel(&key.device, sizeof(key.device), &device->ifindex) ||
	    bpf_map_lookup_elem(&device_names, &key))
		return;
	if (!bpf_probe_read_kernel(&name, sizeof(name), &device->name))
		bpf_map_update_elem(&device_names, &key, &name, BPF_ANY);
}

/* Write an event. False if there is no room. */
inlined bool tell(const struct drop *drop, u64 packets, u64 flags)
{
	struct drop_event *event = bpf_ringbuf_reserve(&events, event_size, 0);
	u64 captured = drop->linear, room = event_size - sizeof(*event);

	if (!event)
		return false;
	event->key = drop->key;
	event->time = bpf_ktime_get_ns();
	event->packets = packets;
	event->length = drop->length;
	event->from_ethernet = drop->from_ethernet;
	__builtin_memset(event->reserved, 0, sizeof(event->reserved));
	/* One register from the comparison to the copy, or the verifier loses the bound. */
	asm volatile("" : "+r"(captured));
	if (captured > room)
		captured = room;
	if (!drop->from || bpf_probe_read_kernel(event->bytes, captured, drop->from))
		captured = 0;
	event->captured = captured;
	bpf_ringbuf_submit(event, flags);
	return true;
}

/* A key that is new in the table. */
inlined void tell_first(const struct drop *drop, struct fill *state, u64 packets)
{
	tell_name(drop->key.namespace, drop->device);
	if (state->keys < samples && tell(drop, packets, BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&state->keys, 1);
}

/* The table is full: have its reader empty it. */
inlined void tell_full(struct fill *state)
{
	u32 nothing = 0;

	if (state->told)
		return;
	state->told = 1;
	bpf_ringbuf_output(&events, &nothing, sizeof(nothing), BPF_RB_FORCE_WAKEUP);
}

/* A hash of all words of a key. The multipliers are odd and otherwise arbitrary. */
inlined u64 hash_of(const struct drop_key *key)
{
	const u64 *word = (const u64 *)key;
	u64 hash = 0, multiplier = 0x9e3779b97f4a7c15;

#pragma unroll
	for (u32 i = 0; i < sizeof(*key) / sizeof(*word); i++) {
		hash += (word[i] ^ word[i] >> 32) * multiplier;
		multiplier += 0xd1342543de82ef96;
	}
	return hash ^ hash >> 32;
}

inlined bool is_same(const struct drop_key *one, const struct drop_key *other)
{
	const u64 *a = (const u64 *)one, *b = (const u64 *)other;
	u64 difference = 0;

#pragma unroll
	for (u32 i = 0; i < sizeof(*one) / sizeof(*a); i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

enum found { FOUND_NO_ROOM, FOUND_KEY, FOUND_FREE };

/* Count under a key, in its bucket of the `number` from `first` on. */
inlined enum found count_in_bucket(void *table, u32 first, u32 number, const struct drop_key *key, u64 packets)
{
	u64 hash = hash_of(key);
	u32 tag = hash >> 32 | 1, index = first + ((u32)hash & (number - 1));
	struct drop_bucket *bucket = bpf_map_lookup_elem(table, &index);

	if (!bucket)
		return FOUND_NO_ROOM;
#pragma unroll
	for (u32 way = 0; way < WAYS; way++) {
		if (bucket->tags[way] == tag && is_same(&bucket->keys[way], key)) {
			bucket->packets[way] += packets;
			return FOUND_KEY;
		}
		if (!bucket->tags[way]) {
			bucket->keys[way] = *key;
			bucket->packets[way] = packets;
			bucket->tags[way] = tag;
			return FOUND_FREE;
		}
	}
	return FOUND_NO_ROOM;
}

/* Count in this processor's part of the table. Keys without room are counted with all of their place. */
inlined void count_in_table(struct drop *drop, u64 packets)
{
	u32 zero = 0, first = bpf_get_smp_processor_id() * (buckets + PLACES);
	void *table = bpf_map_lookup_elem(&tables, &zero);
	struct fill *state = bpf_map_lookup_elem(&fill, &zero);
	enum found found;

	if (!table || !state)
		return;
	found = count_in_bucket(table, first, buckets, &drop->key, packets);
	if (found == FOUND_FREE)
		tell_first(drop, state, packets);
	if (found != FOUND_NO_ROOM)
		return;
	tell_full(state);
	__builtin_memset(drop->key.outer_source, 0, sizeof(be32) * 16);
	drop->key.ethertype = 0;
	drop->key.outer_family = 0;
	drop->key.outer_protocol = 0;
	drop->key.encapsulation = 0;
	drop->key.inner_family = 0;
	drop->key.inner_protocol = 0;
	drop->key.without_headers = 1;
	found = count_in_bucket(table, first + buckets, PLACES, &drop->key, packets);
	if (found == FOUND_FREE)
		tell_name(drop->key.namespace, drop->device);
	if (found == FOUND_NO_ROOM)
		add(COUNT_NOT_SHOWN, packets);
}

inlined void report(struct drop *drop, u64 packets)
{
	u32 zero = 0;
	u32 *busy = bpf_map_lookup_elem(&counting, &zero);

	if (each) {
		tell_name(drop->key.namespace, drop->device);
		if (tell(drop, packets, 0))
			return;
		add(COUNT_TOO_FAST, packets);
	}
	if (!busy)
		return;
	if (*busy) {
		add(COUNT_NOT_SHOWN, packets);
		return;
	}
	*busy = 1;
	count_in_table(drop, packets);
	*busy = 0;
}

/* ---- the stack ---- */

/* The packet has no device any more, as behind TCP's demultiplexer: its route or its socket know the namespace. */
inlined bool place_without_device(struct drop *drop, struct sk_buff *skb)
{
	struct dst_entry *route = (void *)(skb->_skb_refdst & ~(unsigned long)NO_REFERENCE);
	struct sock *socket = skb->sk;
	struct net_device *device = NULL;
	struct net *net = NULL;

	if (socket) {
		net = socket->__sk_common.skc_net.net;
	} else if (route) {
		if (!bpf_probe_read_kernel(&device, sizeof(device), &route->dev) && device)
			bpf_probe_read_kernel(&net, sizeof(net), &device->nd_net.net);
	} else if (!skb->protocol) {
		return false; /* of a socket that is no network's, such as a Unix one */
	}
	if (net)
		bpf_probe_read_kernel(&drop->key.namespace, sizeof(u32), &net->ns.inum);
	drop->key.device = skb->skb_iif;
	return true;
}

/* The packet's bytes, and a cursor at what `protocol` says. */
inlined struct cursor place_bytes(struct drop *drop, struct sk_buff *skb)
{
	const unsigned char *head = skb->head, *data = skb->data;
	const unsigned char *end = data + (skb->len - skb->data_len);
	u16 network = skb->network_header, mac = skb->mac_header;
	struct cursor from = { network ? head + network : data, 0 };

	if (from.at < end)
		from.left = end - from.at;
	/* The Ethernet header, where there is one before the network header. */
	drop->from_ethernet = mac != NO_MAC_HEADER && head + mac + sizeof(struct ethhdr) <= from.at;
	drop->from = drop->from_ethernet ? head + mac : from.at;
	drop->linear = drop->from < end ? end - drop->from : 0;
	drop->length = drop->linear + skb->data_len;
	return from;
}

SEC("tp_btf/kfree_skb") int drop_skb(u64 *arguments)
{
	struct sk_buff *skb = (void *)arguments[0];
	u32 reason = has_drop_reason ? arguments[2] : 0;
	u32 index = reason < 256 ? reason : 256;
	u32 *interest = bpf_map_lookup_elem(&reasons, &index);
	struct drop drop = { .device = skb->dev };
	struct dst_entry *route;
	struct cursor from;
	short error = 0;

	if (!interest || *interest == DROP_IGNORED || (!skb->len && !skb->protocol)) /* a buffer nobody filled */
		return 0;
	if (skb->dev) {
		drop.key.namespace = skb->dev->nd_net.net->ns.inum;
		drop.key.device = skb->dev->ifindex;
	} else if (!place_without_device(&drop, skb)) {
		return 0;
	}
	if (!is_namespace_wanted(drop.key.namespace) || !is_device_wanted(skb->dev))
		return 0;
	if (*interest == DROP_ROUTINE) {
		add(COUNT_ROUTINE, 1);
		return 0;
	}
	from = place_bytes(&drop, skb);
	read_headers(&drop.key, &from, skb->protocol);
	if (!are_headers_wanted(&drop.key))
		return 0;
	route = (void *)(skb->_skb_refdst & ~(unsigned long)NO_REFERENCE);
	if (*interest == DROP_WANTED_ROUTE && route && !bpf_probe_read_kernel(&error, sizeof(error), &route->error))
		drop.key.route_error = error < 0 ? -error : error;
	drop.key.tracepoint = TRACEPOINT_KFREE_SKB;
	drop.key.location = arguments[1];
	drop.key.reason = reason;
	report(&drop, 1);
	return 0;
}

/* ---- XDP: frames that never were packets of the stack, and are lost without a word ---- */

inlined void drop_xdp(const struct net_device *device, u8 tracepoint, u32 reason, u64 location, u64 packets)
{
	struct drop drop = { .device = device };

	if (!with_xdp || outer_count || inner_count)
		return;
	drop.key.namespace = device->nd_net.net->ns.inum;
	drop.key.device = device->ifindex;
	if (!is_namespace_wanted(drop.key.namespace) || !is_device_wanted(device))
		return;
	drop.key.tracepoint = tracepoint;
	drop.key.reason = reason;
	drop.key.location = location;
	report(&drop, packets);
}

SEC("tp_btf/xdp_redirect_err") int drop_redirect(u64 *arguments)
{
	u64 map = arguments[4], index;

	/* Two accesses: the verifier takes none whose place has been calculated. */
	if (has_map_type) {
		index = arguments[6];
		asm volatile("" : "+r"(index));
	} else {
		index = arguments[5];
		asm volatile("" : "+r"(index));
	}
	/* Without a map the index is the target's ifindex. */
	drop_xdp((void *)arguments[0], TRACEPOINT_XDP_REDIRECT_ERR, -(s32)arguments[3], map ? 0 : (u32)index, 1);
	return 0;
}

SEC("tp_btf/xdp_devmap_xmit") int drop_transmit(u64 *arguments)
{
	const struct net_device *from = (void *)arguments[0], *to = (void *)arguments[1];
	s32 drops = arguments[3];

	if (drops <= 0 || !from || !to)
		return 0;
	tell_name(to->nd_net.net->ns.inum, to);
	drop_xdp(from, TRACEPOINT_XDP_DEVMAP_XMIT, -(s32)arguments[4], to->ifindex, drops);
	return 0;
}

SEC("tp_btf/xdp_exception") int drop_exception(u64 *arguments)
{
	if (arguments[2] != XDP_REDIRECT) /* that has a tracepoint of its own */
		drop_xdp((void *)arguments[0], TRACEPOINT_XDP_EXCEPTION, arguments[2], 0, 1);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
