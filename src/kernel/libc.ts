/** The C library's functions that Node has no counterpart for. */
import { koffi, type Pointer } from './library.ts';

export interface Libc {
	setns(fd: number, type: number): number;
	unshare(flags: number): number;
	if_nametoindex(name: string): number;
	/** Null when there is no such device. The name is written too, with a zero at its end. */
	if_indextoname(index: number, name: Uint8Array): string | null;
	socket(domain: number, type: number, protocol: number): number;
	bind(fd: number, address: Uint8Array, length: number): number;
	send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
	recv(fd: number, bytes: Uint8Array, length: number, flags: number): number;
	setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
	eventfd(initial: number, flags: number): number;
	mmap(at: null, bytes: number, protection: number, flags: number, fd: number, offset: number): Pointer;
	munmap(at: Pointer, bytes: number): number;
	memset(at: Pointer, byte: number, bytes: number): Pointer;
	/** Of a system call whose arguments are three numbers. */
	syscall(number: number, first: number, second: number, third: number): number;
	memcpy(to: Uint8Array, from: Pointer, bytes: number): Pointer;
	vsnprintf(to: Uint8Array, size: number, format: Pointer, values: Pointer): number;
	/** poll(2) on another thread: resolves to its result. */
	poll(descriptors: Uint8Array, count: number, timeoutMilliseconds: number): Promise<number>;
}

let functions: Libc | undefined;

export function libc(): Libc {
	if (functions !== undefined) return functions;
	const library = koffi().load(null);
	const poll = library.func('int poll(void *descriptors, unsigned long count, int timeout)');
	functions = {
		setns: library.func('int setns(int fd, int type)'),
		unshare: library.func('int unshare(int flags)'),
		if_nametoindex: library.func('unsigned int if_nametoindex(const char *name)'),
		if_indextoname: library.func('const char *if_indextoname(unsigned int index, void *name)'),
		socket: library.func('int socket(int domain, int type, int protocol)'),
		bind: library.func('int bind(int fd, const void *address, unsigned int length)'),
		send: library.func('long send(int fd, const void *bytes, size_t length, int flags)'),
		recv: library.func('long recv(int fd, void *bytes, size_t length, int flags)'),
		setsockopt: library.func(
			'int setsockopt(int fd, int level, int option, const void *value, unsigned int length)',
		),
		eventfd: library.func('int eventfd(unsigned int initial, int flags)'),
		mmap: library.func('void *mmap(void *at, size_t bytes, int protection, int flags, int fd, long offset)'),
		munmap: library.func('int munmap(void *at, size_t bytes)'),
		memset: library.func('void *memset(void *at, int byte, size_t bytes)'),
		syscall: library.func('long syscall(long number, long first, long second, long third)'),
		memcpy: library.func('void *memcpy(void *to, const void *from, size_t bytes)'),
		vsnprintf: library.func('int vsnprintf(void *to, size_t size, const void *format, void *values)'),
		poll: (descriptors, count, timeout) =>
			new Promise((resolve, reject) => {
				poll.async(descriptors, count, timeout, (error: unknown, result: number) =>
					error ? reject(error) : resolve(result),
				);
			}),
	};
	return functions;
}
