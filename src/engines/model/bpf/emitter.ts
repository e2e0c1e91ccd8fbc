/** What the files that write a function's instructions share. */
import type { Code } from './code.ts';
import type { Instruction } from './instruction.ts';
import type { MemoryMap } from './maps/map.ts';
import type { BpfHook } from './program.ts';
import { wasm } from './wasm-opcodes.ts';
import type { WasmWriter } from './wasm-writer.ts';

/** BPF registers by number, as WebAssembly locals of type i64: r1 to r5 and r10, which are parameters, first. */
const registers = [6, 0, 1, 2, 3, 4, 7, 8, 9, 10, 5] as const;

/** Locals that hold something within one instruction. */
export const scratch = { long: 11, word: 12, otherWord: 13 } as const;

/** A local: where the function's stack begins, as an i32. */
export const frameLocal = 14;

/** Locals of each type: r0 to r10 and a scratch one; two scratch ones and `frameLocal`. */
export const localCounts = { i64: 12, i32: 3 } as const;

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
	out.two(wasm.localGet, registers[register as 0]);
}

/** Push a register's lower 32 bits. */
export function getWord({ out }: Emitter, register: number): void {
	out.three(wasm.localGet, registers[register as 0], wasm.i32WrapI64);
}

/** Set a register to what is on the stack: 64 bits. */
export function setRegister({ out }: Emitter, register: number): void {
	out.two(wasm.localSet, registers[register as 0]);
}

/** Set a register to 32 bits, its upper half to zero. */
export function setWord({ out }: Emitter, register: number): void {
	out.three(wasm.i64ExtendI32U, wasm.localSet, registers[register as 0]);
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
