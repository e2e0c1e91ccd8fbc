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

/** The number by which other processes find a map, and its name in the kernel (15 characters at most). */
export function mapInformation(fd: number): { readonly id: number; readonly name: string } {
	const information = new Uint8Array(128); // the beginning of struct bpf_map_info
	checkBpf(
		libbpf().bpf_obj_get_info_by_fd(fd, information, new Uint32Array([information.length])),
		'ask about a BPF map',
	);
	const name = information.subarray(24, 40);
	return {
		id: new DataView(information.buffer).getUint32(4, true),
		name: new TextDecoder().decode(name.subarray(0, name.indexOf(0))),
	};
}

/** A file descriptor of the map with this number. */
export function openMap(id: number): number {
	return checkBpf(libbpf().bpf_map_get_fd_by_id(id), `open the BPF map ${id}`);
}
