/** The kernel side's table, as its keys and their packets: struct drop_slot of bpf/drop.h. */
import { dropKeyLayout, dropSlotLayout as layout } from '../datapath/layout.ts';

export interface TableContent {
	readonly entries: number;
	/** One after the other. */
	readonly keys: Uint8Array;
	/** By entry. */
	readonly packets: Float64Array;
}

const words = layout.size / 4;
const hash = layout.hash.offset / 4;
const count = layout.packets.offset / 4;

/** What stands in the slots that are not free. A key can be there for each processor. */
export function tableContent(slots: Uint8Array): TableContent {
	const all = new Uint32Array(slots.buffer, slots.byteOffset, slots.length / 4);
	const used: number[] = [];
	for (let at = 0; at < all.length; at += words) {
		if (all[at + hash] !== 0 || all[at + hash + 1] !== 0) used.push(at);
	}
	const keys = new Uint8Array(used.length * dropKeyLayout.size);
	const packets = new Float64Array(used.length);
	for (const [entry, at] of used.entries()) {
		const key = at * 4 + layout.key.offset;
		keys.set(slots.subarray(key, key + dropKeyLayout.size), entry * dropKeyLayout.size);
		packets[entry] = (all[at + count] ?? 0) + (all[at + count + 1] ?? 0) * 2 ** 32;
	}
	return { entries: used.length, keys, packets };
}
