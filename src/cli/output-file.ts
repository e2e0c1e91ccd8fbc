/** A file that a command writes at its end, but opens before it begins: a mistake in its name costs no run. */
import { closeSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { EncapForwardError } from '../error.ts';

export interface OutputFile {
	/** Write the whole content: a file that was there before is replaced only now. */
	write(bytes: Uint8Array): void;
	/** Leave no trace if nothing was written. */
	close(): void;
}

/** @throws EF_FILE */
export function openFile(path: string): OutputFile {
	const refusal = (cause: unknown): EncapForwardError =>
		new EncapForwardError('EF_FILE', `cannot write ${path}: ${(cause as NodeJS.ErrnoException).code}`, {
			cause,
		});
	const found = statSync(path, { throwIfNoEntry: false });
	// What is no regular file, such as a pipe, cannot be replaced.
	const special = found !== undefined && !found.isFile();
	const temporary = special ? path : `${path}.${process.pid}.part`;
	let fd: number;
	try {
		fd = openSync(temporary, 'w');
	} catch (cause) {
		throw refusal(cause);
	}
	let written = false;
	return {
		write: (bytes) => {
			try {
				writeFileSync(fd, bytes);
				if (!special) renameSync(temporary, path);
				written = true;
			} catch (cause) {
				throw refusal(cause);
			}
		},
		close: () => {
			closeSync(fd);
			if (!written && !special) rmSync(temporary, { force: true });
		},
	};
}
