import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dropKeyLayout as layout } from '../datapath/layout.ts';
import { foldRarest } from './fold.ts';
import { decodeDropKey } from './key.ts';

/** A key of a place, with an inner source that tells it from others. */
function keyOf(place: number, source: number): Uint8Array {
	const key = new Uint8Array(layout.size);
	const view = new DataView(key.buffer);
	view.setBigUint64(layout.location.offset, 0xffffffff81000000n + BigInt(place & 1), true);
	view.setUint32(layout.namespace.offset, 4026531840 + (place & 2), true);
	view.setUint32(layout.device.offset, 1 + (place & 4), true);
	view.setUint32(layout.reason.offset, 2 + (place & 8), true);
	view.setUint8(layout.routeError.offset, place & 16);
	view.setUint16(layout.ethertype.offset, 0x0800);
	view.setUint8(layout.outerFamily.offset, 2);
	view.setUint32(layout.outerSource.offset, source);
	return key;
}

function fold(entries: readonly (readonly [key: Uint8Array, packets: number])[]) {
	const keys = new Uint8Array(entries.length * layout.size);
	for (const [index, [key]] of entries.entries()) keys.set(key, index * layout.size);
	const packets = Float64Array.from(entries, ([, number]) => number);
	const given: { key: Uint8Array; packets: number }[] = [];
	foldRarest({ entries: entries.length, keys, packets }, (key, number) =>
		given.push({ key: key.slice(), packets: number }),
	);
	return given;
}

test('a thousand keys stay as they are', () => {
	const entries = Array.from({ length: 1024 }, (_, index) => [keyOf(0, index), index + 1] as const);
	expect(fold(entries)).toEqual(entries.map(([key, packets]) => ({ key, packets })));
});

test('of more, the most frequent keep their headers, the others are counted by place, and none is lost', () => {
	fc.assert(
		fc.property(
			fc.array(fc.tuple(fc.nat(31), fc.nat(1_000_000)), { minLength: 1, maxLength: 3000, size: 'max' }),
			(drops) => {
				const given = fold(drops.map(([place, packets], index) => [keyOf(place, index), packets] as const));
				const sum = given.reduce((total, { packets }) => total + packets, 0);
				expect(sum).toBe(drops.reduce((total, [, packets]) => total + packets, 0));
				const decoded = given.map(({ key, packets }) => ({ ...decodeDropKey(key), packets }));
				const kept = decoded.filter(({ tooMany }) => !tooMany);
				expect(kept).toHaveLength(Math.min(1024, drops.length));
				const places = decoded.filter(({ tooMany }) => tooMany);
				const place = ({ location, namespace, device, reason, routeError }: (typeof places)[number]) =>
					[location, namespace, device, reason, routeError].join(' ');
				expect(new Set(places.map(place)).size).toBe(places.length);
				expect(places.every(({ headers }) => headers === undefined)).toBe(true);
			},
		),
		{ numRuns: 30 },
	);
});

test('the most frequent are kept', () => {
	const entries = Array.from(
		{ length: 5000 },
		(_, index) => [keyOf(3, index), index % 5 === 0 ? 9 : 1] as const,
	);
	const given = fold(entries);
	expect(given.filter(({ packets }) => packets === 9)).toHaveLength(1000);
	expect(given.at(-1)).toMatchObject({ packets: 4000 - 24 });
});

test('of a flood in which every packet is another, a few are kept as examples', () => {
	const entries = Array.from({ length: 4096 }, (_, index) => [keyOf(5, index), 1] as const);
	const given = fold(entries);
	expect(given).toHaveLength(128 + 1);
	expect(given.at(-1)).toMatchObject({ packets: 4096 - 128 });
});
