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

/** The beginning of struct bpf_prog_info; what the kernel does not know of it stays zero. */
function read(fd: number, bytes: number): Uint8Array {
	const information = new Uint8Array(bytes);
	checkBpf(
		libbpf().bpf_obj_get_info_by_fd(fd, information, new Uint32Array([bytes])),
		'ask about a BPF program',
	);
	return information;
}

/**
 * How often the program was not run because it was running on that processor already (recursion_misses;
 * 0 before Linux 5.12).
 */
export function missedRuns(fd: number): bigint {
	return new DataView(read(fd, 216).buffer).getBigUint64(208, true);
}

function programInformation(fd: number): ProgramInformation {
	const information = read(fd, 96);
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
