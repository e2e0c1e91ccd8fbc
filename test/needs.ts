/**
 * What a test needs of the machine, asked before it runs: a skip is said aloud, with its reason.
 *
 *     test('tshark reads what we wrote', requires('tshark'), () => { ... });
 *     describe('on the running kernel', requires('root'), () => { ... });
 *     test('slow', { ...requires('root', 'ip'), timeout: 120_000 }, () => { ... });
 */
import type { TestOptions } from 'vitest';
import { findProgram, isRightVersion, type Program, programName } from '../scripts/programs.ts';

declare module 'vitest' {
	interface TaskMeta {
		/** Why the test is skipped: what the machine lacks. */
		missing?: string;
	}
}

/** A requirement: `root` (on Linux), or a program that `npm run setup` installs. */
export type Requirement = 'root' | Program;

/** Why a test cannot run here, or undefined when it can. */
function needs(...requirements: readonly Requirement[]): string | undefined {
	for (const requirement of requirements) {
		if (requirement === 'root') {
			if (process.platform !== 'linux') return 'needs Linux';
			if (process.getuid?.() !== 0) return 'needs root';
		} else {
			const file = findProgram(requirement);
			if (file === undefined || !isRightVersion(requirement, file)) {
				return `needs ${programName(requirement)} (npm run setup)`;
			}
		}
	}
	return undefined;
}

/** Options of a test, or of a `describe`, that is skipped with its reason when the machine lacks one of these. */
export function requires(...requirements: readonly Requirement[]): TestOptions {
	const missing = needs(...requirements);
	return missing === undefined ? {} : { skip: true, meta: { missing } };
}
