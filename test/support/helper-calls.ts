/** Random sequences of helper calls, as programs that write down what each call returned and left. */
import fc from 'fast-check';
import * as assembler from './assembler.ts';

const { instruction, loadWide, move, moveImmediate, program } = assembler;

/** What a call is written down as: r0, a buffer that some calls fill, and the context's members. */
const recordBytes = 96;
const bufferBytes = 32;
const steps = 6;
export const recordsBytes: number = steps * recordBytes;

/** Below the frame pointer: a buffer that is filled anew before each call, and one of constant bytes. */
const buffer = -64;
const other = -128;

/** r1 is the context where `context` says so; the rest from there on. */
interface Call {
	readonly helper: number;
	readonly context: boolean;
	readonly arguments: readonly (number | bigint | 'buffer' | 'other')[];
}

const u32 = fc.oneof(fc.nat(64), fc.nat(300), fc.constantFrom(0xffff, 0x10000, 0x7fff_ffff, 0xffff_ffff));
const s32 = fc.oneof(fc.integer({ min: -80, max: 80 }), fc.constantFrom(-5000, 5000, 0x7fff_ffff));
const size = fc.integer({ min: 1, max: bufferBytes });
const words = fc.constantFrom(0, 4, 8, 32);
const u64 = fc.oneof(fc.nat(8).map(BigInt), fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }));

function of(
	helper: number,
	context: boolean,
	...list: fc.Arbitrary<number | bigint | 'buffer' | 'other'>[]
): fc.Arbitrary<Call> {
	return fc.tuple(...list).map((values) => ({ helper, context, arguments: values }));
}

const [aBuffer, another] = [fc.constant('buffer' as const), fc.constant('other' as const)];
const checksumSize = fc.constantFrom(0n, 2n, 4n, 1n, 8n);

/** 0: where none is needed; 20: struct bpf_redir_neigh. */
const commonCalls = (redirectFlags: fc.Arbitrary<bigint>): fc.Arbitrary<Call>[] => [
	of(28, false, aBuffer, words, another, words, u32),
	of(28, false, fc.constant(0), fc.constant(0), another, words, u32),
	of(23, false, u32, redirectFlags),
	of(163, true, fc.constantFrom(0, 1, 77), aBuffer, s32, fc.constantFrom(0n, 1n, 2n)),
];

const roomFlags = fc.oneof(
	fc.nat(0x1ff).map(BigInt),
	fc.constantFrom(
		0n,
		1n,
		3n,
		5n,
		0x13n,
		0x15n,
		0xbn,
		0x0e00_0000_0000_0053n,
		0xff00_0000_0000_0003n,
		0x80n,
		0x100n,
	),
	fc.constantFrom(0x200n, 0x1_0000_0000n),
);

const skbCalls: readonly fc.Arbitrary<Call>[] = [
	...commonCalls(fc.constantFrom(0n, 1n, 2n)),
	of(9, true, u32, aBuffer, size, fc.constantFrom(0n, 1n, 2n, 3n, 4n)),
	of(26, true, u32, aBuffer, size),
	of(68, true, u32, aBuffer, size, fc.constantFrom(0, 1, 2)),
	of(10, true, u32, u64, u64, checksumSize),
	of(10, true, u32, fc.constant(0n), u64, fc.constant(0n)),
	of(
		11,
		true,
		u32,
		u64,
		u64,
		fc.tuple(checksumSize, fc.constantFrom(0n, 0x10n, 0x20n, 0x60n, 0x90n, 0x100n)).map(([a, b]) => a | b),
	),
	of(11, true, u32, fc.constant(0n), u64, fc.constantFrom(0n, 0x10n)),
	of(32, true, fc.nat(6)),
	of(38, true, fc.oneof(u32, fc.constantFrom(16_000, 16_064, 16_065)), fc.constantFrom(0n, 0n, 0n, 1n)),
	of(39, true, u32),
	of(41, true),
	of(43, true, u32, fc.constantFrom(0n, 0n, 0n, 1n)),
	of(50, true, s32, fc.constantFrom(0, 1, 1, 1, 2), roomFlags),
	of(50, true, fc.constantFrom(20, 28, 40, 50, -20, -40), fc.constant(1), roomFlags),
	of(18, true, fc.constantFrom(0x0081, 0xa888, 0x1234), fc.nat(0xffff)),
	of(19, true),
	of(135, true, fc.constantFrom(0n, 1n, 2n, 3n, 4n)),
	of(152, false, u32, aBuffer, fc.constantFrom(20, 21, 8), fc.constantFrom(0n, 1n)),
	of(155, false, u32, fc.constantFrom(0n, 1n)),
];

