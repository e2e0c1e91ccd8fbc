/** The datapath's counters, one map for each hook: bpf/outcome.h. */
import type { DatapathOutcome } from '../journey/cause.ts';
import { lookupMap, mapInformation, possibleCpus, updateMap } from '../kernel/map.ts';
import { outcomeCountLayout, outcomes } from './layout.ts';

export interface OutcomeCount {
	readonly packets: bigint;
	/** As received, Ethernet headers included. */
	readonly bytes: bigint;
}

function keyOf(number: number): Uint8Array {
	return new Uint8Array(new Uint32Array([number]).buffer);
}

/** The counters of all processors, summed; zeros left out. */
export function readOutcomes(map: number): ReadonlyMap<DatapathOutcome, OutcomeCount> {
	const { size, packets, bytes } = outcomeCountLayout;
	const cpus = possibleCpus();
	const values = new Uint8Array(size * cpus);
	const view = new DataView(values.buffer);
	const sum = (offset: number): bigint => {
		let total = 0n;
		for (let cpu = 0; cpu < cpus; cpu++) total += view.getBigUint64(cpu * size + offset, true);
		return total;
	};
	const counts = new Map<DatapathOutcome, OutcomeCount>();
	outcomes.forEach((outcome, number) => {
		lookupMap(map, keyOf(number), values);
		const count = { packets: sum(packets.offset), bytes: sum(bytes.offset) };
		if (count.packets > 0n) counts.set(outcome, count);
	});
	return counts;
}

/**
 * Carry the counters of another version over into a new map: the list of outcomes only ever grows at its
 * end. Nothing is copied when a counter itself has another shape.
 */
export function copyOutcomes(from: number, to: number): void {
	const [old, now] = [mapInformation(from), mapInformation(to)];
	if (old.valueBytes !== now.valueBytes) return;
	const values = new Uint8Array(old.valueBytes * possibleCpus());
	for (let number = 0; number < Math.min(old.entries, now.entries); number++) {
		lookupMap(from, keyOf(number), values);
		updateMap(to, keyOf(number), values);
	}
}
