/** What a BPF program asks of the world around it: the FIB, devices, clocks, chance. All plain data. */
import type { fibResults } from '../../../datapath/layout.ts';

/** struct bpf_fib_lookup as the program filled it in, for the kernel's bpf_ipv4_fib_lookup or bpf_ipv6_fib_lookup. */
export interface FibRequest {
	readonly family: 'ipv4' | 'ipv6';
	/** The device whose configuration and rules are asked: the ingress one, or with `output` the egress one. */
	readonly ifindex: number;
	/** 4 or 16 bytes. */
	readonly source: Uint8Array;
	/** 4 or 16 bytes. */
	readonly destination: Uint8Array;
	/** Of the transport header, such as 17; 0 if not said. */
	readonly protocol: number;
	readonly sourcePort: number;
	readonly destinationPort: number;
	/** IPv4: the TOS byte; 0 for IPv6. */
	readonly tos: number;
	/** IPv6: traffic class and flow label, as a number (not byte-swapped); 0 for IPv4. */
	readonly flowInfo: number;
	/** Length of the IP packet, header included, to hold against the route's MTU; 0 is never too long. */
	readonly totalLength: number;
	/** BPF_FIB_LOOKUP_MARK: for the rules; else 0. */
	readonly mark: number;
	/** BPF_FIB_LOOKUP_TBID: the table to look in, without rules. */
	readonly table: number | undefined;
	/** BPF_FIB_LOOKUP_DIRECT: no rules, only the main table (or `table`, or the device's VRF's). */
	readonly direct: boolean;
	/** BPF_FIB_LOOKUP_OUTPUT: as if sent out of `ifindex`, not as if it came in. */
	readonly output: boolean;
	/** BPF_FIB_LOOKUP_SKIP_NEIGH: no neighbour is asked for. */
	readonly skipNeighbour: boolean;
	/** BPF_FIB_LOOKUP_SRC: the source address that the host would use is asked for. */
	readonly wantSource: boolean;
}

export type FibResultName = (typeof fibResults)[number];

/** What the lookup found: the members that the kernel writes for this result. */
export type FibAnswer =
	/** A route and, unless `skipNeighbour`, a valid neighbour. */
	| (FibRoute & {
			readonly result: 'success';
			/** Of the route. */
			readonly mtu: number;
			/** The neighbour's and the egress device's addresses, 6 bytes each; not with `skipNeighbour`. */
			readonly destinationMac?: Uint8Array;
			readonly sourceMac?: Uint8Array;
	  })
	/** A route without a valid neighbour. */
	| (FibRoute & { readonly result: 'no-neigh' })
	/** `totalLength` is more than this. */
	| { readonly result: 'frag-needed'; readonly mtu: number }
	/** IPv6 with `wantSource`: a route, but no source address. */
	| (FibRoute & { readonly result: 'no-src-addr' })
	| {
			readonly result: Exclude<FibResultName, 'success' | 'no-neigh' | 'frag-needed' | 'no-src-addr'>;
	  }
	/** There is no device `ifindex`: the program gets -ENODEV. */
	| { readonly result: 'no-device' };

export interface FibRoute {
	/** ifindex of the egress device. */
	readonly device: number;
	/** The gateway; undefined where the destination itself is the next hop. */
	readonly nextHop: NextHop | undefined;
	/** The route's metric (priority). */
	readonly metric: number;
	/** With `wantSource`: 4 or 16 bytes, as the request's family. */
	readonly source?: Uint8Array;
}

export interface NextHop {
	readonly family: 'ipv4' | 'ipv6';
	/** 4 or 16 bytes. */
	readonly address: Uint8Array;
}

/** What bpf_check_mtu, bpf_fib_lookup at TC and bpf_skb_change_tail need to know of a device. */
export interface BpfDevice {
	readonly mtu: number;
	readonly up: boolean;
	/** Of the link layer: 14 for Ethernet, if not given. */
	readonly headerBytes?: number;
}

export interface BpfEnvironment {
	fibLookup(request: FibRequest): FibAnswer;
	/** By ifindex; undefined where there is none. */
	device(ifindex: number): BpfDevice | undefined;
	/** bpf_ktime_get_ns: nanoseconds of CLOCK_MONOTONIC. */
	now(): bigint;
	/** bpf_jiffies64: the kernel's ticks. The datapath remembers what it worked out until the next one. */
	jiffies(): number;
	/** bpf_get_prandom_u32: 32 bits. */
	random(): number;
}
