/** The smallest change of sysctls that gets a dropped cell through, as the table itself shows. */
import { acceptLocalSysctl, type Cell, rpFilterSysctl } from '../scenario/example.ts';
import { dimensions } from './cells.ts';

export interface SysctlChange {
	readonly sysctl: string;
	readonly from: number;
	readonly to: number;
}

/** How much a value of rp_filter lets in: strict, loose, off. */
const openness = { 1: 0, 2: 1, 0: 2 } as const;

/** The cells that differ from this one in sysctls alone: fewest changes first, then the least open. */
export function sysctlVariants(cell: Cell): Cell[] {
	const variants = dimensions.rpFilter.flatMap((rpFilter) =>
		dimensions.acceptLocal.map((acceptLocal) => ({ ...cell, rpFilter, acceptLocal })),
	);
	const cost = (variant: Cell): number =>
		10 * changes(cell, variant).length + openness[variant.rpFilter] + variant.acceptLocal;
	return variants
		.filter((variant) => changes(cell, variant).length > 0)
		.toSorted((a, b) => cost(a) - cost(b));
}

/** What to set to get from one cell to another. */
export function changes(from: Cell, to: Cell): SysctlChange[] {
	return [
		{ sysctl: rpFilterSysctl, from: from.rpFilter, to: to.rpFilter },
		{ sysctl: acceptLocalSysctl, from: from.acceptLocal, to: to.acceptLocal },
	].filter((change) => change.from !== change.to);
}
