import { expect, test } from 'vitest';
import { shrink } from './shrink.ts';

const none = new Set<string>();

test('what does not matter is left out, what matters stays', async () => {
	const value = {
		list: [1, 2, 3, 4, 5, 6, 7, 8, 9],
		record: { a: 1, b: { c: 5, d: [7] }, e: 'text' },
		bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
	};
	const smallest = await shrink(
		value,
		async ({ list, record, bytes }) =>
			list?.includes(7) === true && record?.b?.c === 5 && bytes !== undefined && bytes.length > 2,
		{ required: none },
	);
	expect(smallest).toEqual({ list: [7], record: { b: { c: 5 } }, bytes: Uint8Array.of(1, 2, 3) });
});

test('what is required is never left out, and numbers become 0', async () => {
	const seen: unknown[] = [];
	const smallest = await shrink(
		[{ name: 'a', size: 9, more: true }],
		async (candidate) => {
			seen.push(...candidate);
			return candidate.length === 1;
		},
		{ required: new Set(['name', 'size']) },
	);
	expect(smallest).toEqual([{ name: 'a', size: 0 }]);
	for (const each of seen) expect(each).toMatchObject({ name: 'a' });
});

test('other forms are tried first; it ends where it is told to', async () => {
	let asked = 0;
	const smallest = await shrink(
		{ a: [1, 2, 3], b: 1 },
		async () => {
			asked++;
			return false;
		},
		{ required: none, limit: 3, also: () => [{ a: [], b: 0 }] },
	);
	expect(smallest).toEqual({ a: [1, 2, 3], b: 1 });
	expect(asked).toBe(3);
	expect(
		await shrink({ a: 1 }, async () => true, { required: none, also: ({ a }) => (a ? [{ a: 0 }] : []) }),
	).toEqual({});
});
