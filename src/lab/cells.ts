/** The lab's table: every combination of what the example leaves open, or a part of it. */
import type { Cell } from '../scenario/example.ts';

type Values = { readonly [Dimension in keyof Cell]: readonly Cell[Dimension][] };

/** Every value of every dimension, in the order they are shown. */
export const dimensions: Values = {
	hook: ['xdp', 'tc'],
	outer: ['ipv4', 'ipv6'],
	inner: ['ipv6', 'ipv4'],
	forwarding: ['stack', 'fib'],
	source: ['local', 'other-device', 'unrouted'],
	rpFilter: [0, 1, 2],
	acceptLocal: [0, 1],
	neighbour: ['known', 'unknown'],
};

/** Values to try of each dimension; those not given are all tried, but the inner family, which is IPv6. */
export type Choice = Partial<Values>;

/** The cells of a choice, the first dimension slowest. */
export function chooseCells(choice: Choice = {}): Cell[] {
	const chosen = { ...dimensions, inner: ['ipv6'], ...choice } as Values;
	let cells: Partial<Cell>[] = [{}];
	for (const name of Object.keys(dimensions) as (keyof Cell)[]) {
		const values = dimensions[name].filter((value) => (chosen[name] as readonly unknown[]).includes(value));
		cells = cells.flatMap((cell) => values.map((value) => ({ ...cell, [name]: value })));
	}
	return cells as Cell[];
}

/** A cell as a key that is the same for equal cells. */
export function cellKey(cell: Cell): string {
	return Object.keys(dimensions)
		.map((name) => cell[name as keyof Cell])
		.join(' ');
}

/**
 * The order in which trying is quick: what costs most to change changes least often, which is the hook
 * and the program, then whether the next hop has to be unknown again.
 */
export function quickOrder(cells: readonly Cell[]): Cell[] {
	const rank = (cell: Cell): string =>
		[cell.hook, cell.forwarding, cell.neighbour, cell.outer, cell.source, cell.inner].join(' ');
	return cells.toSorted((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
}