const xdpCalls: readonly fc.Arbitrary<Call>[] = [
	...commonCalls(fc.constantFrom(0n, 1n)),
	of(44, true, s32),
	of(44, true, fc.constantFrom(-216, -217, -100, -40, -20, 14, 46)),
	of(65, true, s32),
	of(65, true, fc.constantFrom(3000, 3520, 3456, 3457, -46)),
	of(188, true),
	of(189, true, u32, aBuffer, size),
	of(190, true, u32, another, size),
];

/** Members of the context that are written down after each call. */
const skbMembers = [0, 4, 16, 20, 24, 28, 68, 164, 176];
/** Where the ends of the frame stand in the context. */
const ends = { xdp: [0, 4], tc: [76, 80] } as const;

function argument(register: number, value: Call['arguments'][number]): Uint8Array {
	if (typeof value === 'string') {
		return program(move(register, 10), assembler.addImmediate(register, value === 'buffer' ? buffer : other));
	}
	return loadWide(register, BigInt.asUintN(64, BigInt(value)));
}

function fill(at: number, word: number): Uint8Array {
	const parts: Uint8Array[] = [];
	for (let offset = 0; offset < bufferBytes; offset += 4) {
		parts.push(assembler.storeImmediate(4, 10, at + offset, word + offset));
	}
	return program(...parts);
}

/** r6: the context; r7: the map's value. */
function codeOf({ helper, context, arguments: list }: Call, step: number, hook: 'xdp' | 'tc'): Uint8Array {
	const first = context ? 2 : 1;
	const at = step * recordBytes;
	// bpf_check_mtu reads a length where it writes the MTU.
	const word = helper === 163 ? 60 : helper === 152 ? 2 : 0x01020304;
	const members = hook === 'tc' ? skbMembers : [];
	const [data, end] = ends[hook];
	return program(
		fill(buffer, word),
		...(context ? [move(1, 6)] : []),
		...list.map((value, index) => argument(first + index, value)),
		assembler.call(helper),
		assembler.store(8, 7, at, 0),
		...[0, 8, 16, 24].flatMap((offset) => [
			assembler.load(8, 1, 10, buffer + offset),
			assembler.store(8, 7, at + 8 + offset, 1),
		]),
		...members.flatMap((member, index) => [
			assembler.load(4, 1, 6, member),
			assembler.store(4, 7, at + 40 + 4 * index, 1),
		]),
		assembler.load(4, 1, 6, end),
		assembler.load(4, 2, 6, data),
		instruction(0x1c, 1, 2), // w1 -= w2
		assembler.store(4, 7, at + 40 + 4 * skbMembers.length, 1),
	);
}

export interface Calls {
	readonly list: readonly Call[];
	/** `map` is the descriptor of the map that takes the records. */
	code(map: number): Uint8Array;
}

/** A program of some calls. */
export function anyCalls(hook: 'xdp' | 'tc'): fc.Arbitrary<Calls> {
	const calls = fc.oneof(...(hook === 'tc' ? skbCalls : xdpCalls));
	return fc.array(calls, { minLength: 1, maxLength: steps }).map((list) => ({
		list,
		code: (map) =>
			program(
				move(6, 1),
				assembler.storeImmediate(4, 10, -4, 0),
				move(2, 10),
				assembler.addImmediate(2, -4),
				loadWide(1, BigInt(map), 1),
				assembler.call(1),
				instruction(0x55, 0, 0, 1, 0), // if r0 != 0
				assembler.exit,
				move(7, 0),
				fill(other, 0x55aa_0000),
				...list.map((call, step) => codeOf(call, step, hook)),
				moveImmediate(0, 1),
				assembler.exit,
			),
	}));
}

/** The number of the wide load of the map. */
export const callsMapLoad = 4;
