/** Bare BPF instructions in the kernel: loaded as a program of their own, with array maps. */
import { closeSync } from 'node:fs';
import { koffi } from '../../src/kernel/library.ts';
import { lookupMap, updateMap } from '../../src/kernel/map.ts';
import { type TestRun, type TestRunOptions, testRun } from '../../src/kernel/test-run.ts';

/** enum bpf_prog_type */
const programTypes = { tc: 3, xdp: 6 } as const;
const arrayMap = 2; // BPF_MAP_TYPE_ARRAY

type ProgramLoad = (
	type: number,
	name: string,
	license: string,
	instructions: Uint8Array,
	count: number,
	options: Uint8Array,
) => number;
type MapCreate = (
	type: number,
	name: string,
	keyBytes: number,
	valueBytes: number,
	entries: number,
	options: Uint8Array,
) => number;

let functions: { programLoad: ProgramLoad; mapCreate: MapCreate } | undefined;

function library(): { programLoad: ProgramLoad; mapCreate: MapCreate } {
	if (functions !== undefined) return functions;
	const libbpf = koffi().load('libbpf.so.1');
	functions = {
		programLoad: libbpf.func(
			'int bpf_prog_load(int type, const char *name, const char *license, const void *instructions, size_t count, void *options)',
		),
		mapCreate: libbpf.func(
			'int bpf_map_create(int type, const char *name, uint32_t key, uint32_t value, uint32_t entries, const void *options)',
		),
	};
	return functions;
}

export interface KernelMap {
	readonly fd: number;
	write(value: Uint8Array): void;
	read(): Uint8Array;
	close(): void;
}

/** The descriptor of a new map, by its enum bpf_map_type and its BPF_F_*. */
export function createKernelMap(
	type: number,
	keyBytes: number,
	valueBytes: number,
	entries: number,
	flags = 0,
): number {
	// struct bpf_map_create_opts of libbpf's bpf.h.
	const options = new DataView(new ArrayBuffer(56));
	options.setBigUint64(0, 56n, true);
	options.setUint32(28, flags, true);
	const fd = library().mapCreate(type, 'test', keyBytes, valueBytes, entries, new Uint8Array(options.buffer));
	if (fd < 0) throw new Error(`cannot make a map: ${fd}`);
	return fd;
}

/** An array of one element. */
export function kernelMap(valueBytes: number): KernelMap {
	const fd = createKernelMap(arrayMap, 4, valueBytes, 1);
	const key = new Uint8Array(4);
	return {
		fd,
		write: (value) => updateMap(fd, key, value),
		read: () => {
			const value = new Uint8Array(valueBytes);
			lookupMap(fd, key, value);
			return value;
		},
		close: () => closeSync(fd),
	};
}

export interface KernelCode {
	run(options: TestRunOptions): TestRun;
	close(): void;
}

/** The verifier's refusal. */
export class Refusal extends Error {}

/** Load instructions, in which a wide load of kind 1 names the map by its descriptor. @throws Refusal */
export function kernelCode(hook: 'xdp' | 'tc', instructions: Uint8Array): KernelCode {
	const log = Buffer.alloc(1 << 20);
	// struct bpf_prog_load_opts of libbpf's bpf.h: the log's level, size and buffer.
	const options = new DataView(new ArrayBuffer(104));
	options.setBigUint64(0, 104n, true);
	options.setUint32(88, 1, true);
	options.setUint32(92, log.length, true);
	options.setBigUint64(96, koffi().address(log), true);
	const fd = library().programLoad(
		programTypes[hook],
		'test',
		'GPL',
		instructions,
		instructions.length / 8,
		new Uint8Array(options.buffer),
	);
	if (fd < 0) throw new Refusal(`${fd}: ${log.toString('utf8', 0, log.indexOf(0)).slice(-2000)}`);
	return { run: (each) => testRun(fd, each), close: () => closeSync(fd) };
}
