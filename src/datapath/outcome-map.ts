/** The datapath's counters in the kernel, one map for each hook. */
import type { DatapathOutcome } from '../journey/cause.ts';
import { lookupMap, mapInformation, possibleCpus, updateMap } from '../kernel/map.ts';
import { outcomeCountLayout } from './layout.ts';
import { type OutcomeCount, outcomeKey, sumOutcomes } from './outcome-count.ts';

/** The counters of all processors, summed; zeros left out. */
export function readOutcomes(map: number): ReadonlyMap<DatapathOutcome, OutcomeCount> {
	const values = new Uint8Array(outcomeCountLayout.size * possibleCpus());
	return sumOutcomes((key) => {
		lookupMap(map, key, values);
		return values;
	});
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
		const key = outcomeKey(number);
		lookupMap(from, key, values);
		updateMap(to, key, values);
	}
}
