/**
 * A scenario: everything that decides a packet's fate, as plain data. Two hosts: the router, which is
 * under test, and the host at the far end of each of the router's links.
 */
import type { Family } from '../packet/address.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';

export type Hook = 'xdp' | 'tc';

/** How an encapsulated packet goes on: up the stack, or redirected where the FIB says. */
export type Forwarding = 'stack' | 'fib';

export interface Device {
	/** Ethernet address, aa:bb:cc:dd:ee:ff. */
	readonly mac: string;
	/** Addresses with the length of their on-link prefix: `10.11.1.2/24`. */
	readonly addresses: readonly string[];
	/** Bytes of the longest IP packet; 1500 if not given. */
	readonly mtu?: number;
	/** Whether it is set up; true if not given. */
	readonly up?: boolean;
	/** Whether it has a carrier; true if not given. */
	readonly carrier?: boolean;
	/** It is a VLAN device on another device of the host, and no end of a link itself. */
	readonly vlan?: { readonly device: string; readonly id: number };
	/** The VRF device it belongs to. */
	readonly vrf?: string;
	/** Whether neighbours on its link have to be found out; true if not given. A tunnel's have not (NOARP). */
	readonly arp?: boolean;
}

export interface Neighbour {
	readonly device: string;
	readonly address: string;
	/** Undefined where the entry has none, as one that has failed. */
	readonly mac?: string;
	/** The kernel's state (ip-neighbour(8)); `permanent` if not given. */
	readonly state?:
		| 'permanent'
		| 'noarp'
		| 'reachable'
		| 'stale'
		| 'delay'
		| 'probe'
		| 'incomplete'
		| 'failed';
}

export type RouteType =
	| 'unicast'
	| 'local'
	| 'broadcast'
	| 'anycast'
	| 'multicast'
	| 'blackhole'
	| 'unreachable'
	| 'prohibit'
	| 'throw';

export interface NextHop {
	readonly device: string;
	/** The gateway, of either family (RFC 5549); undefined for an on-link route. */
	readonly via?: string;
	/** 1 to 256; 1 if not given. */
	readonly weight?: number;
	/** `onlink`: the gateway is taken to be reachable by the device, whatever the addresses say. */
	readonly onlink?: boolean;
}

export interface Route {
	readonly family: Family;
	/** A prefix; `0.0.0.0/0` or `::/0` for the default route. */
	readonly destination: string;
	/** `unicast` if not given. */
	readonly type?: RouteType;
	/** Number of the table; 254, `main`, if not given. */
	readonly table?: number;
	/** Its ways: more than one for a multipath route; none for a type that has none. */
	readonly nextHops?: readonly NextHop[];
	/** The id of a next-hop object in place of `nextHops`. */
	readonly nextHopObject?: number;
	/** Less is preferred; 0 if not given (the kernel makes that 1024 for IPv6). */
	readonly metric?: number;
	/** The route's own MTU in bytes, and whether it is locked. */
	readonly mtu?: number;
	readonly mtuLocked?: boolean;
	/** TOS of the packets it is for (IPv4); any if not given. */
	readonly tos?: number;
	/** Source prefix of the packets it is for (IPv6). */
	readonly from?: string;
	/** Preferred source address of what the host itself sends. */
	readonly source?: string;
	/** It has a lightweight tunnel of its own (`encap …`). */
	readonly lightweightTunnel?: boolean;
	/** The kernel made it of an address (`proto kernel`); only where `allRoutes` is set. */
	readonly kernel?: boolean;
}

/** A next-hop object (`ip nexthop`): one way, or a group of others by id. */
export interface NextHopObject {
	readonly id: number;
	readonly family: Family;
	readonly nextHop?: NextHop;
	readonly group?: readonly { readonly id: number; readonly weight?: number }[];
	readonly blackhole?: boolean;
}

export interface Rule {
	readonly family: Family;
	/** Less is asked first. */
	readonly priority: number;
	/** What it does with a packet that it matches. */
	readonly action: 'lookup' | 'blackhole' | 'unreachable' | 'prohibit' | 'goto' | 'nop';
	/** Of `lookup`. */
	readonly table?: number;
	/** Of `goto`: the priority to go on at. */
	readonly goto?: number;
	/** It matches what the rest does not. */
	readonly invert?: boolean;
	readonly from?: string;
	readonly to?: string;
	readonly iif?: string;
	readonly oif?: string;
	readonly tos?: number;
	readonly mark?: number;
	/** 0xffffffff if not given. */
	readonly markMask?: number;
	readonly protocol?: number;
	readonly sourcePorts?: readonly [number, number];
	readonly destinationPorts?: readonly [number, number];
	/** It matches packets whose device belongs to a VRF (`l3mdev`). */
	readonly vrf?: boolean;
	/** Of `lookup`: a route whose prefix is not longer than this does not count. */
	readonly suppressPrefixLength?: number;
}

export interface Host {
	/** Ethernet devices by name; each is one end of a link, but for VLAN devices. */
	readonly devices: Readonly<Record<string, Device>>;
	/** Neighbour entries; any other is unknown and must be resolved. */
	readonly neighbours: readonly Neighbour[];
	/**
	 * Values that differ from a new namespace's, by full name: `net.ipv4.conf.veth0.rp_filter`; as they stand in
	 * the end, so that one of a device goes before one of `all` that the kernel copies to every device.
	 */
	readonly sysctls: Readonly<Record<string, number>>;
	/** VRF devices by name, with the table of each. */
	readonly vrfs?: Readonly<Record<string, number>>;
	/** Routes beside those that the kernel makes of addresses. */
	readonly routes?: readonly Route[];
	/** `routes` are all there are: those that the kernel makes of addresses are among them. */
	readonly allRoutes?: boolean;
	readonly nextHopObjects?: readonly NextHopObject[];
	/**
	 * All rules of a family, in place of those that the kernel starts with (0 local, 32766 main, 32767 default);
	 * a family of which none is given has those.
	 */
	readonly rules?: readonly Rule[];
	/**
	 * Whether an IPv4 rule was ever added or deleted, which the kernel remembers for as long as the namespace
	 * lives (fib_has_custom_rules) and shows to nobody. If not given, as `rules` suggests.
	 */
	readonly everHadRules?: boolean;
	/** Sockets that take packets to the host: by IP protocol, 6 or 17, and port. None if not given. */
	readonly sockets?: readonly { readonly protocol: number; readonly port: number }[];
}

/** A cable from a device of the router to one of the host. */
export interface Link {
	readonly router: string;
	readonly host: string;
}

export interface Datapath {
	readonly hook: Hook;
	readonly forwarding: Forwarding;
	/** The router's device it is attached to. */
	readonly device: string;
	readonly tunnels: readonly Tunnel[];
}

export interface Scenario {
	readonly router: Host;
	readonly host: Host;
	readonly links: readonly Link[];
	/** None: the packet meets the kernel alone. */
	readonly datapath?: Datapath;
	/** Release of the kernel to model, such as 6.1.0; engines that have a kernel take theirs. */
	readonly kernel?: string;
	readonly packet: {
		/** The router's device it comes in on. */
		readonly device: string;
		/** From its Ethernet header on, without a frame check sequence. */
		readonly frame: Uint8Array;
		/** The mark that a program or a firewall rule gives it before it is routed; 0 if not given. */
		readonly mark?: number;
	};
}
