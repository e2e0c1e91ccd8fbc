/** Files of this package that are no TypeScript, wherever in it this code has been put. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The path of a file, given from the package's root. */
export function packageFile(path: string): string {
	let folder = new URL('.', import.meta.url);
	while (!existsSync(new URL('package.json', folder))) folder = new URL('..', folder);
	return fileURLToPath(new URL(path, folder));
}
