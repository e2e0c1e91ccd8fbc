/** Legacy packet access instructions: RFC 9669, section 5.5.3. A packet that is too short ends the function with 0. */
import { unsupported } from './code.ts';
import { type Emitter, getWord, scratch, setRegister } from './emitter.ts';
import { accessBytes, accessMode, type Instruction } from './instruction.ts';
import { layout } from './memory.ts';
import { wasm, wasmType } from './wasm-opcodes.ts';

/** The number of the helper that reads, among helpers; the kernel's own begin at 1. */
export const legacyLoadHelper = -1;

export function emitLegacyLoad(emitter: Emitter, instruction: Instruction, at: number): void {
	const { out, checkedBits } = emitter;
	const { opcode, source, immediate } = instruction;
	const bytes = accessBytes(opcode);
	if (bytes === 8) throw unsupported(emitter.code, at, `the load 0x${opcode.toString(16)}`);
	const index = emitter.helperIndex(legacyLoadHelper, at);
	out.i32(immediate);
	if ((opcode & 0xe0) === accessMode.ind) {
		getWord(emitter, source);
		out.byte(wasm.i32Add);
	}
	out.i32(bytes);
	if (checkedBits !== undefined) out.i32(at);
	out.op(wasm.call, index);
	out.op(wasm.localTee, scratch.word);
	out.byte(wasm.if);
	out.byte(wasmType.none);
	out.i64(0);
	out.byte(wasm.return);
	out.byte(wasm.end);
	out.i32(layout.result);
	out.byte(wasm.i64Load);
	out.byte(0);
	out.byte(0);
	setRegister(emitter, 0);
}
