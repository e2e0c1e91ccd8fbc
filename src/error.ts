/**
 * Every error this package raises on purpose: one class, a stable code, and one line that says what is
 * wrong, where, and what to do about it.
 */

/** Stable for good: programs match on these. What each means is its value. */
export const errorCodes = {
	EF_BUG: 'a mistake of this package itself',
	EF_USAGE: 'an option or argument that does not exist or has a value it cannot have',
	EF_CONTRADICTION: 'options that cannot hold together',
	EF_CONFIGURATION: 'a configuration file that says what cannot be',
	EF_SNAPSHOT: 'a snapshot that is damaged, has parts missing, or contradicts itself',
	EF_PACKET: 'a packet that cannot be read from its description or from a capture',
	EF_NO_DEVICE: 'a device that is not there, or that packets cannot come in by',
	EF_INPUT: 'a value given to the API that it cannot take',
	EF_FILE: 'a file that cannot be read or written',
	EF_NOT_LINUX: 'the real kernel is asked for where there is no Linux',
	EF_PERMISSION: 'a capability is missing',
	EF_NO_TOOL: 'a program this package runs is not installed',
	EF_NO_LIBBPF: 'libbpf.so.1 cannot be loaded',
	EF_NO_BTF: 'the kernel publishes no BTF',
	EF_NO_BPFFS: 'there is no BPF file system, or it cannot be written',
	EF_PRIVATE_MOUNTS: 'what is pinned here would vanish with this process',
	EF_NO_OBJECT: 'a compiled BPF object is missing or damaged',
	EF_BPF_UNSUPPORTED: 'a BPF program needs what the model does not know',
	EF_BPF_FAULT: 'a BPF program touched what is not its own',
	EF_BPF_ENDLESS: 'a BPF program did not end',
	EF_KERNEL_FEATURE: 'the running kernel lacks a feature',
	EF_KERNEL: 'the kernel refused a request',
	EF_BPF_LOAD: 'the kernel refused to load a BPF object',
	EF_TOOL_FAILED: 'a program this package runs failed',
	EF_EXISTS: 'something of that name exists and is not ours',
	EF_NOT_UP: 'what the command works on has not been set up',
	EF_BUSY: 'somebody else is using what only one can use',
	EF_OUTPUT: 'the output cannot be written',
	EF_INTERRUPTED: 'ended by a signal',
	EF_EXPECTATION: '--expect was not met',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** A mistake in a file that a user wrote. */
export interface Problem {
	/** As the user named it. */
	readonly file: string;
	/** From 1. */
	readonly line: number;
	/** From 1, in UTF-16 code units, as editors count. */
	readonly column: number;
	/** What it is about, such as `tunnels[0].ttl`; empty for the file as a whole. */
	readonly path: string;
	/** What is wrong; what to do. */
	readonly message: string;
}

/** `FILE:LINE:COLUMN: path: what; what to do`, which editors and terminals can jump to. */
export function problemText({ file, line, column, path, message }: Problem): string {
	return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** An error with a stable code. `message` is one line: what, where, and what to do. */
export class EncapForwardError extends Error {
	override readonly name = 'EncapForwardError';
	readonly code: ErrorCode;
	/** More than the line can hold, such as the verifier's log; shown below it. */
	readonly detail: string | undefined;
	/** All mistakes of a configuration, the message's own first; of other errors, none. */
	readonly problems: readonly Problem[];

	constructor(
		code: ErrorCode,
		message: string,
		options: { cause?: unknown; detail?: string; problems?: readonly Problem[] } = {},
	) {
		super(
			message.trim().replace(/\s+/g, ' '),
			options.cause === undefined ? undefined : { cause: options.cause },
		);
		this.code = code;
		this.detail = options.detail;
		this.problems = options.problems ?? [];
	}

	toJSON(): { code: ErrorCode; message: string; detail?: string; problems?: readonly Problem[] } {
		return {
			code: this.code,
			message: this.message,
			...(this.detail === undefined ? {} : { detail: this.detail }),
			...(this.problems.length === 0 ? {} : { problems: this.problems }),
		};
	}
}
