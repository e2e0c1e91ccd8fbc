/** The instructions of a basic block, and what stands at a block's ends. */
import { emitAccess } from './access.ts';
import { emitAlu } from './alu.ts';
import { emitCall } from './call.ts';
import { damaged, unsupported } from './code.ts';
import { emitCondition } from './condition.ts';
import type { Block } from './control-flow.ts';
import { type Emitter, framePointer, getRegister, setRegister, stopReasons } from './emitter.ts';
import { accessMode, type Instruction, instructionClass, loadWide } from './instruction.ts';
import { emitLegacyLoad } from './legacy-load.ts';
import { wasm, wasmType } from './wasm-opcodes.ts';

/** More bytes than an instruction is translated to, a call aside; and than a call, or what stands at a block's end. */
const [instructionRoom, callRoom] = [128, 512];

/** The instructions of a block without its terminator. */
export function emitBlock(emitter: Emitter, block: Block): void {
	const { start, end } = block;
	const { out, code } = emitter;
	out.reserve((end - start) * instructionRoom);
	for (let at = start; at < end; at++) {
		const instruction = code.instructions.at(at);
		emitInstruction(emitter, instruction, at, block);
		if (instruction.opcode === loadWide) at++;
	}
}

function emitInstruction(
	emitter: Emitter,
	instruction: Instruction,
	at: number,
	{ start, end }: Block,
): void {
	const { opcode, destination, source } = instruction;
	if (destination >= framePointer || source > framePointer) requireRegisters(emitter, instruction, at);
	switch (opcode & 0x07) {
		case instructionClass.alu:
		case instructionClass.alu64:
			emitAlu(emitter, instruction, at);
			return;
		case instructionClass.jmp:
			emitter.out.reserve(callRoom + instructionRoom * (end - at));
			emitCall(emitter, instruction, at, start);
			return;
		case instructionClass.ld:
			emitLoad(emitter, instruction, at);
			return;
		case instructionClass.jmp32:
			throw unsupported(emitter.code, at, `the jump 0x${opcode.toString(16)}`);
		default:
			emitAccess(emitter, instruction, at);
			return;
	}
}

/** A number of 64 bits, or what its reference stands for. */
function emitLoad(emitter: Emitter, instruction: Instruction, at: number): void {
	const { out, code } = emitter;
	const { opcode, destination, source, immediate } = instruction;
	const mode = opcode & 0xe0;
	if (mode === accessMode.abs || mode === accessMode.ind) {
		emitLegacyLoad(emitter, instruction, at);
		return;
	}
	if (opcode !== loadWide) throw unsupported(code, at, `the load 0x${opcode.toString(16)}`);
	const reference = code.references.get(at);
	if (reference?.kind === 'map') out.i64(reference.handle);
	else if (reference?.kind === 'address') out.i64(reference.address);
	else if (reference !== undefined || source !== 0) {
		throw unsupported(code, at, `a wide load of kind ${source}`);
	} else {
		const upper = code.instructions.immediate(at + 1);
		out.byte(0x42);
		out.signed64((BigInt(upper) << 32n) | BigInt(immediate >>> 0));
	}
	setRegister(emitter, destination);
}

/** The jump's condition on the stack. */
export function emitBranchCondition(emitter: Emitter, block: Block): void {
	emitter.out.reserve(callRoom);
	emitCondition(emitter, emitter.code.instructions.at(block.end), block.end);
}

export function emitExit(emitter: Emitter): void {
	getRegister(emitter, 0);
	emitter.out.byte(wasm.return);
}

/** In a checked build, burn fuel: a program that jumps back too often is stopped. */
export function emitFuel({ out, checkedBits, stopFunction }: Emitter, at: number): void {
	if (checkedBits === undefined) return;
	out.op(wasm.globalGet, 0);
	out.i32(1);
	out.byte(wasm.i32Sub);
	out.op(wasm.globalSet, 0);
	out.op(wasm.globalGet, 0);
	out.byte(wasm.i32Eqz);
	out.byte(wasm.if);
	out.byte(wasmType.none);
	out.i32(stopReasons.indexOf('fuel'));
	out.i32(at);
	out.i32(0);
	out.i64(0);
	out.op(wasm.call, stopFunction);
	out.byte(wasm.end);
}

/** There are eleven registers, and the frame pointer is not written. */
function requireRegisters({ code }: Emitter, { opcode, destination, source }: Instruction, at: number): void {
	if (destination > framePointer || source > framePointer)
		throw damaged(code, at, 'there is no such register');
	const group = opcode & 0x07;
	const writes =
		group === instructionClass.alu ||
		group === instructionClass.alu64 ||
		group === instructionClass.ldx ||
		group === instructionClass.ld;
	if (writes && destination === framePointer) throw damaged(code, at, 'the frame pointer is written');
}
