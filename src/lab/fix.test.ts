import { expect, test } from 'vitest';
import { cellOf } from '../../test/support/journeys.ts';
import { acceptLocalSysctl, type Cell, rpFilterSysctl } from '../scenario/example.ts';
import { chooseCells } from './cells.ts';
import { changes, sysctlVariants } from './fix.ts';

test('one change comes before two, and loose before off', () => {
	const cell = cellOf({ rpFilter: [1], acceptLocal: [0] });
	const order = sysctlVariants(cell).map(({ rpFilter, acceptLocal }) => `${rpFilter} ${acceptLocal}`);
	expect(order.slice(0, 3).toSorted()).toEqual(['0 0', '1 1', '2 0']);
	expect(order.indexOf('2 0')).toBeLessThan(order.indexOf('0 0'));
	expect(order.slice(3)).toEqual(['2 1', '0 1']);
});

test('every cell has the five others of its sysctls as variants, and nothing else differs', () => {
	for (const cell of chooseCells()) {
		const variants = sysctlVariants(cell);
		const counts = variants.map((variant) => changes(cell, variant).length);
		expect(counts).toEqual([1, 1, 1, 2, 2]);
		expect(new Set(variants.map(({ rpFilter, acceptLocal }) => `${rpFilter} ${acceptLocal}`)).size).toBe(5);
		for (const variant of variants) {
			expect({ ...variant, rpFilter: cell.rpFilter, acceptLocal: cell.acceptLocal }).toEqual(cell);
		}
	}
});

function applied(cell: Cell, list: ReturnType<typeof changes>): Cell {
	const values: Record<string, number> = {
		[rpFilterSysctl]: cell.rpFilter,
		[acceptLocalSysctl]: cell.acceptLocal,
	};
	for (const { sysctl, from, to } of list) {
		expect(values[sysctl]).toBe(from);
		values[sysctl] = to;
	}
	return { ...cell, rpFilter: values[rpFilterSysctl], acceptLocal: values[acceptLocalSysctl] } as Cell;
}

test('the changes applied to a cell give the variant', () => {
	for (const cell of chooseCells()) {
		expect(changes(cell, cell)).toEqual([]);
		for (const variant of sysctlVariants(cell)) {
			expect(applied(cell, changes(cell, variant))).toEqual(variant);
		}
	}
});
