/** Reading and writing BPF maps by file descriptor. */
import { EncapForwardError } from '../error.ts';
import { checkBpf, libbpf } from './libbpf.ts';
import { libc } from './libc.ts';
import { errorName, koffi } from './library.ts';

const enoent = 2;

export function updateMap(fd: number, key: Uint8Array, value: Uint8Array): void {
	checkBpf(libbpf().bpf_map_update_elem(fd, key, value, 0), 'write a BPF map');
}

export function lookupMap(fd: number, key: Uint8Array, value: Uint8Array): void {
	checkBpf(libbpf().bpf_map_lookup_elem(fd, key, value), 'read a BPF map');
}

/** False where there is no such entry. */
export function tryLookupMap(fd: number, key: Uint8Array, value: Uint8Array): boolean {
	const result = libbpf().bpf_map_lookup_elem(fd, key, value);
	if (result === -enoent) return false;
	checkBpf(result, 'read a BPF map');
	return true;
}

/** False where there was no such entry. */
export function deleteFromMap(fd: number, key: Uint8Array): boolean {
	const result = libbpf().bpf_map_delete_elem(fd, key);
	if (result === -enoent) return false;
	checkBpf(result, 'remove an entry of a BPF map');
	return true;
}

/** The key of every entry. What is written meanwhile may be among them or not. */
export function* mapKeys(fd: number): Generator<Uint8Array> {
	const { keyBytes } = mapInformation(fd);
	let key: Uint8Array | null = null;
	for (;;) {
		const next = new Uint8Array(keyBytes);
		const result = libbpf().bpf_map_get_next_key(fd, key, next);
		if (result === -enoent) return;
		checkBpf(result, 'read a BPF map');
		yield next;
		key = next;
	}
}

/** Remove every entry of a map with keys of `bytes`. */
export function clearMap(fd: number, bytes: number): void {
	const key = new Uint8Array(bytes);
	while (libbpf().bpf_map_get_next_key(fd, null, key) === 0) {
		checkBpf(libbpf().bpf_map_delete_elem(fd, key), 'clear a BPF map');
	}
}

/**
 * Put a map in the place of another in a map of maps. Resolves when no program uses the old one any more:
 * the kernel waits for them all (maybe_wait_bpf_programs).
 */
export async function replaceInnerMap(outer: number, index: number, inner: number): Promise<void> {
	const number = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer);
	const [key, value] = [number(index), number(inner)];
	const result = await new Promise<number>((resolve, reject) => {
		libbpf().bpf_map_update_elem.async(outer, key, value, 0, (error, result) =>
			error ? reject(error) : resolve(result),
		);
	});
	checkBpf(result, 'replace a BPF map');
}

/** How many values a per-CPU map has for each key. */
export function possibleCpus(): number {
	return checkBpf(libbpf().libbpf_num_possible_cpus(), 'count the processors');
}

export interface MapInformation {
	/** The number by which other processes find it. */
	readonly id: number;
	/** In the kernel: 15 characters at most. */
	readonly name: string;
	/** enum bpf_map_type */
	readonly type: number;
	readonly keyBytes: number;
	readonly valueBytes: number;
	readonly entries: number;
}

export function mapInformation(fd: number): MapInformation {
	const information = new Uint8Array(128); // the beginning of struct bpf_map_info
	checkBpf(
		libbpf().bpf_obj_get_info_by_fd(fd, information, new Uint32Array([information.length])),
		'ask about a BPF map',
	);
	const name = information.subarray(24, 40);
	const view = new DataView(information.buffer);
	return {
		id: view.getUint32(4, true),
		name: new TextDecoder().decode(name.subarray(0, name.indexOf(0))),
		type: view.getUint32(0, true),
		keyBytes: view.getUint32(8, true),
		valueBytes: view.getUint32(12, true),
		entries: view.getUint32(16, true),
	};
}

/** A file descriptor of the map with this number. */
export function openMap(id: number): number {
	return checkBpf(libbpf().bpf_map_get_fd_by_id(id), `open the BPF map ${id}`);
}

/** An array map that was made with BPF_F_MMAPABLE, as memory. */
export interface MappedMap {
	/** Its values one behind the other, each rounded up to 8 bytes. Not to be touched once it is closed. */
	readonly bytes: Uint8Array<ArrayBuffer>;
	close(): void;
}

const [readWrite, shared] = [3, 1]; // PROT_READ | PROT_WRITE, MAP_SHARED
const failed = 0xffff_ffff_ffff_ffffn; // MAP_FAILED

export function mapMemory(fd: number): MappedMap {
	const { valueBytes, entries } = mapInformation(fd);
	const size = entries * Math.ceil(valueBytes / 8) * 8;
	const at = libc().mmap(null, size, readWrite, shared, fd, 0);
	if (at === null || BigInt.asUintN(64, at) === failed) {
		throw new EncapForwardError('EF_KERNEL', `cannot map a BPF map's memory: ${errorName(koffi().errno())}`);
	}
	return { bytes: new Uint8Array(koffi().view(at, size)), close: () => void libc().munmap(at, size) };
}
