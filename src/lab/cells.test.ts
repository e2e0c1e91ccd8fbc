import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyChoice } from '../../test/support/journeys.ts';
import { cellKey, chooseCells, dimensions, quickOrder } from './cells.ts';

test('the table has 288 cells, each another, and the inner packet is IPv6', () => {
	const cells = chooseCells();
	expect(cells).toHaveLength(288);
	expect(new Set(cells.map(cellKey)).size).toBe(288);
	expect(new Set(cells.map(({ inner }) => inner))).toEqual(new Set(['ipv6']));
});

test('the first dimension changes slowest, the last fastest', () => {
	const cells = chooseCells();
	expect(cells.slice(0, 3)).toMatchObject([
		{ hook: 'xdp', outer: 'ipv4', forwarding: 'stack', source: 'local', rpFilter: 0, acceptLocal: 0 },
		{ rpFilter: 0, acceptLocal: 0, neighbour: 'unknown' },
		{ rpFilter: 0, acceptLocal: 1, neighbour: 'known' },
	]);
	expect(cells.findIndex(({ hook }) => hook === 'tc')).toBe(144);
});

test('a choice leaves exactly the cells whose values are all chosen, in the order of the table', () => {
	fc.assert(
		fc.property(anyChoice, (choice) => {
			const whole = chooseCells({ inner: dimensions.inner });
			const expected = whole.filter((cell) =>
				Object.entries(choice).every(([name, values]) =>
					(values as readonly unknown[]).includes(cell[name as keyof typeof cell]),
				),
			);
			expect(chooseCells(choice)).toEqual(expected);
		}),
		{ numRuns: 30 },
	);
});

test('a value given twice, or in another order, changes nothing', () => {
	const once = chooseCells({ rpFilter: [0, 2], hook: ['tc'] });
	expect(chooseCells({ hook: ['tc', 'tc'], rpFilter: [2, 0, 2] })).toEqual(once);
});

test('the quick order is the same cells, and each program is attached once', () => {
	fc.assert(
		fc.property(anyChoice, (choice) => {
			const cells = chooseCells(choice);
			const quick = quickOrder(cells);
			expect(quick.map(cellKey).toSorted()).toEqual(cells.map(cellKey).toSorted());
			const programs = quick.map(({ hook, forwarding }) => `${hook} ${forwarding}`);
			const runs = programs.filter((program, index) => program !== programs[index - 1]);
			expect(runs.length).toBe(new Set(programs).size);
		}),
		{ numRuns: 30 },
	);
});
