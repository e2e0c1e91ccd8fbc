/** Writing to the process's streams. */
import { styleText } from 'node:util';
import { plain, type Style } from '../lab/table.ts';
import type { Output } from './context.ts';
import { openRenewal } from './renewal.ts';

/** Erase the terminal's line and return to its start. */
const eraseLine = '\r\x1b[2K';

const colours = { good: 'green', bad: 'red', strong: 'bold', faint: 'dim' } as const;

const coloured: Style = (kind, text) => styleText(colours[kind], text, { validateStream: false });

export interface Streams {
	readonly stdout: NodeJS.WriteStream;
	readonly stderr: NodeJS.WriteStream;
	readonly env: NodeJS.ProcessEnv;
}

export function openOutput({ stdout, stderr, env }: Streams): Output {
	const colourful = stdout.isTTY && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
	const movable = stderr.isTTY && env.TERM !== 'dumb';
	return {
		lines: (lines) => void stdout.write(lines.map((line) => `${line}\n`).join('')),
		json: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
		message: (text) => void stderr.write(`${text}\n`),
		progress: (text) => {
			if (movable) stderr.write(`${eraseLine}${text ?? ''}`);
		},
		renew: stdout.isTTY && env.TERM !== 'dumb' ? openRenewal(stdout) : undefined,
		style: colourful ? coloured : plain,
	};
}
