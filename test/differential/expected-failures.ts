/** Disagreements that are known, each with its reason. The aim is an empty list. */

export interface ExpectedFailure {
	/** The outcomes of both, as `outcomeKind` of compare.ts writes them. */
	readonly linux: string;
	readonly model: string;
	/** Why the model does not do as the kernel does. */
	readonly reason: string;
}

export const expectedFailures: readonly ExpectedFailure[] = [];
