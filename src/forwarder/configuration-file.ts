/** The configuration file and the tunnel files that it names, from the file system. */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { type ParsedConfiguration, parseConfiguration } from '../configuration/parse.ts';
import { EncapForwardError } from '../error.ts';

/** A tunnel file's name is relative to the configuration's folder. @throws EF_FILE, EF_CONFIGURATION */
export function readConfigurationFile(file: string): ParsedConfiguration {
	return parseConfiguration(readConfigurationBytes(file), {
		file,
		read: (name) => {
			const path = isAbsolute(name) ? name : join(dirname(file), name);
			return { file: path, size: statSync(path).size, pieces: piecesOf(path) };
		},
	});
}

const pieceBytes = 1 << 18;

/** A file, in pieces that share their memory: it is quicker than memory for the whole file. */
function* piecesOf(path: string): Generator<Uint8Array> {
	const piece = new Uint8Array(pieceBytes);
	const descriptor = openSync(path, 'r');
	try {
		for (;;) {
			const count = readSync(descriptor, piece);
			if (count === 0) return;
			yield piece.subarray(0, count);
		}
	} finally {
		closeSync(descriptor);
	}
}

function readConfigurationBytes(file: string): Uint8Array {
	try {
		return readFileSync(file);
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		throw new EncapForwardError(
			'EF_FILE',
			`cannot read the configuration file ${file}: ${code}; correct its name or its permissions`,
			{ cause },
		);
	}
}
