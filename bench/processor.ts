/** On which processor this thread runs. */
import { check, koffi } from '../src/kernel/library.ts';

const maskBytes = 128; // cpu_set_t

/**
 * Run `work` with this thread kept on one processor; what it runs in the kernel, soft interrupts included,
 * then runs there too. Afterwards it may run where it could before.
 */
export function onProcessor<T>(processor: number, work: () => T): T {
	const library = koffi().load(null);
	const get = library.func('int sched_getaffinity(int thread, size_t bytes, void *mask)');
	const set = library.func('int sched_setaffinity(int thread, size_t bytes, const void *mask)');
	const before = new Uint8Array(maskBytes);
	const only = new Uint8Array(maskBytes);
	only[processor >> 3] = 1 << (processor & 7);
	check(get(0, maskBytes, before), 'tell on which processors this thread may run');
	check(set(0, maskBytes, only), `run this thread on processor ${processor}`);
	try {
		return work();
	} finally {
		check(set(0, maskBytes, before), 'run this thread on any processor again');
	}
}
