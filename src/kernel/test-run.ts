/** Runs a BPF program once or many times on a given packet: BPF_PROG_TEST_RUN. */
import { checkBpf, libbpf } from './libbpf.ts';
import { koffi } from './library.ts';

/** Flags of BPF_PROG_TEST_RUN. */
export const testRunFlags: {
	/** XDP: each packet is a frame of its own that really goes where the program's verdict sends it. */
	readonly liveFrames: number;
} = {
	liveFrames: 1 << 1, // BPF_F_TEST_XDP_LIVE_FRAMES
};

export interface TestRunOptions {
	/** The frame the program sees, Ethernet header first, at least 14 bytes. */
	readonly data: Uint8Array;
	/** How often to run, 1 if not given. Without live frames every run sees the bytes the last one left. */
	readonly repeat?: number;
	/** Of `testRunFlags`, or-ed. */
	readonly flags?: number;
	/** struct xdp_md or struct __sk_buff as the program is to see it. */
	readonly context?: Uint8Array;
	/** Live frames: how many go at a time, 64 if not given. */
	readonly batchSize?: number;
}

export interface TestRun {
	/** What the program returned, the last time. */
	readonly returnValue: number;
	/** The frame as the program left it; empty with live frames, which are elsewhere by then. */
	readonly data: Uint8Array;
	/** The context as the program left it; empty if none was given, and with live frames. */
	readonly context: Uint8Array;
	/** Nanoseconds one run took on average. */
	readonly duration: number;
}

/** How much longer than it came a frame may be returned. */
const growth = 4096;

/** struct bpf_test_run_opts of libbpf's bpf.h, with pointers of 8 bytes. */
const layout = {
	size: 80,
	dataIn: 8,
	dataOut: 16,
	dataSizeIn: 24,
	dataSizeOut: 28,
	contextIn: 32,
	contextOut: 40,
	contextSizeIn: 48,
	contextSizeOut: 52,
	returnValue: 56,
	repeat: 60,
	duration: 64,
	flags: 68,
	batchSize: 76,
} as const;

/** A program made ready to be run on one frame after another: nothing is allocated for a run. */
export interface PreparedRun {
	/** Where the frame to run on is to be written, from its first byte on. */
	readonly frame: Uint8Array;
	/** Where the context is to be written. */
	readonly context: Uint8Array;
	/**
	 * Run the program on the processor this thread is on, in the network namespace it is in: devices are
	 * looked up there, so call inside `inNamespace` where that matters. Returns when all runs are done; where
	 * live frames have arrived by then is another matter. What it returns holds until the next run.
	 * @param length of the frame, in bytes
	 * @throws EF_KERNEL
	 */
	run(length: number): TestRun;
}

/** @param options of all runs, with the length of the longest frame and of the context */
export function prepareTestRun(
	program: number,
	options: Omit<TestRunOptions, 'data' | 'context'> & {
		readonly most: number;
		readonly contextBytes: number;
	},
): PreparedRun {
	const { most, contextBytes, repeat = 1, flags = 0, batchSize = 0 } = options;
	// The kernel refuses to return a frame that is gone, and what its program had for a context.
	const returned = (flags & testRunFlags.liveFrames) === 0;
	const room = returned ? most + growth : 0;
	const frame = new Uint8Array(new ArrayBuffer(most));
	const context = new Uint8Array(new ArrayBuffer(contextBytes));
	const frameOut = new Uint8Array(new ArrayBuffer(room));
	const contextRoom = returned ? contextBytes : 0;
	const contextOut = new Uint8Array(new ArrayBuffer(contextRoom));
	const view = new DataView(new ArrayBuffer(layout.size));
	const struct = new Uint8Array(view.buffer);
	// The struct holds bare addresses: the arrays must be named after the call, or they may be collected.
	const address = (bytes: Uint8Array): bigint => (bytes.length === 0 ? 0n : koffi().address(bytes));
	view.setBigUint64(0, BigInt(layout.size), true);
	view.setBigUint64(layout.dataIn, address(frame), true);
	view.setBigUint64(layout.dataOut, address(frameOut), true);
	view.setBigUint64(layout.contextIn, address(context), true);
	view.setBigUint64(layout.contextOut, address(contextOut), true);
	view.setUint32(layout.contextSizeIn, contextBytes, true);
	view.setUint32(layout.repeat, repeat, true);
	view.setUint32(layout.flags, flags, true);
	view.setUint32(layout.batchSize, batchSize, true);
	return {
		frame,
		context,
		run: (length) => {
			// The kernel writes these anew.
			view.setUint32(layout.dataSizeIn, length, true);
			view.setUint32(layout.dataSizeOut, room, true);
			view.setUint32(layout.contextSizeOut, contextRoom, true);
			checkBpf(
				libbpf().bpf_prog_test_run_opts(program, struct),
				`run a BPF program on a frame of ${length} bytes`,
			);
			return {
				returnValue: view.getUint32(layout.returnValue, true),
				data: frameOut.subarray(0, Math.min(view.getUint32(layout.dataSizeOut, true), room)),
				context: contextOut.subarray(0, Math.min(view.getUint32(layout.contextSizeOut, true), contextRoom)),
				duration: view.getUint32(layout.duration, true),
			};
		},
	};
}

/** Run a program on one frame; see `PreparedRun.run`. @param program its file descriptor @throws EF_KERNEL */
export function testRun(program: number, { data, context, ...options }: TestRunOptions): TestRun {
	const contextBytes = context?.length ?? 0;
	const prepared = prepareTestRun(program, { ...options, most: data.length, contextBytes });
	prepared.frame.set(data);
	if (context !== undefined) prepared.context.set(context);
	return prepared.run(data.length);
}
