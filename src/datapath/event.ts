/** An event of the ring buffer as plain data: struct sighting of bpf/sighting.h. */
import type { DatapathOutcome } from '../journey/cause.ts';
import type { FibResult, Place } from '../journey/journey.ts';
import { fibResults, sightingLayout as layout, outcomes, places } from './layout.ts';

export interface Event {
	/** Nanoseconds of CLOCK_MONOTONIC. */
	readonly time: bigint;
	readonly place: Exclude<Place, 'sent'>;
	/** Inode number of the network namespace; 0 from the datapath. */
	readonly namespace: number;
	/** ifindex */
	readonly device: number;
	/** The whole frame's length in bytes. */
	readonly length: number;
	/** A copy of what was captured of it. */
	readonly frame: Uint8Array;
	/** Drop: the kernel's number for the reason, and the address of the code that dropped. */
	readonly reason: number;
	readonly location: bigint;
	/** Drop: errno of the packet's route, positive; 0 if it has none or a good one. */
	readonly routeError: number;
	/** Datapath, done with a frame. */
	readonly outcome: DatapathOutcome;
	readonly verdict: number;
	/** What bpf_fib_lookup answered; a negative number is its error. */
	readonly fib: { readonly result: FibResult; readonly device: number; readonly mtu: number } | undefined;
}

export const eventSize: number = layout.size;

export function decodeEvent(bytes: Uint8Array): Event {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const fib = view.getInt8(layout.fib.offset);
	const start = layout.bytes.offset;
	return {
		time: view.getBigUint64(layout.time.offset, true),
		place: places[view.getUint8(layout.place.offset)] ?? 'drop',
		namespace: view.getUint32(layout.namespace.offset, true),
		device: view.getUint32(layout.device.offset, true),
		length: view.getUint32(layout.length.offset, true),
		frame: new Uint8Array(bytes.subarray(start, start + view.getUint16(layout.captured.offset, true))),
		reason: view.getUint32(layout.reason.offset, true),
		location: view.getBigUint64(layout.location.offset, true),
		routeError: view.getUint8(layout.routeError.offset),
		outcome: outcomes[view.getUint8(layout.outcome.offset)] ?? 'fib-error',
		verdict: view.getInt8(layout.verdict.offset),
		fib:
			fib === -1
				? undefined
				: {
						result: fibResults[fib] ?? 'not-fwded',
						device: view.getUint32(layout.egress.offset, true),
						mtu: view.getUint16(layout.mtu.offset, true),
					},
	};
}
