/** Tunnels of a table that cannot be beside each other, or not at all. */
import { formatIp, formatPrefix } from '../packet/address.ts';
import { type Columns, familyOf, type TunnelTemplate } from '../tunnel/tunnel-table.ts';
import { isWithin } from './scan-address.ts';

/** Told of a tunnel by its index; false: enough has been heard. */
export type RowReport = (row: number, message: string) => boolean;

/**
 * Every tunnel whose match an earlier one has already.
 * @param placeOf where a tunnel stands, in words
 */
export function reportDuplicateMatches(
	columns: Columns,
	placeOf: (row: number) => string,
	report: RowReport,
): void {
	if (isAscending(columns)) return;
	const { count, matches, matchLengths, matchBytes } = columns;
	const words = new Uint32Array(matches.buffer, matches.byteOffset, count * 4);
	let size = 16;
	while (size < count * 2) size *= 2;
	// Open addressing: each slot the index of a tunnel, and one more, so that 0 is free.
	const slots = new Uint32Array(size);
	for (let row = 0; row < count; row++) {
		const at = row * 4;
		let hash = Math.imul((words[at] as number) ^ (matchLengths[row] as number), 0x9e3779b1);
		for (let index = 1; index < 4; index++)
			hash = Math.imul((hash ^ (hash >>> 15)) + (words[at + index] as number), 0x85ebca6b);
		hash ^= (hash >>> 13) + (matchBytes[row] as number);
		for (let slot = hash & (size - 1); ; slot = (slot + 1) & (size - 1)) {
			const other = (slots[slot] as number) - 1;
			if (other < 0) {
				slots[slot] = row + 1;
				break;
			}
			const otherAt = other * 4;
			if (
				matchLengths[other] !== matchLengths[row] ||
				matchBytes[other] !== matchBytes[row] ||
				words[otherAt] !== words[at] ||
				words[otherAt + 1] !== words[at + 1] ||
				words[otherAt + 2] !== words[at + 2] ||
				words[otherAt + 3] !== words[at + 3]
			)
				continue;
			const bytes = matches.subarray(row * 16, row * 16 + (matchBytes[row] as number));
			const prefix = formatPrefix({
				family: familyOf(bytes.length),
				bytes,
				length: matchLengths[row] as number,
			});
			if (!report(row, `${prefix} has a tunnel already, ${placeOf(other)}; remove one`)) return;
			break;
		}
	}
}

/** Whether each match comes after the one before it, as in a sorted file: then no two are the same. */
function isAscending({ count, matches, matchLengths, matchBytes }: Columns): boolean {
	for (let row = 1; row < count; row++) {
		let order = (matchBytes[row] as number) - (matchBytes[row - 1] as number);
		for (let at = row * 16; order === 0 && at < row * 16 + 16; at++)
			order = (matches[at] as number) - (matches[at - 16] as number);
		if (order === 0) order = (matchLengths[row] as number) - (matchLengths[row - 1] as number);
		if (order <= 0) return false;
	}
	return true;
}

/**
 * Every tunnel whose destination is in its own match: whoever sends what is for the match to this host sends
 * the encapsulated packets back to it. A match of everything is another thing: that is a default route, and
 * the way to the destination is a longer one. Another tunnel's match may hold the destination: a packet is
 * encapsulated once, so nothing comes of it.
 */
export function reportOwnMatches(
	{ count, matches, matchLengths, matchBytes, destinations, templateOf }: Columns,
	templates: readonly TunnelTemplate[],
	report: RowReport,
): void {
	const widths = templates.map(({ tunnel }) => tunnel.destination.bytes.length);
	for (let row = 0; row < count; row++) {
		const width = matchBytes[row] as number;
		const length = matchLengths[row] as number;
		if (length === 0 || width !== widths[templateOf[row] as number]) continue;
		if (!isWithin(matches, row * 16, destinations, row * 16, length)) continue;
		const destination = formatIp(destinations.subarray(row * 16, row * 16 + width));
		const message = `${destination} is in the tunnel's own match, so encapsulated packets would come back; give a destination outside of it, or a longer match`;
		if (!report(row, message)) return;
	}
}
