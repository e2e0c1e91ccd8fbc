/** A source of random choices that a seed decides: the same seed, the same choices, on every machine. */

export interface Source {
	/** 0 up to, but not, `limit`. */
	below(limit: number): number;
	/** True in so many of a hundred cases. */
	percent(chance: number): boolean;
	/** One of them. */
	pick<T>(values: readonly [T, ...T[]]): T;
	/** One of a list that may be empty. */
	anyOf<T>(values: readonly T[]): T | undefined;
	/** The value of one entry, in proportion to its weight. */
	weigh<T>(entries: readonly [readonly [weight: number, value: T], ...(readonly [number, T])[]]): T;
	/** What one of the functions makes, in proportion to its weight. */
	choose<T>(
		entries: readonly [readonly [weight: number, make: () => T], ...(readonly [number, () => T])[]],
	): T;
	/** So many random bytes. */
	bytes(length: number): Uint8Array;
}

/** By the generator sfc32 (Doty-Humphrey), whose state the seeds begin. */
export function openSource(...seeds: readonly number[]): Source {
	let [a, b, c, counter] = [seeds[0] ?? 0, seeds[1] ?? 0, seeds[2] ?? 0, 1];
	const next = (): number => {
		const sum = (a + b + counter) | 0;
		counter = (counter + 1) | 0;
		a = b ^ (b >>> 9);
		b = (c + (c << 3)) | 0;
		c = (((c << 21) | (c >>> 11)) + sum) | 0;
		return sum >>> 0;
	};
	for (let round = 0; round < 15; round++) next();
	const below = (limit: number): number => Math.floor((next() / 2 ** 32) * limit);
	const source: Source = {
		below,
		percent: (chance) => below(100) < chance,
		pick: (values) => values[below(values.length)] ?? values[0],
		anyOf: (values) => values[below(values.length)],
		weigh: (entries) => {
			let left = below(entries.reduce((sum, [weight]) => sum + weight, 0));
			for (const [weight, value] of entries) {
				left -= weight;
				if (left < 0) return value;
			}
			return entries[0][1];
		},
		choose: (entries) => source.weigh(entries)(),
		bytes: (length) => Uint8Array.from({ length }, () => below(256)),
	};
	return source;
}
