/** The compiled datapath as bytes, for who runs it without a kernel. */
import { readFileSync } from 'node:fs';
import { EncapForwardError } from '../error.ts';
import { objectPath } from './datapath.ts';

/** Each object is read when it is asked for. @throws EF_NO_OBJECT, then */
export function datapathObjects(): { readonly xdp: Uint8Array; readonly tc: Uint8Array } {
	return {
		get xdp() {
			return read('datapath-xdp');
		},
		get tc() {
			return read('datapath-tc');
		},
	};
}

function read(name: 'datapath-xdp' | 'datapath-tc'): Uint8Array {
	const path = objectPath(name);
	try {
		return readFileSync(path);
	} catch (cause) {
		throw new EncapForwardError(
			'EF_NO_OBJECT',
			`the BPF object ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}; reinstall the package`,
			{ cause },
		);
	}
}
