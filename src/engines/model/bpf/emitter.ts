/** What the files that write a function's instructions share. */
import type { Code } from './code.ts';
import type { Instruction } from './instruction.ts';
import type { MemoryMap } from './maps/map.ts';
import type { BpfHook } from './program.ts';
import { wasm } from './wasm-opcodes.ts';
import type { WasmWriter } from './wasm-writer.ts';

/** Parameters r1 to r5 and r10, then locals: BPF registers by number, as WebAssembly locals of type i64. */
const registers = [6, 0, 1, 2, 3, 4, 7, 8, 9, 10, 5] as const;

/** Locals that hold something within one instruction. */
export const scratch = { long: 11, otherLong: 12, word: 13, otherWord: 14 } as const;

/** A local: where the function's stack begins, as an i32. */
export const frameLocal = 15;

/** Locals of each type, behind the six parameters: r0, r6 to r9 and the scratch ones; `frameLocal` last. */
export const localCounts = { i64: 7, i32: 3 } as const;

export const framePointer = 10;

/** Bytes of the stack of a function. */
export const frameBytes = 512;

/** Why a checked program is stopped; the numbers go through WebAssembly. */
export const stopReasons = ['read', 'write', 'fuel'] as const;

export interface Emitter {
	readonly code: Code;
	readonly out: WasmWriter;
	readonly hook: BpfHook;
	/** Of a checked build: 2 to the power of this is the size of the data, and where its permissions begin. */
	readonly checkedBits: number | undefined;
	/** Of a checked build: the function that stops the program (i32 reason, instruction, bytes; i64 address). */
	readonly stopFunction: number;
	/** Index of the WebAssembly function of a BPF function. */
	functionIndex(target: number): number;
	/** The map of a handle. */
	map(handle: number): MemoryMap | undefined;
	/** Index of the imported function of a helper. @throws EF_BPF_UNSUPPORTED */
	helperIndex(helper: number, instruction: number): number;
}

/** Push a register: 64 bits. */
export function getRegister({ out }: Emitter, register: number): void {
	out.op(wasm.localGet, registers[register as 0] ?? 0);
}

/** Push a register's lower 32 bits. */
export function getWord(emitter: Emitter, register: number): void {
	getRegister(emitter, register);
	emitter.out.byte(wasm.i32WrapI64);
}

export function setRegister({ out }: Emitter, register: number): void {
	out.op(wasm.localSet, registers[register as 0] ?? 0);
}

/** Set a register to 32 bits, its upper half to zero. */
export function setWord(emitter: Emitter, register: number): void {
	emitter.out.byte(wasm.i64ExtendI32U);
	setRegister(emitter, register);
}

/** Push the second operand of an arithmetic instruction or a jump. */
export function getOperand(emitter: Emitter, instruction: Instruction, long: boolean): void {
	const { opcode, source, immediate } = instruction;
	if ((opcode & 0x08) !== 0) {
		if (long) getRegister(emitter, source);
		else getWord(emitter, source);
	} else if (long) emitter.out.i64(immediate);
	else emitter.out.i32(immediate);
}
