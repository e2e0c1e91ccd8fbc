/** A network device of the router (struct net_device), with its IPv4 and IPv6 configuration. */
import type { Ipv4Devconf, Ipv6Devconf } from './devconf.ts';

export interface NetDevice {
	readonly name: string;
	/** As the kernel numbers them: the loopback device is 1. */
	readonly ifindex: number;
	readonly mac: Uint8Array;
	/** Bytes of the longest IP packet. */
	readonly mtu: number;
	readonly up: boolean;
	readonly carrier: boolean;
	readonly loopback: boolean;
	/** IFF_NOARP: nobody on its link is asked for an Ethernet address. */
	readonly noArp: boolean;
	/** It is a VLAN device on this one. */
	readonly vlan?: { readonly device: NetDevice; readonly id: number };
	/** The VRF device it belongs to: its l3mdev master. */
	readonly master?: NetDevice;
	/** It is a VRF device itself, with this table. */
	readonly table?: number;
	/** The far end of its cable. */
	readonly far?: { readonly name: string; readonly mtu: number };
	/** In the order they were given; 32-bit numbers. `primary` is the first address of the same subnet. */
	readonly ipv4: readonly { readonly address: number; readonly length: number; readonly primary: number }[];
	/** Link-local ones too; empty where IPv6 is off. */
	readonly ipv6: readonly {
		readonly address: Uint8Array;
		readonly length: number;
		readonly network: Uint8Array;
	}[];
	readonly conf4: Ipv4Devconf;
	/** Undefined where the device has no IPv6 at all: its MTU is less than 1280. */
	readonly conf6: Ipv6Devconf | undefined;
}

export const loopbackIfindex = 1;

/** The device's own number where it is no part of a VRF, as l3mdev_master_ifindex_rcu: 0. */
export function masterIfindex(device: NetDevice): number {
	return device.table !== undefined ? device.ifindex : (device.master?.ifindex ?? 0);
}

/** The table of the VRF that a device is or belongs to (l3mdev_fib_table). */
export function vrfTable(device: NetDevice): number | undefined {
	return device.table ?? device.master?.table;
}
