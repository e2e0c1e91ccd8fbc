/** What a test needs of the machine, asked before it runs: a skip is said aloud, with its reason. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A requirement: `root` (on Linux), or the name of a program on the PATH. */
export type Requirement = 'root' | (string & {});

function onPath(program: string): boolean {
	return (process.env.PATH ?? '').split(delimiter).some((folder) => {
		try {
			accessSync(join(folder, program), constants.X_OK);
			return true;
		} catch {
			return false;
		}
	});
}

/** Why a test cannot run here, or undefined when it can. */
export function needs(...requirements: readonly Requirement[]): string | undefined {
	for (const requirement of requirements) {
		if (requirement === 'root') {
			if (process.platform !== 'linux') return 'needs Linux';
			if (process.getuid?.() !== 0) return 'needs root';
		} else if (!onPath(requirement)) return `needs ${requirement} (npm run setup)`;
	}
	return undefined;
}
