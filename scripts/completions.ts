/**
 * `npm run completions`: writes completions for bash, zsh and fish from the table of commands. A test holds
 * the committed ones to them, and runs the shells.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandTree } from './command-tree.ts';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import { zshCompletion } from './completion-zsh.ts';

/** File by its name in the repository. */
export function completions(): ReadonlyMap<string, string> {
	const tree = commandTree();
	return new Map([
		['completions/encap-forward.bash', bashCompletion(tree)],
		['completions/_encap-forward', zshCompletion(tree)],
		['completions/encap-forward.fish', fishCompletion(tree)],
	]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const root = join(dirname(fileURLToPath(import.meta.url)), '..');
	for (const [file, text] of completions()) {
		mkdirSync(dirname(join(root, file)), { recursive: true });
		writeFileSync(join(root, file), text);
		console.log(file);
	}
}
