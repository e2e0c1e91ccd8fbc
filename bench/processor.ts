/** Keeps this thread on one processor. */
import { check, koffi } from '../src/kernel/library.ts';

/** Only the calling thread: what it runs in the kernel, soft interrupts included, then runs there too. */
export function pinThread(processor: number): void {
	const setAffinity = koffi().load(null).func('int sched_setaffinity(int thread, size_t bytes, const void *mask)');
	const mask = new Uint8Array(128); // cpu_set_t
	mask[processor >> 3] = 1 << (processor & 7);
	check(setAffinity(0, mask.length, mask), `run on processor ${processor}`);
}
