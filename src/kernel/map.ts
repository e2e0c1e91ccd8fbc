/** Reading and writing BPF maps by file descriptor. */
import { checkBpf, libbpf } from './libbpf.ts';

export function updateMap(fd: number, key: Uint8Array, value: Uint8Array): void {
	checkBpf(libbpf().bpf_map_update_elem(fd, key, value, 0), 'write a BPF map');
}

export function lookupMap(fd: number, key: Uint8Array, value: Uint8Array): void {
	checkBpf(libbpf().bpf_map_lookup_elem(fd, key, value), 'read a BPF map');
}

/** Remove every entry of a map with keys of `bytes`. */
export function clearMap(fd: number, bytes: number): void {
	const key = new Uint8Array(bytes);
	while (libbpf().bpf_map_get_next_key(fd, null, key) === 0) {
		checkBpf(libbpf().bpf_map_delete_elem(fd, key), 'clear a BPF map');
	}
}

/** How many values a per-CPU map has for each key. */
export function possibleCpus(): number {
	return checkBpf(libbpf().libbpf_num_possible_cpus(), 'count the processors');
}
