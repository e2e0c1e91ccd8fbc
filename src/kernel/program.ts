/** What the kernel says of a BPF program. */
import { closeSync } from 'node:fs';
import { checkBpf, libbpf } from './libbpf.ts';

export interface ProgramInformation {
	readonly id: number;
	/** Of the C function: 15 characters at most. */
	readonly name: string;
	/** A hash of its instructions, in hexadecimal. */
	readonly tag: string;
}

function programInformation(fd: number): ProgramInformation {
	const information = new Uint8Array(96); // the beginning of struct bpf_prog_info
	checkBpf(
		libbpf().bpf_obj_get_info_by_fd(fd, information, new Uint32Array([information.length])),
		'ask about a BPF program',
	);
	const name = information.subarray(64, 80);
	return {
		id: new DataView(information.buffer).getUint32(4, true),
		name: new TextDecoder().decode(name.subarray(0, name.indexOf(0))),
		tag: Buffer.from(information.subarray(8, 16)).toString('hex'),
	};
}

/** The same by its number; undefined when there is none any more. */
export function programById(id: number): ProgramInformation | undefined {
	const fd = libbpf().bpf_prog_get_fd_by_id(id);
	if (fd < 0) return undefined;
	try {
		return programInformation(fd);
	} finally {
		closeSync(fd);
	}
}
