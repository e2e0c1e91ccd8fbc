/** Runs a program to its end. */
import { spawn } from 'node:child_process';
import { EncapForwardError } from '../../src/error.ts';
import { findProgram, type Program, packages } from '../programs.ts';

/** Where a program is. @throws EF_NO_TOOL with the package that brings it */
export function programFile(program: Program): string {
	const file = findProgram(program);
	if (file !== undefined) return file;
	throw new EncapForwardError(
		'EF_NO_TOOL',
		`the program "${program}" is not here; "npm run setup" installs it (Debian: ${packages[program]})`,
	);
}

export interface ToolOptions {
	readonly folder?: string;
	readonly input?: Uint8Array;
	/** Kills it. */
	readonly signal?: AbortSignal;
}

/** What a program wrote to stdout. @throws EF_NO_TOOL, EF_TOOL_FAILED unless it ends with status 0; an AbortError */
export async function runTool(
	program: string,
	words: readonly string[],
	{ folder, input, signal }: ToolOptions = {},
): Promise<Uint8Array> {
	const child = spawn(program, words, { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
	const stop = (): void => void child.kill('SIGKILL');
	signal?.addEventListener('abort', stop);
	const stdout: Uint8Array[] = [];
	let stderr = '';
	child.stdout.on('data', (chunk: Uint8Array) => stdout.push(chunk));
	child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
		stderr += chunk;
	});
	child.stdin.on('error', () => {}); // it reads no more: its status says why
	child.stdin.end(input);
	try {
		const status = await new Promise<number | string>((resolve, reject) => {
			child.on('error', reject);
			child.on('close', (code, killer) => resolve(code ?? killer ?? 'nothing'));
		});
		signal?.throwIfAborted();
		if (status === 0) return Buffer.concat(stdout);
		const said = stderr.trim().split('\n').at(-1) ?? '';
		throw new EncapForwardError(
			'EF_TOOL_FAILED',
			`"${program} ${words.join(' ')}" ended with ${status}: ${said}`,
			{ detail: stderr },
		);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
		throw new EncapForwardError('EF_NO_TOOL', `the program "${program}" is not on the PATH; install it`);
	} finally {
		signal?.removeEventListener('abort', stop);
	}
}
