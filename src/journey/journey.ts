/** A journey: what happened to one packet, as plain data, whatever engine tried it. */
import type { fibResults, places } from '../datapath/layout.ts';
import type { Cause, DatapathOutcome, Drop } from './cause.ts';

/** What bpf_fib_lookup answered. */
export type FibResult = (typeof fibResults)[number];

/** Where a frame was seen; bpf/sighting.h says what each means. */
export type Place = 'sent' | (typeof places)[number];

/** What the datapath decided on a frame. */
export interface Decision {
	readonly outcome: DatapathOutcome;
	/** What the FIB said of the outer packet, if it was asked. */
	readonly fib?: {
		readonly result: FibResult;
		/** The egress device it named. */
		readonly device: string;
		/** The route's MTU in bytes, 0 where the kernel does not tell. */
		readonly mtu: number;
	};
	/** The program's return code: an XDP action or a TC verdict. */
	readonly verdict: number;
}

export interface Sighting {
	readonly place: Place;
	/** Nanoseconds since the packet was sent. */
	readonly after: number;
	readonly namespace: 'router' | 'host';
	readonly device: string;
	/** As much of the frame as was kept, from its Ethernet header on. */
	readonly frame: Uint8Array;
	/** The whole frame's length in bytes. */
	readonly length: number;
	/** It carries the packet; otherwise it is what the packet caused, such as an ARP request. */
	readonly packet: boolean;
	/** Where the datapath is done with a frame. */
	readonly decision?: Decision;
	/** Where the kernel dropped it. */
	readonly drop?: Drop;
}

/** How it ended. */
export type Outcome =
	| {
			readonly kind: 'forwarded';
			/** The far end's device it came out at. */
			readonly device: string;
			readonly frame: Uint8Array;
	  }
	| {
			/** The router itself is whom it is for: it reached the protocol or socket of the router's own. */
			readonly kind: 'delivered';
			/** The router's device it came in by. */
			readonly device: string;
			readonly frame: Uint8Array;
	  }
	| {
			readonly kind: 'dropped';
			/** The kernel's stack, or the datapath by its own decision. */
			readonly by: 'kernel' | 'datapath';
			readonly reason: string;
			readonly where: string;
			readonly cause: Cause;
	  }
	| {
			/** It neither arrived nor was seen dropped in that time. */
			readonly kind: 'vanished';
			readonly afterMilliseconds: number;
	  };

/** One thing that the kernel's input path asked of the packet and what it found; engines that can see it. */
export interface Step {
	/** The kernel function. */
	readonly where: string;
	/** The router's device it is about, where there is one. */
	readonly device?: string;
	/** In words a network engineer uses, without a full stop. */
	readonly text: string;
}

/** What the kernel does besides, for an operator to see. */
export interface Traces {
	/** Names of the counters that rise, as nstat has them: IpExtInNoRoutes, TcpExtIPReversePathFilter. */
	readonly counters: readonly string[];
	/** The line in the kernel's log, where log_martians or the like has it written. */
	readonly log?: string;
	/** The ICMP error sent back to the packet's source. */
	readonly icmp?: { readonly type: number; readonly code: number; readonly to: string };
}

export interface Journey {
	readonly engine: 'linux' | 'model';
	/** The kernel's release, such as 6.1.0. */
	readonly kernel: string;
	/** When the packet was sent, nanoseconds since 1970. */
	readonly sentAt: bigint;
	readonly sightings: readonly Sighting[];
	readonly outcome: Outcome;
	/** In order, from the engine `model`. */
	readonly steps?: readonly Step[];
	/** From the engine `model`; from `linux`, counters if it is asked for them, whatever made them rise. */
	readonly traces?: Traces;
	/** The other ends that are possible where the kernel chooses by chance, as among the ways of a multipath route. */
	readonly alternatives?: readonly Outcome[];
}
