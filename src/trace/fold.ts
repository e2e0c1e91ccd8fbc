/** Keeps what a flood of different packets costs us low: only the most frequent keep their headers. */
import { dropKeyLayout as layout } from '../datapath/layout.ts';
import type { TableContent } from './table-content.ts';

/** How many keys of one table keep their headers, and of those that were met only once. */
const most = 1024;
const mostSingle = 128;

const headers = { from: layout.outerSource.offset, to: layout.namespace.offset } as const;
const words = layout.size / 4;

/** A place's key: one whose headers are blank. */
interface Place {
	readonly key: Uint8Array;
	readonly words: Uint32Array;
	packets: number;
}

/**
 * Give each key with its packets, the rarest of many without headers, together for each place. The key is a
 * view of bytes that stay as they are.
 */
export function foldRarest(
	{ entries, keys, packets }: TableContent,
	count: (key: Uint8Array, packets: number) => void,
): void {
	const sorted = packets.slice(0, entries).sort();
	const limit = entries <= most ? 0 : (sorted[entries - most] ?? 0);
	// Of those that are just frequent enough, as many as there is room for.
	let room = most - (entries - sorted.findLastIndex((number) => number <= limit) - 1);
	if (limit === 1) room = Math.min(room, mostSingle);
	const all = new Uint32Array(keys.buffer);
	const places: Place[] = [];
	for (let entry = 0; entry < entries; entry++) {
		const number = packets[entry] ?? 0;
		if (number > limit || (number === limit && room-- > 0)) {
			count(keys.subarray(entry * layout.size, (entry + 1) * layout.size), number);
			continue;
		}
		const place = places.find((each) => isSamePlace(each.words, all, entry * words));
		if (place !== undefined) {
			place.packets += number;
			continue;
		}
		const key = blank(keys.slice(entry * layout.size, (entry + 1) * layout.size));
		places.push({ key, words: new Uint32Array(key.buffer), packets: number });
	}
	for (const { key, packets } of places) count(key, packets);
}

const [location, namespace, device, reason, kind] = [
	...[layout.location, layout.namespace, layout.device, layout.reason, layout.ethertype],
].map(({ offset }) => offset / 4) as [number, number, number, number, number];

/** All but the headers: of the word with the ethertype, the upper half. */
function isSamePlace(place: Uint32Array, all: Uint32Array, at: number): boolean {
	return (
		place[location] === all[at + location] &&
		place[location + 1] === all[at + location + 1] &&
		place[namespace] === all[at + namespace] &&
		place[device] === all[at + device] &&
		place[reason] === all[at + reason] &&
		(place[kind] ?? 0) >>> 16 === (all[at + kind] ?? 0) >>> 16
	);
}

function blank(key: Uint8Array): Uint8Array {
	key.fill(0, headers.from, headers.to);
	key.fill(0, layout.ethertype.offset, layout.ethertype.offset + layout.ethertype.size);
	key.fill(0, layout.outerFamily.offset, layout.withoutHeaders.offset);
	key[layout.withoutHeaders.offset] = 1;
	return key;
}
