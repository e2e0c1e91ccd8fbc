/** What a command is given instead of globals: where to write, how, and when to stop. */
import type { CommandContext } from '@stricli/core';
import type { Style } from '../lab/table.ts';

export interface Context extends CommandContext {
	readonly output: Output;
	/** Aborted by Ctrl-C, by SIGTERM, or when nobody reads the output any more. */
	readonly signal: AbortSignal;
}

export interface Output {
	/** Write result lines to stdout. */
	lines(lines: readonly string[]): void;
	/** Write a result for programs to stdout. */
	json(value: unknown): void;
	/** Write a message for people to stderr. */
	message(text: string): void;
	/** Show how far a run is, on a terminal only; undefined removes it. */
	progress(text: string | undefined): void;
	/**
	 * Show lines in place of those shown so before, as many as there is room for; none removes them. Undefined
	 * where stdout is no terminal that can.
	 */
	readonly renew: ((lines: readonly string[]) => void) | undefined;
	/** Colours if stdout is a terminal that has them. */
	readonly style: Style;
}
