/** The options that choose cells: one for each dimension of the lab's table. */
import type { FlagParametersForType } from '@stricli/core';
import { EncapForwardError } from '../error.ts';
import { type Choice, chooseCells } from '../lab/cells.ts';
import type { Cell } from '../scenario/example.ts';

const hooks = ['xdp', 'tc'] as const;
const families = ['ipv4', 'ipv6'] as const;
const forwardings = ['stack', 'fib'] as const;
const sources = ['local', 'other-device', 'unrouted'] as const;
const rpFilters = ['0', '1', '2'] as const;
const acceptLocals = ['0', '1'] as const;
const neighbours = ['known', 'unknown'] as const;

export interface CellFlags {
	readonly hook?: readonly (typeof hooks)[number][];
	readonly outer?: readonly (typeof families)[number][];
	readonly inner?: readonly (typeof families)[number][];
	readonly forwarding?: readonly (typeof forwardings)[number][];
	readonly source?: readonly (typeof sources)[number][];
	readonly rpFilter?: readonly (typeof rpFilters)[number][];
	readonly acceptLocal?: readonly (typeof acceptLocals)[number][];
	readonly neighbour?: readonly (typeof neighbours)[number][];
}

function choice<const Value extends string>(values: readonly Value[], brief: string) {
	return { kind: 'enum', values, brief, optional: true, variadic: true } as const;
}

/** For commands that take several cells: each option may be repeated. */
export const cellFlags: FlagParametersForType<CellFlags> = {
	hook: choice(hooks, 'Where the datapath is'),
	outer: choice(families, 'Family of the outer header'),
	inner: choice(families, 'Family of the packet that is encapsulated; ipv6 if not given'),
	forwarding: choice(forwardings, 'How the packet goes on: up the stack, or redirected by the FIB'),
	source: choice(sources, "Outer source: the router's own, one of the egress link's, or one without a route"),
	rpFilter: choice(rpFilters, 'net.ipv4.conf.veth0.rp_filter'),
	acceptLocal: choice(acceptLocals, 'net.ipv4.conf.veth0.accept_local'),
	neighbour: choice(neighbours, 'Whether the next hop is known beforehand'),
};

function choiceOf(flags: CellFlags): Choice {
	const { hook, outer, inner, forwarding, source, neighbour } = flags;
	const rpFilter = flags.rpFilter?.map(Number);
	const acceptLocal = flags.acceptLocal?.map(Number);
	const choice = { hook, outer, inner, forwarding, source, rpFilter, acceptLocal, neighbour };
	return Object.fromEntries(Object.entries(choice).filter(([, values]) => values !== undefined)) as Choice;
}

/** The cells that the options leave. */
export function cellsOf(flags: CellFlags): Cell[] {
	return chooseCells(choiceOf(flags));
}

/** The public example as it stands: its packet is dropped. */
const exampleCell: Choice = {
	hook: ['xdp'],
	outer: ['ipv4'],
	forwarding: ['stack'],
	source: ['local'],
	rpFilter: [2],
	acceptLocal: [0],
	neighbour: ['unknown'],
};

/** For commands that take one cell: the example's own where an option is not given. */
export function cellOf(flags: CellFlags): Cell {
	for (const [name, values] of Object.entries(choiceOf(flags))) {
		if (new Set<unknown>(values).size > 1) {
			const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
			throw new EncapForwardError(
				'EF_CONTRADICTION',
				`--${option} is given with different values, but the lab has one: give one`,
			);
		}
	}
	const [cell] = chooseCells({ ...exampleCell, ...choiceOf(flags) });
	if (cell === undefined) throw new EncapForwardError('EF_BUG', 'no cell is left');
	return cell;
}
