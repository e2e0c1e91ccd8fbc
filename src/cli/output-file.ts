/** A file that a command writes at its end, but opens before it begins: a mistake in its name costs no run. */
import { closeSync, openSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { EncapForwardError } from '../error.ts';

export interface OutputFile {
	/** Write the whole content: a file that was there before is replaced only now. */
	write(bytes: Uint8Array): void;
	/** Leave no trace if nothing was written. */
	close(): void;
}

function refusalOf(path: string): (cause: unknown) => EncapForwardError {
	return (cause) =>
		new EncapForwardError('EF_FILE', `cannot write ${path}: ${(cause as NodeJS.ErrnoException).code}`, {
			cause,
		});
}

/** A file that is written as a command goes on, so that others can read along. */
export interface OutputStream {
	write(bytes: Uint8Array): void;
	close(): void;
}

/** What the file held before is gone. @throws EF_FILE */
export function openStream(path: string): OutputStream {
	const refusal = refusalOf(path);
	let fd: number;
	try {
		fd = openSync(path, 'w');
	} catch (cause) {
		throw refusal(cause);
	}
	return {
		write: (bytes) => {
			try {
				// A pipe takes a part at a time.
				for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
			} catch (cause) {
				throw refusal(cause);
			}
		},
		close: () => closeSync(fd),
	};
}

/** @throws EF_FILE */
export function openFile(path: string): OutputFile {
	const refusal = refusalOf(path);
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
