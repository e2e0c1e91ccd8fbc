/** Random numbers from a seed, the same for the same seed and fast enough for millions of frames. */
export interface Random {
	/** A whole number from 0 up to, and without, this one. */
	below(limit: number): number;
	/** True once in so many times. */
	oneIn(times: number): boolean;
	pick<Value>(values: readonly Value[]): Value;
}

/** Marsaglia's xorshift with 32 bits of state. */
export function randomFrom(seed: number): Random {
	let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
	const next = (): number => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		state >>>= 0;
		return state;
	};
	// The product takes the upper bits, which are the better ones.
	const below = (limit: number): number => Math.floor((next() / 0x1_0000_0000) * limit);
	return {
		below,
		oneIn: (times) => below(times) === 0,
		pick: (values) => values[below(values.length)] as (typeof values)[number],
	};
}
