/**
 * A snapshot: the state of a live host, or of one of its network namespaces, as far as it decides a packet's
 * fate. Most of it is what iproute2 shows as JSON, as it came; declared here is what of that is read.
 */
import type { Hook } from '../scenario/scenario.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';

/** The version of the format that this package writes and reads. */
export const snapshotVersion = 1;

/** What a snapshot cannot see, or could not see where it was taken. */
export const unknownFacts = ['rules-history', 'forwarder', 'netfilter', 'ipsec', 'programs'] as const;
export type UnknownFact = (typeof unknownFacts)[number];

export interface Snapshot {
	readonly version: typeof snapshotVersion;
	/** The kernel's release, as `uname -r` has it. */
	readonly kernel: string;
	/** `ip -details address show` */
	readonly links: readonly IpLink[];
	/** `ip -4` and `ip -6 -details route show table all`, in that order. */
	readonly routes: { readonly ipv4: readonly IpRoute[]; readonly ipv6: readonly IpRoute[] };
	/** `ip -4` and `ip -6 -details rule show` */
	readonly rules: { readonly ipv4: readonly IpRule[]; readonly ipv6: readonly IpRule[] };
	/** `ip -details neighbour show nud all` */
	readonly neighbours: readonly IpNeighbour[];
	/** `ip -details nexthop show` */
	readonly nextHops: readonly IpNextHop[];
	/** Numbers of the routing tables that have names of the host's own. */
	readonly tables: Readonly<Record<string, number>>;
	/** Ports that sockets of the host are bound to: /proc/net/tcp, udp and those of IPv6. */
	readonly sockets: readonly { readonly protocol: 6 | 17; readonly port: number }[];
	/** By full name; a dot in a device's name is a slash. */
	readonly sysctls: Readonly<Record<string, number>>;
	/** What this package itself has attached; null where there is none, or where it could not be seen. */
	readonly forwarder: SnapshotForwarder | null;
	readonly unknown: readonly UnknownFact[];
}

export interface SnapshotForwarder {
	readonly interfaces: readonly { readonly name: string; readonly hooks: readonly Hook[] }[];
	readonly tunnels: readonly Tunnel[];
}

export interface IpLink {
	readonly ifname: string;
	readonly flags: readonly string[];
	readonly mtu: number;
	readonly link_type: string;
	readonly address?: string;
	/** The bridge, bond or VRF it belongs to. */
	readonly master?: string;
	/** What it lies on, by name, where that is in the same namespace. */
	readonly link?: string;
	readonly linkinfo?: {
		readonly info_kind?: string;
		readonly info_slave_kind?: string;
		readonly info_data?: Readonly<Record<string, unknown>>;
	};
	readonly addr_info: readonly {
		readonly family: 'inet' | 'inet6';
		readonly local: string;
		/** Of the other end, where the address has a peer. */
		readonly address?: string;
		readonly prefixlen: number;
	}[];
}

export interface IpRouteNextHop {
	readonly dev?: string;
	readonly gateway?: string;
	/** A gateway of the other family. */
	readonly via?: { readonly host: string };
	readonly weight?: number;
	readonly flags?: readonly string[];
	readonly encap?: string;
}

export interface IpRoute extends IpRouteNextHop {
	readonly type?: string;
	/** `default`, an address or a prefix. */
	readonly dst: string;
	readonly table?: string;
	readonly protocol?: string;
	readonly metric?: number;
	readonly tos?: string;
	readonly from?: string;
	readonly prefsrc?: string;
	readonly nhid?: number;
	readonly nexthops?: readonly IpRouteNextHop[];
	readonly metrics?: readonly { readonly mtu?: number }[];
}

/** A flag that is set is null. */
export interface IpRule {
	readonly priority: number;
	readonly table?: string;
	readonly action?: string;
	readonly goto?: number;
	readonly nop?: null;
	readonly not?: null;
	readonly l3mdev?: null;
	readonly src?: string;
	readonly srclen?: number;
	readonly dst?: string;
	readonly dstlen?: number;
	readonly iif?: string;
	readonly oif?: string;
	readonly fwmark?: string;
	readonly fwmask?: string;
	readonly tos?: string;
	readonly dscp?: string;
	readonly ipproto?: string;
	readonly sport?: number;
	readonly sport_start?: number;
	readonly sport_end?: number;
	readonly dport?: number;
	readonly dport_start?: number;
	readonly dport_end?: number;
	readonly uid_start?: number;
	readonly tun_id?: number | string;
	readonly suppress_prefixlen?: number;
}

export interface IpNeighbour {
	readonly dst: string;
	readonly dev: string;
	readonly lladdr?: string;
	readonly state: readonly string[];
}

export interface IpNextHop {
	readonly id: number;
	readonly dev?: string;
	readonly gateway?: string;
	readonly via?: { readonly host: string };
	readonly blackhole?: null;
	readonly group?: readonly { readonly id: number; readonly weight?: number }[];
	readonly flags?: readonly string[];
}
