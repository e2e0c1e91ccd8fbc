/** What a benchmark reports: figures, each with the limit it is held to. */

/** A limit: at least or at most this value. */
export interface Target {
	readonly limit: '>=' | '<=';
	readonly value: number;
}

export interface Figure {
	/** The benchmark's name. */
	readonly name: string;
	readonly figure: string;
	/** null where it could not be measured. */
	readonly value: number | null;
	/** `ratio`, or what `value` counts. */
	readonly unit: string;
	/** None for a figure that is only shown. */
	readonly target?: Target;
	/** For people: how far the measurements lay apart, or why there are none. */
	readonly note?: string;
}

/** Whether the figure keeps to its target; null if it has none. */
export function isReached({ value, target }: Figure): boolean | null {
	if (target === undefined) return null;
	if (value === null) return false;
	return target.limit === '>=' ? value >= target.value : value <= target.value;
}

/** Measures, and says on the way how far it is. */
export type Benchmark = (
	progress: (message: string) => void,
) => readonly Figure[] | Promise<readonly Figure[]>;
