/** Rows put together by what dropped them, why, and at which device. */
import type { TracedDrop } from './drop.ts';
import type { Row } from './tally.ts';
import { deviceText, reasonText } from './words.ts';

/** What one place drops for one reason. */
export interface Place {
	/** Tells it from others. */
	readonly key: string;
	/** One of its drops: what is said of it but the headers holds for all. */
	readonly drop: TracedDrop;
	readonly packets: number;
	/** Most first. */
	readonly rows: readonly Row[];
}

export function placeKey(drop: TracedDrop): string {
	return `${reasonText(drop)} ${deviceText(drop)}`;
}

/** Most first. */
export function placesOf(rows: readonly Row[]): Place[] {
	const places = new Map<string, { key: string; drop: TracedDrop; packets: number; rows: Row[] }>();
	for (const row of rows) {
		const key = placeKey(row.drop);
		const place = places.get(key) ?? { key, drop: row.drop, packets: 0, rows: [] };
		place.packets += row.packets;
		place.rows.push(row);
		places.set(key, place);
	}
	return [...places.values()].sort((a, b) => b.packets - a.packets);
}
