/** Arrays of the kernel's BPF programs that this process has in its memory too (BPF_F_MMAPABLE). */
import { closeSync } from 'node:fs';
import { checkBpf, libbpf } from './libbpf.ts';
import { libc } from './libc.ts';
import { checkPointer, type Pointer } from './library.ts';

export interface SharedArray {
	/** File descriptor of the map. */
	readonly fd: number;
	/** A copy of its values, one after the other, each a multiple of 8 bytes; they are zero afterwards. */
	take(): Uint8Array;
	close(): void;
}

const array = 2; // BPF_MAP_TYPE_ARRAY
const mmapable = 1 << 10; // BPF_F_MMAPABLE
const readWrite = 3; // PROT_READ | PROT_WRITE
const shared = 1; // MAP_SHARED

/** A new one, all zero. @param valueBytes a multiple of 8 */
export function makeSharedArray(name: string, valueBytes: number, entries: number): SharedArray {
	const options = new DataView(new ArrayBuffer(48)); // struct bpf_map_create_opts
	options.setBigUint64(0, 48n, true);
	options.setUint32(28, mmapable, true);
	const fd = checkBpf(
		libbpf().bpf_map_create(array, name, 4, valueBytes, entries, new Uint8Array(options.buffer)),
		`make the BPF map ${name}`,
	);
	const bytes = valueBytes * entries;
	let memory: Pointer;
	try {
		memory = checkPointer(libc().mmap(null, bytes, readWrite, shared, fd, 0), `map the BPF map ${name}`);
	} catch (error) {
		closeSync(fd);
		throw error;
	}
	return {
		fd,
		take: () => {
			const values = new Uint8Array(bytes);
			libc().memcpy(values, memory, bytes);
			libc().memset(memory, 0, bytes);
			return values;
		},
		close: () => {
			libc().munmap(memory, bytes);
			closeSync(fd);
		},
	};
}
