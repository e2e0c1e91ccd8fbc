/**
 * Random programs that the kernel's verifier accepts: arithmetic, jumps, bounded loops, the stack, a map's value,
 * atomics and functions. What they worked out they write to the map's value at their end.
 */
import fc from 'fast-check';
import * as assembler from './assembler.ts';

const { instruction, loadWide, program } = assembler;

/** Bytes of the map's value: what a program reads and writes, and behind it ten registers. */
export const dataBytes = 128;
export const valueBytes: number = dataBytes + 80;

/** Bytes of the stack that a program uses. */
const stackBytes = 64;

/** r6 points to the map's value; r9 counts a loop. All others hold numbers. */
const numbers = [0, 1, 2, 3, 4, 5, 7, 8];
const anyRegister: fc.Arbitrary<number> = fc.constantFrom(...numbers);
const anyImmediate: fc.Arbitrary<number> = fc.oneof(
	fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
	fc.integer({ min: -3, max: 3 }),
	fc.constantFrom(0x7fff_ffff, -0x8000_0000, 0xff, 0xffff, 0x7f, 0x80),
);

/** Instructions of a straight or branching piece of code, which leaves every number a number. */
type Piece = fc.Arbitrary<Uint8Array>;

const plainOperations = [0x00, 0x10, 0x20, 0x40, 0x50, 0xa0, 0xb0];
const shifts = [0x60, 0x70, 0xc0];

const arithmetic: Piece = fc
	.record({
		long: fc.boolean(),
		operation: fc.constantFrom(...plainOperations),
		to: anyRegister,
		from: fc.option(anyRegister, { nil: undefined }),
		immediate: anyImmediate,
	})
	.map(({ long, operation, to, from, immediate }) => {
		const group = long ? 0x07 : 0x04;
		return from === undefined
			? instruction(operation | group, to, 0, 0, immediate)
			: instruction(operation | group | 0x08, to, from);
	});

const shift: Piece = fc
	.record({
		long: fc.boolean(),
		operation: fc.constantFrom(...shifts),
		to: anyRegister,
		from: fc.option(anyRegister, { nil: undefined }),
		distance: fc.nat(63),
	})
	.map(({ long, operation, to, from, distance }) => {
		const group = long ? 0x07 : 0x04;
		return from === undefined
			? instruction(operation | group, to, 0, 0, long ? distance : distance & 31)
			: instruction(operation | group | 0x08, to, from);
	});

const division: Piece = fc
	.record({
		long: fc.boolean(),
		operation: fc.constantFrom(0x30, 0x90),
		to: anyRegister,
		from: fc.option(anyRegister, { nil: undefined }),
		immediate: anyImmediate.map((value) => value || 1),
		signed: fc.boolean(),
	})
	.map(({ long, operation, to, from, immediate, signed }) => {
		const group = long ? 0x07 : 0x04;
		const offset = signed ? 1 : 0;
		return from === undefined
			? instruction(operation | group, to, 0, offset, immediate)
			: instruction(operation | group | 0x08, to, from, offset);
	});

const conversion: Piece = fc.oneof(
	fc
		.record({ to: anyRegister, from: anyRegister, bits: fc.constantFrom(8, 16, 32) })
		.map(({ to, from, bits }) => instruction(0xbf, to, from, bits)),
	fc
		.record({ to: anyRegister, from: anyRegister, bits: fc.constantFrom(8, 16) })
		.map(({ to, from, bits }) => instruction(0xbc, to, from, bits)),
	fc
		.record({
			to: anyRegister,
			opcode: fc.constantFrom(0xd4, 0xdc, 0xd7),
			bits: fc.constantFrom(16, 32, 64),
		})
		.map(({ to, opcode, bits }) => instruction(opcode, to, 0, 0, bits)),
	anyRegister.chain((to) => fc.constantFrom(0x87, 0x84).map((opcode) => instruction(opcode, to))),
	fc
		.record({ to: anyRegister, value: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }) })
		.map(({ to, value }) => loadWide(to, value)),
);

const anySize = fc.constantFrom(1, 2, 4, 8) as fc.Arbitrary<assembler.Size>;

/** Where a program may read and write: the stack, from its top down, or the map's value. */
const anyPlace = (size: number): fc.Arbitrary<{ base: number; offset: number }> =>
	fc.oneof(
		fc.nat(stackBytes / size - 1).map((index) => ({ base: 10, offset: -(index + 1) * size })),
		fc.nat(dataBytes / size - 1).map((index) => ({ base: 6, offset: index * size })),
	);

const memory: Piece = anySize.chain((size) =>
	fc
		.record({
			place: anyPlace(size),
			register: anyRegister,
			does: fc.constantFrom('load', 'sign', 'store', 'immediate'),
			immediate: anyImmediate,
		})
		.map(({ place: { base, offset }, register, does, immediate }) => {
			if (does === 'sign' && size !== 8) return assembler.loadSigned(size, register, base, offset);
			if (does === 'store') return assembler.store(size, base, offset, register);
			if (does === 'immediate') return assembler.storeImmediate(size, base, offset, immediate);
			return assembler.load(size, register, base, offset);
		}),
);

const atomics: Piece = fc.constantFrom(4 as const, 8 as const).chain((size) =>
	fc
		.record({
			place: anyPlace(size),
			register: anyRegister,
			operation: fc.constantFrom(0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1),
		})
		.map(({ place: { base, offset }, register, operation }) =>
			assembler.atomic(size, base, offset, register, operation),
		),
);

