/** The built command, as its users start it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EncapForwardError } from '../src/error.ts';

export const command: string = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** Why it cannot be measured, or undefined when it can. */
export function missingCommand(): string | undefined {
	return existsSync(command) ? undefined : 'dist/cli/main.js is missing; run "npm run build"';
}

export interface Spawned {
	readonly milliseconds: number;
	readonly stdout: string;
	/** What it wrote to file descriptor 3. */
	readonly extra: string;
}

/** Run Node with these arguments to its end. @throws EF_TOOL_FAILED unless it ends with status 0 */
export function spawnNode(options: readonly string[]): Spawned {
	const start = performance.now();
	const { error, status, signal, output } = spawnSync(process.execPath, options, {
		encoding: 'utf8',
		maxBuffer: 1 << 28,
		stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
	});
	const milliseconds = performance.now() - start;
	if (status !== 0) {
		const said = error?.message ?? (output[2] ?? '').trim().split('\n')[0] ?? '';
		throw new EncapForwardError(
			'EF_TOOL_FAILED',
			`"node ${options.join(' ')}" ended with ${signal ?? status}: ${said}`,
		);
	}
	return { milliseconds, stdout: output[1] ?? '', extra: output[3] ?? '' };
}
