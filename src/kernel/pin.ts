/** Objects of the kernel given a name in a BPF file system, which keeps them when their process ends. */
import { EncapForwardError } from '../error.ts';
import { checkBpf, libbpf } from './libbpf.ts';
import { errorName } from './library.ts';

/** Name a program, map or link; nothing may have that name yet. */
export function pinObject(fd: number, path: string): void {
	const result = libbpf().bpf_obj_pin(fd, path);
	if (result >= 0) return;
	checkBpf(0, 'pin'); // what libbpf said is in its result
	throw new EncapForwardError('EF_KERNEL', `cannot pin to ${path}: ${errorName(-result)}`);
}

/** A file descriptor of what has this name. */
export function openPinned(path: string): number {
	return checkBpf(libbpf().bpf_obj_get(path), `open the pin ${path}`);
}
