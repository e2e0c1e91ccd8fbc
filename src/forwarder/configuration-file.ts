/** The configuration file and the tunnel files that it names, from the file system. */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { type ParsedConfiguration, parseConfiguration } from '../configuration/parse.ts';
import { EncapForwardError } from '../error.ts';

/** A tunnel file's name is relative to the configuration's folder. @throws EF_FILE, EF_CONFIGURATION */
export function readConfigurationFile(file: string): ParsedConfiguration {
	return parseConfiguration(readConfigurationBytes(file), {
		file,
		read: (name) => {
			const path = isAbsolute(name) ? name : join(dirname(file), name);
			return { file: path, bytes: readFileSync(path) };
		},
	});
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
