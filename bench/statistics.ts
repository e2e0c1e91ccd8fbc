/** Of several measurements of one thing. */

/** The middle value, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	const upper = sorted[middle] ?? Number.NaN;
	return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The quartiles: a quarter of the values lies below the first, a quarter above the second. */
export function quartiles(values: readonly number[]): readonly [number, number] {
	const sorted = values.toSorted((a, b) => a - b);
	const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
	return [at(0.25), at(0.75)];
}
