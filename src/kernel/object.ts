/** A compiled BPF object in the kernel: open, set constants, load; its programs and maps. */
import { existsSync } from 'node:fs';
import { Btf } from '../bpf/btf.ts';
import { EncapForwardError } from '../error.ts';
import { checkBpf, checkBpfPointer, libbpf } from './libbpf.ts';
import { libc } from './libc.ts';
import type { Pointer } from './library.ts';

export interface LoadOptions {
	/** Values of `const volatile` variables by name, set before the verifier sees the programs. */
	readonly constants?: Readonly<Record<string, number | boolean>>;
	/** Maps to share with another object instead of making them anew: name and file descriptor. */
	readonly maps?: Readonly<Record<string, number>>;
	/** For maps of maps: name, and file descriptor of one that is like all that will stand in it. */
	readonly innerMaps?: Readonly<Record<string, number>>;
	/** Entries of maps whose size is not the source's. */
	readonly entries?: Readonly<Record<string, number>>;
}

export interface BpfObject {
	/** The file descriptor of a program, by its C name. */
	program(name: string): number;
	/** The file descriptor of a map, by its C name. */
	map(name: string): number;
	/** Attach a program to what its section names (a tracepoint); it lasts until `detach` or `close`. */
	attach(name: string): void;
	/** Detach all that was attached. */
	detach(): void;
	/** Programs and maps go when nothing else in the kernel uses them. */
	close(): void;
}

/**
 * Load an object file.
 * @throws EF_NO_OBJECT, EF_BPF_LOAD with the verifier's log in its detail
 */
export function loadObject(path: string, options: LoadOptions = {}): BpfObject {
	const bpf = libbpf();
	if (!existsSync(path)) {
		throw new EncapForwardError('EF_NO_OBJECT', `the BPF object ${path} is missing; reinstall the package`);
	}
	const object = checkBpfPointer(bpf.bpf_object__open_file(path, null), `open ${path}`, 'EF_NO_OBJECT');
	try {
		setConstants(object, path, options.constants ?? {});
		for (const [name, fd] of Object.entries(options.maps ?? {})) {
			checkBpf(bpf.bpf_map__reuse_fd(findMap(object, path, name), fd), `share the map ${name}`);
		}
		for (const [name, fd] of Object.entries(options.innerMaps ?? {})) {
			checkBpf(
				bpf.bpf_map__set_inner_map_fd(findMap(object, path, name), fd),
				`say what stands in the map ${name}`,
			);
		}
		for (const [name, entries] of Object.entries(options.entries ?? {})) {
			checkBpf(bpf.bpf_map__set_max_entries(findMap(object, path, name), entries), `size the map ${name}`);
		}
		checkBpf(bpf.bpf_object__load(object), `load ${path}`, 'EF_BPF_LOAD');
	} catch (error) {
		bpf.bpf_object__close(object);
		throw error;
	}
	const links: Pointer[] = [];
	const program = (name: string): Pointer =>
		checkBpfPointer(
			bpf.bpf_object__find_program_by_name(object, name),
			`find the program ${name} in ${path}`,
		);
	const detach = (): void => {
		for (const link of links.splice(0)) bpf.bpf_link__destroy(link);
	};
	return {
		program: (name) => bpf.bpf_program__fd(program(name)),
		map: (name) => bpf.bpf_map__fd(findMap(object, path, name)),
		attach: (name) => {
			links.push(checkBpfPointer(bpf.bpf_program__attach(program(name)), `attach the program ${name}`));
		},
		detach,
		close: () => {
			detach();
			bpf.bpf_object__close(object);
		},
	};
}

function findMap(object: Pointer, path: string, name: string): Pointer {
	return checkBpfPointer(
		libbpf().bpf_object__find_map_by_name(object, name),
		`find the map ${name} in ${path}`,
	);
}

/** Where each constant stands is in the object's own type information. */
function setConstants(
	object: Pointer,
	path: string,
	constants: Readonly<Record<string, number | boolean>>,
): void {
	if (Object.keys(constants).length === 0) return;
	const bpf = libbpf();
	const size = new Uint32Array(1);
	const btf = checkBpfPointer(bpf.bpf_object__btf(object), `read the types of ${path}`, 'EF_NO_OBJECT');
	const raw = checkBpfPointer(bpf.btf__raw_data(btf, size), `read the types of ${path}`, 'EF_NO_OBJECT');
	const variables = new Btf(copy(raw, size[0] ?? 0)).section('.rodata');
	const section = rodata(object, path);
	const valueSize = new BigUint64Array(1);
	const initial = checkBpfPointer(
		bpf.bpf_map__initial_value(section, valueSize),
		`read the constants of ${path}`,
	);
	const value = copy(initial, Number(valueSize[0]));
	const view = new DataView(value.buffer);
	for (const [name, constant] of Object.entries(constants)) {
		const variable = variables.get(name);
		if (variable === undefined) {
			throw new EncapForwardError('EF_BUG', `the BPF object ${path} has no constant ${name}`);
		}
		const number = Number(constant);
		if (variable.size === 1) view.setUint8(variable.offset, number);
		else if (variable.size === 2) view.setUint16(variable.offset, number, true);
		else view.setUint32(variable.offset, number, true);
	}
	checkBpf(bpf.bpf_map__set_initial_value(section, value, value.length), `set the constants of ${path}`);
}

/** The map that libbpf makes of the section `.rodata`: its name begins with the object's. */
function rodata(object: Pointer, path: string): Pointer {
	const bpf = libbpf();
	for (
		let map = bpf.bpf_object__next_map(object, null);
		map !== null;
		map = bpf.bpf_object__next_map(object, map)
	) {
		if (bpf.bpf_map__name(map).endsWith('.rodata')) return map;
	}
	throw new EncapForwardError('EF_BUG', `the BPF object ${path} has no constants`);
}

function copy(from: Pointer, bytes: number): Uint8Array {
	const to = new Uint8Array(bytes);
	libc().memcpy(to, from, bytes);
	return to;
}
