/** Of several measurements of one thing. */

/** The middle value, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	const upper = sorted[middle] ?? Number.NaN;
	return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** For people: the quartiles, between which the middle half of the values lies. */
export function spread(values: readonly number[]): string {
	const sorted = values.toSorted((a, b) => a - b);
	const at = (share: number): string =>
		(sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN).toFixed(3);
	return `half within ${at(0.25)} to ${at(0.75)}`;
}

/** The value that this share of the values lies below, such as 0.1; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
	const sorted = values.toSorted((a, b) => a - b);
	return sorted[Math.floor(share * sorted.length)] ?? Number.NaN;
}
