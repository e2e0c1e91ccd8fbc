/** A cell in words. */
import type { Cell } from '../scenario/example.ts';

export function cellTitle(cell: Cell): string {
	const { hook, outer, inner, forwarding, source, rpFilter, acceptLocal, neighbour } = cell;
	return `${hook}, ${inner} in ${outer}, ${forwarding}, source ${source}, rp_filter=${rpFilter}, accept_local=${acceptLocal}, neighbour ${neighbour}`;
}
