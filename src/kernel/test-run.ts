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
	/** The context as the program left it; empty if none was given. */
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

/**
 * Run a program on the processor this thread is on, in the network namespace it is in: devices are
 * looked up there, so call inside `inNamespace` where that matters. Returns when all runs are done; where
 * live frames have arrived by then is another matter.
 * @param program its file descriptor
 * @throws EF_KERNEL
 */
export function testRun(program: number, options: TestRunOptions): TestRun {
	const { data, repeat = 1, flags = 0, context = new Uint8Array(), batchSize = 0 } = options;
	// The kernel refuses to return a frame that is gone.
	const room = (flags & testRunFlags.liveFrames) === 0 ? data.length + growth : 0;
	const dataOut = new Uint8Array(new ArrayBuffer(room));
	const contextOut = new Uint8Array(new ArrayBuffer(context.length));
	const view = new DataView(new ArrayBuffer(layout.size));
	// The struct holds bare addresses: the arrays must be named after the call, or they may be collected.
	const address = (bytes: Uint8Array): bigint => (bytes.length === 0 ? 0n : koffi().address(bytes));
	view.setBigUint64(0, BigInt(layout.size), true);
	view.setBigUint64(layout.dataIn, address(data), true);
	view.setBigUint64(layout.dataOut, address(dataOut), true);
	view.setUint32(layout.dataSizeIn, data.length, true);
	view.setUint32(layout.dataSizeOut, dataOut.length, true);
	view.setBigUint64(layout.contextIn, address(context), true);
	view.setBigUint64(layout.contextOut, address(contextOut), true);
	view.setUint32(layout.contextSizeIn, context.length, true);
	view.setUint32(layout.contextSizeOut, contextOut.length, true);
	view.setInt32(layout.repeat, repeat, true);
	view.setUint32(layout.flags, flags, true);
	view.setUint32(layout.batchSize, batchSize, true);
	checkBpf(
		libbpf().bpf_prog_test_run_opts(program, new Uint8Array(view.buffer)),
		`run a BPF program on a frame of ${data.length} bytes`,
	);
	return {
		returnValue: view.getUint32(layout.returnValue, true),
		data: dataOut.subarray(0, Math.min(view.getUint32(layout.dataSizeOut, true), room)),
		context: contextOut.subarray(0, Math.min(view.getUint32(layout.contextSizeOut, true), context.length)),
		duration: view.getUint32(layout.duration, true),
	};
}
