/** Work that is done whole or not at all. */

/** Told how to undo a step that is done. */
export type Undo = (step: () => void) => void;

/** Runs `work`, which says how to undo each step it has done; when it fails, all are, the last first. */
export function allOrNothing<T>(work: (undo: Undo) => T): T {
	const steps: (() => void)[] = [];
	try {
		return work((step) => steps.push(step));
	} catch (error) {
		for (const step of steps.reverse()) {
			try {
				step();
			} catch {
				// What cannot be undone has gone with its device; the first error is the one to tell.
			}
		}
		throw error;
	}
}
