import { expect, test } from 'vitest';
import { chooseCells, dimensions } from '../lab/cells.ts';
import { cellFlags, cellOf, cellsOf } from './cell-flags.ts';

test('there is an option for every dimension, with every value of it', () => {
	expect(Object.keys(cellFlags).toSorted()).toEqual(Object.keys(dimensions).toSorted());
	for (const [name, flag] of Object.entries(cellFlags)) {
		const values = dimensions[name as keyof typeof dimensions].map(String);
		expect((flag as { values: readonly string[] }).values.toSorted()).toEqual(values.toSorted());
	}
});

test('no option leaves the whole table', () => {
	expect(cellsOf({})).toEqual(chooseCells());
});

test('options narrow it, each value of an option given more than once counts', () => {
	const cells = cellsOf({ hook: ['tc'], rpFilter: ['0', '2'], acceptLocal: ['1'], inner: ['ipv4'] });
	expect(cells).toEqual(chooseCells({ hook: ['tc'], rpFilter: [0, 2], acceptLocal: [1], inner: ['ipv4'] }));
	expect(cells).toHaveLength(48);
	expect(cells[0]?.rpFilter).toBe(0);
});

test('one cell: the example as it stands where nothing is said', () => {
	expect(cellOf({})).toEqual({
		hook: 'xdp',
		outer: 'ipv4',
		inner: 'ipv6',
		forwarding: 'stack',
		source: 'local',
		rpFilter: 2,
		acceptLocal: 0,
		neighbour: 'unknown',
	});
	expect(cellOf({ hook: ['tc'], rpFilter: ['1'] })).toMatchObject({ hook: 'tc', rpFilter: 1, outer: 'ipv4' });
	expect(cellOf({ hook: ['tc', 'tc'] })).toMatchObject({ hook: 'tc' });
});

test.each([
	[{ hook: ['xdp', 'tc'] }, '--hook '],
	[{ rpFilter: ['0', '1'] }, '--rp-filter '],
	[{ acceptLocal: ['0', '1'] }, '--accept-local '],
	[{ inner: ['ipv4', 'ipv6'] }, '--inner '],
] as const)('one cell: %j contradicts itself', (flags, option) => {
	expect(() => cellOf(flags)).toThrow(
		expect.objectContaining({ code: 'EF_CONTRADICTION', message: expect.stringContaining(option) }),
	);
});
