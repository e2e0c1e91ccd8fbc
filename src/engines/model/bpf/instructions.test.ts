/** What the conformance suite misses, and what is refused. test/engines/model has the suite and the kernel. */
import { expect, test } from 'vitest';
import * as assembler from '../../../../test/support/assembler.ts';
import { bareCode, builds, runBare } from '../../../../test/support/bpf-code.ts';
import { controlFlow } from './control-flow.ts';

const {
	add,
	addImmediate,
	atomic,
	call,
	callLocal,
	exit,
	instruction,
	jump,
	jumpLong,
	load,
	loadWide,
	move,
	moveImmediate,
	program,
	store,
	storeImmediate,
} = assembler;

function resultOf(code: Uint8Array, build: (typeof builds)[number], input?: Uint8Array): bigint {
	return runBare(code, { ...build, ...(input === undefined ? {} : { input }) }).result;
}

test.each(builds)('gotol jumps: $build, dispatch $dispatch', (build) => {
	const code = program(moveImmediate(0, 1), jumpLong(1), moveImmediate(0, 2), exit);
	expect(resultOf(code, build)).toBe(1n);
	// 40,000 instructions away, which 16 bits cannot say.
	const far = program(
		moveImmediate(0, 1),
		jumpLong(40_000),
		...new Array<Uint8Array>(40_000).fill(moveImmediate(0, 2)),
		exit,
	);
	expect(resultOf(far, build)).toBe(1n);
});

test.each(builds)('a function has a stack of its own: $build, dispatch $dispatch', (build) => {
	const code = program(
		storeImmediate(8, 10, -8, 7),
		moveImmediate(6, 5),
		callLocal(3),
		load(8, 1, 10, -8),
		add(0, 1),
		exit,
		storeImmediate(8, 10, -8, 1000),
		moveImmediate(6, 99),
		load(8, 0, 10, -8),
		exit,
	);
	expect(resultOf(code, build)).toBe(1007n);
	// r6 to r9 are the caller's own.
	const kept = program(moveImmediate(6, 5), callLocal(2), move(0, 6), exit, moveImmediate(6, 9), exit);
	expect(resultOf(kept, build)).toBe(5n);
});

test.each(builds)("a function reads its caller's stack by a pointer: $build, dispatch $dispatch", (build) => {
	const code = program(
		storeImmediate(8, 10, -8, 42),
		move(1, 10),
		callLocal(1),
		exit,
		load(8, 0, 1, -8),
		exit,
	);
	expect(resultOf(code, build)).toBe(42n);
});

test.each(builds)('stores: $build, dispatch $dispatch', (build) => {
	const input = new Uint8Array(16).fill(0xee);
	const left = (code: Uint8Array): string =>
		Buffer.from(runBare(program(code, moveImmediate(0, 0), exit), { ...build, input }).memory).toString(
			'hex',
		);
	expect(left(storeImmediate(8, 1, 0, -2))).toBe('feffffffffffffffeeeeeeeeeeeeeeee');
	expect(left(storeImmediate(4, 1, 4, -2))).toBe('eeeeeeeefeffffffeeeeeeeeeeeeeeee');
	expect(left(storeImmediate(1, 1, 3, 0x1ff))).toBe('eeeeeeffeeeeeeeeeeeeeeeeeeeeeeee');
	expect(left(program(moveImmediate(3, 0x1234), store(1, 1, 3, 3)))).toBe('eeeeee34eeeeeeeeeeeeeeeeeeeeeeee');
	expect(left(program(moveImmediate(3, 0x1234), store(2, 1, 3, 3)))).toBe('eeeeee3412eeeeeeeeeeeeeeeeeeeeee');
});

test.each(builds)('load-acquire and store-release: $build, dispatch $dispatch', (build) => {
	const code = program(
		moveImmediate(3, -2),
		instruction(0xd3, 1, 3, 4, 0x110), // 1 byte, store release
		instruction(0xcb, 0, 1, 4, 0x100), // 2 bytes, load acquire
		exit,
	);
	expect(resultOf(code, build, new Uint8Array(8).fill(0x11))).toBe(0x11fen);
});

test.each(builds)('32-bit atomics leave the upper half zero: $build, dispatch $dispatch', (build) => {
	const exchange = program(loadWide(3, -1n), atomic(4, 1, 0, 3, 0xe1), move(0, 3), exit);
	expect(resultOf(exchange, build, new Uint8Array(8).fill(0x80))).toBe(0x80808080n);
	// Compared are 32 bits: the upper half of r0 does not matter.
	const compare = program(
		loadWide(0, 0x1_8080_8080n),
		moveImmediate(3, 5),
		atomic(4, 1, 0, 3, 0xf1),
		load(4, 3, 1, 0),
		add(0, 3),
		exit,
	);
	expect(resultOf(compare, build, new Uint8Array(8).fill(0x80))).toBe(0x80808085n);
});

test.each(builds)('the most negative number by -1: $build, dispatch $dispatch', (build) => {
	const [long, word] = [-(2n ** 63n), -(2n ** 31n)];
	const signed = (opcode: number, value: bigint, by: 'register' | 'immediate'): bigint =>
		resultOf(
			program(
				loadWide(0, BigInt.asUintN(64, value)),
				moveImmediate(3, -1),
				by === 'register' ? instruction(opcode | 0x08, 0, 3, 1) : instruction(opcode, 0, 0, 1, -1),
				exit,
			),
			build,
		);
	for (const by of ['register', 'immediate'] as const) {
		expect(signed(0x37, long, by)).toBe(2n ** 63n);
		expect(signed(0x97, long, by)).toBe(0n);
		expect(signed(0x34, word, by)).toBe(2n ** 31n);
		expect(signed(0x94, word, by)).toBe(0n);
	}
});

