/**
 * A scenario: everything that decides a packet's fate, as plain data. Two hosts: the router, which is
 * under test, and the host at the far end of each of the router's links.
 */
import type { Tunnel } from '../tunnel/tunnel.ts';

export type Hook = 'xdp' | 'tc';

/** How an encapsulated packet goes on: up the stack, or redirected where the FIB says. */
export type Forwarding = 'stack' | 'fib';

export interface Device {
	/** Ethernet address, aa:bb:cc:dd:ee:ff. */
	readonly mac: string;
	/** Addresses with the length of their on-link prefix: `10.11.1.2/24`. */
	readonly addresses: readonly string[];
}

export interface Neighbour {
	readonly device: string;
	readonly address: string;
	readonly mac: string;
}

export interface Host {
	/** Ethernet devices by name; each is one end of a link. */
	readonly devices: Readonly<Record<string, Device>>;
	/** Permanent neighbour entries; any other is unknown and must be resolved. */
	readonly neighbours: readonly Neighbour[];
	/** Values that differ from a new namespace's, by full name: `net.ipv4.conf.veth0.rp_filter`. */
	readonly sysctls: Readonly<Record<string, number>>;
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
	readonly datapath: Datapath;
	readonly packet: {
		/** The router's device it comes in on. */
		readonly device: string;
		/** From its Ethernet header on, without a frame check sequence. */
		readonly frame: Uint8Array;
	};
}
