/** Events out of a BPF ring buffer, waited for without polling. */
import { closeSync, readSync, writeSync } from 'node:fs';
import { checkBpf, checkBpfPointer, libbpf } from './libbpf.ts';
import { libc } from './libc.ts';
import { check, koffi, type Pointer } from './library.ts';

export interface RingBuffer {
	/** Give every event that is there to the receiver, oldest first, or as many as it takes. */
	consume(): void;
	/** Resolves when there is an event, after the time, or on `wake`. One wait at a time. */
	wait(milliseconds: number): Promise<void>;
	/** End the wait under way, or the next one. */
	wake(): void;
	close(): void;
}

const pollIn = 1;
/** What a callback returns to end libbpf's reading; no errno that it has itself. */
const stop = -4095;

let sample: ReturnType<ReturnType<typeof koffi>['proto']> | undefined;

/**
 * Read the ring buffer `fd`. The receiver gets a view of `size` bytes that is overwritten by the next
 * event, of which so many bytes are this one's: it copies what it keeps. It answers whether it takes more now; else
 * what follows waits for the next `consume`.
 */
export function openRingBuffer(
	fd: number,
	size: number,
	receive: (event: Uint8Array, bytes: number) => boolean,
): RingBuffer {
	const bpf = libbpf();
	const event = new Uint8Array(size);
	sample ??= koffi().proto('int sample(void *context, void *data, size_t size)');
	const callback = koffi().register((_context: null, data: Pointer, bytes: number) => {
		libc().memcpy(event, data, Math.min(bytes, size));
		return receive(event, bytes) ? 0 : stop;
	}, koffi().pointer(sample));
	const ring = checkBpfPointer(bpf.ring_buffer__new(fd, callback, null, null), 'open a ring buffer');
	const wakeFd = check(libc().eventfd(0, 0x80000), 'make an eventfd'); // EFD_CLOEXEC
	const descriptors = new DataView(new ArrayBuffer(16)); // two struct pollfd
	descriptors.setInt32(0, bpf.ring_buffer__epoll_fd(ring), true);
	descriptors.setInt16(4, pollIn, true);
	descriptors.setInt32(8, wakeFd, true);
	descriptors.setInt16(12, pollIn, true);
	const bytes = new Uint8Array(descriptors.buffer);
	let waiting: Promise<unknown> = Promise.resolve();
	return {
		consume: () => {
			const result = bpf.ring_buffer__consume(ring);
			if (result !== stop) checkBpf(result, 'read a ring buffer');
		},
		wait: async (milliseconds) => {
			waiting = libc().poll(bytes, 2, milliseconds);
			await waiting;
			const woken = descriptors.getInt16(14, true) !== 0;
			if (woken) readSync(wakeFd, new Uint8Array(8));
		},
		wake: () => void writeSync(wakeFd, new Uint8Array(new BigUint64Array([1n]).buffer)),
		close: () => {
			// A poll under way on another thread must not see its descriptors reused.
			const free = () => {
				bpf.ring_buffer__free(ring);
				closeSync(wakeFd);
				koffi().unregister(callback);
			};
			void waiting.then(free, free);
		},
	};
}
