/** The system's libbpf.so.1, through FFI: as much of it as we call, with its own messages in our errors. */
import { EncapForwardError } from '../error.ts';
import { libc } from './libc.ts';
import { errorName, koffi, type Pointer } from './library.ts';

/** libbpf's functions return a negative errno, or null and set errno: `bpf.check` knows both. */
export interface Libbpf {
	bpf_object__open_file(path: string, options: null): Pointer | null;
	bpf_object__load(object: Pointer): number;
	bpf_object__close(object: Pointer): void;
	bpf_object__btf(object: Pointer): Pointer | null;
	bpf_object__find_map_by_name(object: Pointer, name: string): Pointer | null;
	bpf_object__find_program_by_name(object: Pointer, name: string): Pointer | null;
	bpf_object__next_map(object: Pointer, previous: Pointer | null): Pointer | null;
	btf__raw_data(btf: Pointer, size: Uint32Array): Pointer | null;
	bpf_map__fd(map: Pointer): number;
	bpf_map__name(map: Pointer): string;
	bpf_map__reuse_fd(map: Pointer, fd: number): number;
	bpf_map__set_max_entries(map: Pointer, entries: number): number;
	bpf_map__set_inner_map_fd(map: Pointer, fd: number): number;
	bpf_map__initial_value(map: Pointer, size: BigUint64Array): Pointer | null;
	bpf_map__set_initial_value(map: Pointer, data: Uint8Array, size: number): number;
	bpf_program__fd(program: Pointer): number;
	bpf_program__attach(program: Pointer): Pointer | null;
	bpf_link__destroy(link: Pointer): number;
	bpf_link_create(program: number, device: number, type: number, options: Uint8Array | null): number;
	bpf_link_update(link: number, program: number, options: null): number;
	bpf_link_detach(link: number): number;
	bpf_obj_pin(fd: number, path: string): number;
	bpf_obj_get(path: string): number;
	bpf_prog_get_fd_by_id(id: number): number;
	bpf_map_update_elem: {
		(fd: number, key: Uint8Array, value: Uint8Array, flags: number): number;
		/** On another thread. */
		async(
			fd: number,
			key: Uint8Array,
			value: Uint8Array,
			flags: number,
			done: (error: unknown, result: number) => void,
		): void;
	};
	bpf_map_lookup_elem(fd: number, key: Uint8Array, value: Uint8Array): number;
	bpf_map_delete_elem(fd: number, key: Uint8Array): number;
	bpf_map_get_next_key(fd: number, key: Uint8Array | null, next: Uint8Array): number;
	bpf_map_get_fd_by_id(id: number): number;
	bpf_map_create(
		type: number,
		name: string,
		keyBytes: number,
		valueBytes: number,
		entries: number,
		options: Uint8Array,
	): number;
	bpf_obj_get_info_by_fd(fd: number, information: Uint8Array, size: Uint32Array): number;
	bpf_prog_test_run_opts(fd: number, options: Uint8Array): number;
	bpf_xdp_attach(device: number, fd: number, flags: number, options: null): number;
	bpf_xdp_detach(device: number, flags: number, options: null): number;
	bpf_tc_hook_create(hook: Uint8Array): number;
	bpf_tc_hook_destroy(hook: Uint8Array): number;
	bpf_tc_attach(hook: Uint8Array, options: Uint8Array): number;
	bpf_tc_detach(hook: Uint8Array, options: Uint8Array): number;
	bpf_tc_query(hook: Uint8Array, options: Uint8Array): number;
	libbpf_num_possible_cpus(): number;
	ring_buffer__new(fd: number, callback: unknown, context: null, options: null): Pointer | null;
	ring_buffer__consume(ring: Pointer): number;
	ring_buffer__epoll_fd(ring: Pointer): number;
	ring_buffer__free(ring: Pointer): void;
}

