/** One packet's way through the model: what is noted of it on the way, and how it ends. */
import type { Cause } from '../../journey/cause.ts';
import type { Outcome, Sighting, Step } from '../../journey/journey.ts';
import { type Kernel, type Reason, reasonName } from './kernel.ts';
import type { Bytes } from './net/core/address.ts';
import type { NetDevice } from './net/core/device.ts';
import type { Net } from './net/core/net.ts';
import type { Skb } from './net/core/skb.ts';

/** Why and where the kernel frees a packet. */
export interface Refusal {
	/** What the newest kernel says. */
	readonly reason: Reason;
	readonly where: string;
	readonly cause: Cause;
	/** Counters that rise (nstat). */
	readonly counters?: readonly string[];
	/** The version from which the reason is given here, where that is later than elsewhere. */
	readonly since?: number;
}

export interface Icmp {
	readonly type: number;
	readonly code: number;
	readonly to: string;
}

/** How long a sender waits for a packet's end before it counts as vanished; what the linux engine waits. */
const patienceMilliseconds = 5000;

/** What the model says of the time that a step takes, in nanoseconds: only their order means anything. */
const stepNanoseconds = 1000;

export class Walk {
	readonly net: Net;
	/** The host at the far ends, which answers for its addresses. */
	readonly far: () => Net;
	readonly sightings: Sighting[] = [];
	readonly steps: Step[] = [];
	readonly counters: string[] = [];
	log: string | undefined;
	icmp: Icmp | undefined;
	/** The next hop that an ICMP error waits for, by its neighbour's key. */
	icmpNextHop: string | undefined;
	/** Nanoseconds since the packet was sent. */
	time = 0;
	/** What a clock says when it is sent, in nanoseconds. */
	readonly start: number;
	/** How often the packet went through the whole of a device's input, to stop what never ends. */
	received = 0;
	readonly #choices: readonly number[];
	/** How many ways there were at each choice that the kernel makes at random. */
	readonly ways: number[] = [];

	constructor(net: Net, far: () => Net, start = 0, choices: readonly number[] = []) {
		this.net = net;
		this.far = far;
		this.start = start;
		this.#choices = choices;
	}

	get kernel(): Kernel {
		return this.net.kernel;
	}

	/** One of so many: what the kernel decides by a hash that nobody can foretell. */
	choose(ways: number): number {
		if (ways < 2) return 0;
		const choice = this.#choices[this.ways.length] ?? 0;
		this.ways.push(ways);
		return choice;
	}

	step(where: string, device: NetDevice | undefined, text: string): void {
		this.steps.push(device === undefined ? { where, text } : { where, device: device.name, text });
	}

	count(...names: readonly string[]): void {
		this.counters.push(...names);
	}

	/** Note a frame: whoever changes one changes a copy. */
	see(
		sighting: Pick<Sighting, 'place'> &
			Partial<Sighting> & { readonly device: string; readonly frame: Bytes },
	): void {
		this.time += stepNanoseconds;
		this.sightings.push({
			after: this.time,
			namespace: 'router',
			length: sighting.frame.length,
			packet: true,
			...sighting,
		});
	}

	/** The kernel frees the packet (kfree_skb_reason). */
	drop(skb: Skb, { reason, where, cause, counters = [], since = 0 }: Refusal): Outcome {
		const named = this.kernel.version < since ? 'NOT_SPECIFIED' : reasonName(this.kernel, reason);
		const drop = { reason: named, where };
		this.see({ place: 'drop', device: skb.device.name, frame: skb.data, drop });
		this.count(...counters);
		return { kind: 'dropped', by: 'kernel', ...drop, cause };
	}

	/** The host itself takes the packet. */
	deliver(skb: Skb): Outcome {
		this.see({ place: 'delivered', device: skb.device.name, frame: skb.data });
		return { kind: 'delivered', device: skb.device.name, frame: skb.data };
	}

	/** Nothing more is seen of it, and the kernel does not say why. */
	vanish(): Outcome {
		return { kind: 'vanished', afterMilliseconds: patienceMilliseconds };
	}
}