const straight: Piece = fc.oneof(
	{ weight: 4, arbitrary: arithmetic },
	{ weight: 2, arbitrary: shift },
	{ weight: 2, arbitrary: division },
	{ weight: 2, arbitrary: conversion },
	{ weight: 4, arbitrary: memory },
	{ weight: 1, arbitrary: atomics },
);

const comparisons = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];

const anyJump = fc.record({
	operation: fc.constantFrom(...comparisons),
	long: fc.boolean(),
	left: anyRegister,
	right: fc.option(anyRegister, { nil: undefined }),
	immediate: anyImmediate,
});

function conditional(
	{ operation, long, left, right, immediate }: typeof anyJump extends fc.Arbitrary<infer Jump> ? Jump : never,
	distance: number,
): Uint8Array {
	const group = long ? 0x05 : 0x06;
	return right === undefined
		? instruction(operation | group, left, 0, distance, immediate)
		: instruction(operation | group | 0x08, left, right, distance);
}

const length = (code: Uint8Array): number => code.length / 8;

function sequence(piece: Piece, maxLength: number): Piece {
	return fc.array(piece, { minLength: 1, maxLength }).map((pieces) => program(...pieces));
}

/** Jump over a piece, or to one of two. */
function branch(piece: Piece): Piece {
	return fc
		.record({
			jump: anyJump,
			one: piece,
			other: fc.option(piece, { nil: undefined }),
			far: fc.boolean(),
		})
		.map(({ jump, one, other, far }) => {
			if (other === undefined) return program(conditional(jump, length(one)), one);
			const over = (far ? assembler.jumpLong : assembler.jump)(length(other));
			return program(conditional(jump, length(one) + 1), one, over, other);
		});
}

/** Run a piece a few times; it must not use r9. */
function loop(piece: Piece): Piece {
	return fc.record({ body: piece, times: fc.integer({ min: 1, max: 4 }) }).map(({ body, times }) =>
		program(
			assembler.moveImmediate(9, times),
			body,
			assembler.addImmediate(9, -1),
			instruction(0x55, 9, 0, -(length(body) + 2), 0), // if r9 != 0
		),
	);
}

const small = sequence(straight, 5);
const branching: Piece = fc.oneof(small, branch(fc.oneof(small, branch(small))));
const anyBody: Piece = sequence(
	fc.oneof(
		{ weight: 4, arbitrary: straight },
		{ weight: 3, arbitrary: branch(branching) },
		{ weight: 1, arbitrary: loop(branching) },
	),
	24,
);

/** Fill the stack and the numbers that do not come with a call. */
function prologue(seed: bigint, registers: readonly number[]): Uint8Array {
	const parts = registers.map((register, index) =>
		// Numbers that the verifier knows, and such that it does not.
		index % 2 === 0
			? loadWide(register, BigInt.asUintN(64, seed * BigInt(2 * index + 3)))
			: assembler.load(8, register, 6, (8 * index) % dataBytes),
	);
	for (let offset = 8; offset <= stackBytes; offset += 8) {
		parts.push(assembler.storeImmediate(8, 10, -offset, offset));
	}
	return program(...parts);
}

/** A function of the pointer to the map's value in r1 and numbers in r2 to r5, which returns a number. */
const anyFunction: fc.Arbitrary<Uint8Array> = fc
	.record({ body: anyBody, seed: fc.bigInt({ min: 1n, max: 0xffff_ffffn }) })
	.map(({ body, seed }) => program(assembler.move(6, 1), prologue(seed, [0, 1, 7, 8]), body, assembler.exit));

export interface RandomCode {
	/** The map's descriptor stands in for 0 in the wide load at the beginning. */
	bytes(map: number): Uint8Array;
	/** The number of that wide load. */
	readonly mapLoad: number;
}

/** Call a function with the map's value and four numbers, and make numbers of what the call leaves undefined. */
function callOf(distance: number): Uint8Array {
	return program(
		assembler.move(1, 6),
		assembler.callLocal(distance),
		...[1, 2, 3, 4, 5].map((register) => assembler.load(8, register, 6, 8 * register)),
	);
}

const callLength = 7;

export const randomCode: fc.Arbitrary<RandomCode> = fc
	.record({
		seed: fc.bigInt({ min: 1n, max: 0xffff_ffff_ffff_ffffn }),
		before: anyBody,
		after: anyBody,
		functions: fc.array(anyFunction, { maxLength: 2 }),
	})
	.map(({ seed, before, after, functions }) => {
		const epilogue = program(
			...[0, 1, 2, 3, 4, 5, 7, 8].map((register, index) =>
				assembler.store(8, 6, dataBytes + 8 * index, register),
			),
			assembler.exit,
		);
		const bytes = (map: number): Uint8Array => {
			const start = program(
				assembler.storeImmediate(4, 10, -4, 0),
				assembler.move(2, 10),
				assembler.addImmediate(2, -4),
				loadWide(1, BigInt(map), 1),
				assembler.call(1),
				instruction(0x55, 0, 0, 1, 0), // if r0 != 0
				assembler.exit,
				assembler.move(6, 0),
				prologue(seed, numbers),
				before,
			);
			const calls = functions.map((_, index) => {
				const behind = functions
					.slice(0, index)
					.reduce((sum, each) => sum + length(each), length(after) + length(epilogue));
				const callsLeft = (functions.length - 1 - index) * callLength;
				return callOf(callLength - 2 + callsLeft + behind);
			});
			return program(start, ...calls, after, epilogue, ...functions);
		};
		return { bytes, mapLoad: 3 };
	});
