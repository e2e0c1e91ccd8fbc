/** Entries of the datapath's map `outcomes` as plain data: bpf/outcome.h. */
import type { DatapathOutcome } from '../journey/cause.ts';
import { outcomeCountLayout, outcomes } from './layout.ts';

export interface OutcomeCount {
	readonly packets: bigint;
	/** As received, Ethernet headers included. */
	readonly bytes: bigint;
}

/** The key of an outcome's entry. */
export function outcomeKey(number: number): Uint8Array {
	return new Uint8Array(new Uint32Array([number]).buffer);
}

/**
 * The counters of all processors, summed; zeros left out.
 * @param valuesOf an entry's values, one processor's behind the other's
 */
export function sumOutcomes(
	valuesOf: (key: Uint8Array) => Uint8Array,
): ReadonlyMap<DatapathOutcome, OutcomeCount> {
	const counts = new Map<DatapathOutcome, OutcomeCount>();
	outcomes.forEach((outcome, number) => {
		const count = sumCounts(valuesOf(outcomeKey(number)));
		if (count.packets > 0n) counts.set(outcome, count);
	});
	return counts;
}

/** One counter of all processors: struct outcome_count, one behind the other. */
export function sumCounts(values: Uint8Array): OutcomeCount {
	const { size, packets, bytes } = outcomeCountLayout;
	const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
	const sum = (offset: number): bigint => {
		let total = 0n;
		for (let at = 0; at < values.length; at += size) total += view.getBigUint64(at + offset, true);
		return total;
	};
	return { packets: sum(packets.offset), bytes: sum(bytes.offset) };
}
