/** The kernel side's table, as its keys and their packets: struct drop_bucket of bpf/drop.h. */
import { dropKeyLayout, dropBucketLayout as layout } from '../datapath/layout.ts';

export interface TableContent {
	readonly entries: number;
	/** One after the other. */
	readonly keys: Uint8Array;
	/** By entry. */
	readonly packets: Float64Array;
}

const words = layout.size / 4;
const ways = layout.tags.size / 4;
const [tags, counts] = [layout.tags.offset / 4, layout.packets.offset / 4];

/** What stands in the buckets. A key can be there for each processor. */
export function tableContent(buckets: Uint8Array): TableContent {
	const all = new Uint32Array(buckets.buffer, buckets.byteOffset, buckets.length / 4);
	const used: { bucket: number; way: number }[] = [];
	for (let bucket = 0; bucket < all.length; bucket += words) {
		for (let way = 0; way < ways && all[bucket + tags + way] !== 0; way++) used.push({ bucket, way });
	}
	const keys = new Uint8Array(used.length * dropKeyLayout.size);
	const packets = new Float64Array(used.length);
	for (const [entry, { bucket, way }] of used.entries()) {
		const key = bucket * 4 + layout.keys.offset + way * dropKeyLayout.size;
		keys.set(buckets.subarray(key, key + dropKeyLayout.size), entry * dropKeyLayout.size);
		const count = bucket + counts + 2 * way;
		packets[entry] = (all[count] ?? 0) + (all[count + 1] ?? 0) * 2 ** 32;
	}
	return { entries: used.length, keys, packets };
}