const prototypes = `
	void *bpf_object__open_file(const char *path, const void *options)
	int bpf_object__load(void *object)
	void bpf_object__close(void *object)
	void *bpf_object__btf(void *object)
	void *bpf_object__find_map_by_name(void *object, const char *name)
	void *bpf_object__find_program_by_name(void *object, const char *name)
	void *bpf_object__next_map(void *object, void *previous)
	void *btf__raw_data(void *btf, void *size)
	int bpf_map__fd(void *map)
	const char *bpf_map__name(void *map)
	int bpf_map__reuse_fd(void *map, int fd)
	int bpf_map__set_max_entries(void *map, uint32_t entries)
	int bpf_map__set_inner_map_fd(void *map, int fd)
	void *bpf_map__initial_value(void *map, void *size)
	int bpf_map__set_initial_value(void *map, const void *data, size_t size)
	int bpf_program__fd(void *program)
	void *bpf_program__attach(void *program)
	int bpf_link__destroy(void *link)
	int bpf_link_create(int program, int device, int type, const void *options)
	int bpf_link_update(int link, int program, const void *options)
	int bpf_link_detach(int link)
	int bpf_obj_pin(int fd, const char *path)
	int bpf_obj_get(const char *path)
	int bpf_prog_get_fd_by_id(uint32_t id)
	int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)
	int bpf_map_lookup_elem(int fd, const void *key, void *value)
	int bpf_map_delete_elem(int fd, const void *key)
	int bpf_map_get_next_key(int fd, const void *key, void *next)
	int bpf_map_get_fd_by_id(uint32_t id)
	int bpf_map_create(int type, const char *name, uint32_t key, uint32_t value, uint32_t entries, const void *options)
	int bpf_obj_get_info_by_fd(int fd, void *information, void *size)
	int bpf_prog_test_run_opts(int fd, void *options)
	int bpf_xdp_attach(int device, int fd, uint32_t flags, const void *options)
	int bpf_xdp_detach(int device, uint32_t flags, const void *options)
	int bpf_tc_hook_create(void *hook)
	int bpf_tc_hook_destroy(void *hook)
	int bpf_tc_attach(const void *hook, void *options)
	int bpf_tc_detach(const void *hook, const void *options)
	int bpf_tc_query(const void *hook, void *options)
	int libbpf_num_possible_cpus(void)
	void *ring_buffer__new(int fd, void *callback, void *context, const void *options)
	int ring_buffer__consume(void *ring)
	int ring_buffer__epoll_fd(void *ring)
	void ring_buffer__free(void *ring)
`;

let functions: Libbpf | undefined;

/** What libbpf said since the last call of `takeMessages`, a line each. */
let messages: string[] = [];

/**
 * The library. Another than the system's can be named in ENCAP_FORWARD_LIBBPF.
 * @throws EF_NO_LIBBPF
 */
export function libbpf(): Libbpf {
	if (functions !== undefined) return functions;
	const name = process.env.ENCAP_FORWARD_LIBBPF ?? 'libbpf.so.1';
	let library: ReturnType<ReturnType<typeof koffi>['load']>;
	try {
		library = koffi().load(name);
	} catch (cause) {
		throw new EncapForwardError(
			'EF_NO_LIBBPF',
			`${name} cannot be loaded; install libbpf 1.0 or later (Debian and Ubuntu: libbpf1, Fedora: libbpf)`,
			{ cause, detail: cause instanceof Error ? cause.message : String(cause) },
		);
	}
	const loaded: Record<string, unknown> = {};
	for (const line of prototypes.trim().split('\n')) {
		const name = /(\w+)\(/.exec(line)?.[1] ?? '';
		loaded[name] = library.func(line.trim());
	}
	const print = koffi().proto('int print(int level, const void *format, void *values)');
	const setPrint = library.func('void *libbpf_set_print(void *callback)');
	setPrint(koffi().register(keepMessage, koffi().pointer(print)));
	functions = loaded as unknown as Libbpf;
	return functions;
}

const debug = 2; // LIBBPF_DEBUG

function keepMessage(level: number, format: Pointer, values: Pointer): number {
	if (level >= debug) return 0;
	const text = Buffer.alloc(1 << 18);
	const length = libc().vsnprintf(text, text.length, format, values);
	const message = text.toString('utf8', 0, Math.min(Math.max(length, 0), text.length - 1));
	messages.push(...message.split('\n').filter((line) => line !== ''));
	return length;
}

/** What libbpf and the verifier said, and forget it. */
function takeMessages(): string {
	const taken = messages.map((line) => line.replace(/^libbpf: /, '')).join('\n');
	messages = [];
	return taken;
}

/** Return a result, or throw what the kernel, libbpf and the verifier said of a failure. */
export function checkBpf(
	result: number,
	doing: string,
	code: 'EF_KERNEL' | 'EF_BPF_LOAD' | 'EF_KERNEL_FEATURE' = 'EF_KERNEL',
): number {
	const said = takeMessages();
	if (result >= 0) return result;
	throw new EncapForwardError(code, `cannot ${doing}: ${errorName(-result)}`, {
		...(said === '' ? {} : { detail: said }),
	});
}

/** The same for a function that returns a pointer. */
export function checkBpfPointer(
	result: Pointer | null,
	doing: string,
	code: 'EF_KERNEL' | 'EF_BPF_LOAD' | 'EF_NO_OBJECT' = 'EF_KERNEL',
): Pointer {
	if (result !== null) {
		takeMessages();
		return result;
	}
	const errno = koffi().errno();
	const said = takeMessages();
	throw new EncapForwardError(
		code,
		`cannot ${doing}: ${errorName(errno)}`,
		said === '' ? {} : { detail: said },
	);
}
