/** Runs the built command, as a user would. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const commandPath: string = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Ended {
	/** Exit status, or the signal that ended it. */
	readonly status: number | NodeJS.Signals;
	readonly stdout: string;
	readonly stderr: string;
}

/** Wait for the end of a process whose outputs are pipes, or some of them. */
export function ended(child: ChildProcess): Promise<Ended> {
	const text = { stdout: '', stderr: '' };
	for (const name of ['stdout', 'stderr'] as const) {
		child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
			text[name] += chunk;
		});
	}
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (code, signal) => resolve({ status: code ?? signal ?? -1, ...text }));
	});
}

export function startCommand(options: readonly string[], how: SpawnOptions = {}): ChildProcess {
	return spawn(process.execPath, [commandPath, ...options], { stdio: ['ignore', 'pipe', 'pipe'], ...how });
}

export function runCommand(options: readonly string[], how: SpawnOptions = {}): Promise<Ended> {
	return ended(startCommand(options, how));
}

/** Run it by another program, such as `setpriv`, that takes a command as its last words. */
export function runUnder(
	wrapper: readonly string[],
	options: readonly string[],
	how: SpawnOptions = {},
): Promise<Ended> {
	const [program = '', ...words] = wrapper;
	const all = [...words, process.execPath, commandPath, ...options];
	return ended(spawn(program, all, { stdio: ['ignore', 'pipe', 'pipe'], ...how }));
}

/** The code at the end of a one-line error for people, with nothing on stdout; anything else is told whole. */
export function errorCode({ stdout, stderr }: Ended): string {
	const code = /^encap-forward: [^\n]+ \[(EF_[A-Z_]+)\]\n(?: {2}[^\n]*\n)*$/.exec(stderr)?.[1];
	return stdout === '' && code !== undefined ? code : `not one line: ${stdout}${stderr}`;
}

let labs = 0;

/** A name for a lab that nobody else has. */
export function uniqueName(): string {
	labs++;
	return `test-${process.pid}-${labs}`;
}