/** Two entries into one loop: the kernel's verifier accepts it, compilers do not write it. */
const irreducible = program(
	moveImmediate(0, 0),
	instruction(0x15, 2, 0, 2, 0), // if r2 == 0 goto the middle
	addImmediate(0, 1), // the beginning
	addImmediate(2, 1),
	addImmediate(0, 100), // the middle
	instruction(0xa5, 2, 0, -4, 10), // if r2 < 10 goto the beginning
	exit,
);

test.each(builds)('control flow without structure: $build, dispatch $dispatch', (build) => {
	expect(controlFlow(bareCode(irreducible), 0).reducible).toBe(false);
	// r2 is the length of the input.
	expect(resultOf(irreducible, build)).toBe(1110n);
	expect(resultOf(irreducible, build, new Uint8Array(7))).toBe(303n);
});

test.each(builds)('long programs and deep branches overflow nothing: $build, dispatch $dispatch', (build) => {
	// Each branch is inside the one before it: 5,000 blocks in each other.
	const branches = Array.from({ length: 5000 }, (_, index) => instruction(0x15, 2, 0, 2, index + 100));
	const code = program(
		moveImmediate(0, 1),
		...branches.flatMap((branch) => [branch, addImmediate(0, 1), jump(1), exit]),
		exit,
	);
	expect(resultOf(code, build)).toBe(5001n);
	const [chain] = [new Array<Uint8Array>(32_000).fill(addImmediate(0, 1))];
	expect(resultOf(program(moveImmediate(0, 0), ...chain, exit), build)).toBe(32_000n);
});

/** A function that calls the one behind it, so many times, and the last. */
function nested(depth: number): Uint8Array {
	const middle = new Array<Uint8Array>(depth - 1).fill(program(callLocal(1), exit));
	return program(...middle, moveImmediate(0, 8), exit);
}

test('eight frames and no more; no recursion', () => {
	const [build] = builds;
	if (build === undefined) return;
	expect(resultOf(nested(8), build)).toBe(8n);
	expect(() => resultOf(nested(9), build)).toThrow(/more than 8 calls in each other, at instruction 0/);
	const itself = program(callLocal(1), exit, callLocal(-1), exit);
	expect(() => resultOf(itself, build)).toThrow(/a function that calls itself, at instruction 2/);
});

const refusals: readonly { what: string; code: Uint8Array; says: RegExp }[] = [
	{
		what: 'a helper that we lack',
		code: program(call(12), exit),
		says: /helper bpf_tail_call, at instruction 0/,
	},
	{
		what: 'a helper of another hook',
		code: program(call(50), exit),
		says: /bpf_skb_adjust_room, at instruction 0/,
	},
	{ what: 'a helper that nobody has', code: program(call(9999), exit), says: /helper number 9999/ },
	{
		what: 'a kernel function',
		code: program(instruction(0x85, 0, 2, 0, 77), exit),
		says: /kernel function 77/,
	},
	{ what: 'a call by register', code: program(instruction(0x8d, 3), exit), says: /call by register/ },
	{
		what: 'may_goto',
		code: program(instruction(0xe5, 0, 0, 1), exit, exit),
		says: /jump 0xe5, at instruction 0/,
	},
	{
		what: 'an address space cast',
		code: program(instruction(0xbf, 0, 0, 1), exit),
		says: /0xbf \(offset 1\)/,
	},
	{ what: 'a swap of 8 bits', code: program(instruction(0xdc, 0, 0, 0, 8), exit), says: /instruction 0xdc/ },
	{ what: 'a wide load of a map', code: program(loadWide(0, 5n, 1), exit), says: /wide load of kind 1/ },
	{ what: 'an atomic operation', code: program(atomic(8, 10, -8, 1, 0x33), exit), says: /operation 0x33/ },
	{ what: 'an atomic byte', code: program(instruction(0xd3, 10, 1, -8), exit), says: /atomic operation 0x0/ },
	{
		what: 'a signed load of 8 bytes',
		code: program(instruction(0x99, 0, 10, -8), exit),
		says: /instruction 0x99/,
	},
	{ what: 'arithmetic', code: program(instruction(0xe7), exit), says: /instruction 0xe7/ },
];

test.each(refusals)('refused and named: $what', ({ code, says }) => {
	for (const build of builds) {
		expect(() => resultOf(code, build)).toThrow(says);
		expect(() => resultOf(code, build)).toThrow(expect.objectContaining({ code: 'EF_BPF_UNSUPPORTED' }));
	}
});

test.each([
	{ what: 'over its end', code: moveImmediate(0, 1) },
	{ what: 'out of the program', code: program(jump(5), exit) },
	{ what: 'before its beginning', code: program(jump(-3), exit) },
	{ what: 'into an instruction', code: program(jump(1), loadWide(0, 1n), exit) },
	{ what: 'nowhere', code: new Uint8Array() },
	{ what: 'to a function that is not there', code: program(callLocal(7), exit) },
])('a program that runs $what is damaged', ({ code }) => {
	for (const build of builds) {
		expect(() => resultOf(code, build)).toThrow(expect.objectContaining({ code: 'EF_NO_OBJECT' }));
	}
});

test('what cannot be reached may be anything', () => {
	for (const build of builds) {
		const code = program(moveImmediate(0, 1), jump(1), instruction(0xff), exit);
		expect(resultOf(code, build)).toBe(1n);
	}
});
