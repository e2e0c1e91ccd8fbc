/** Conditions of jumps: RFC 9669, section 4.3. */
import { unsupported } from './code.ts';
import { type Emitter, getOperand, getRegister, getWord } from './emitter.ts';
import { type Instruction, instructionClass, jumpOperation as jump } from './instruction.ts';
import { wasm } from './wasm-opcodes.ts';

const comparisons: ReadonlyMap<number, readonly [long: number, word: number]> = new Map([
	[jump.jeq, [wasm.i64Eq, wasm.i32Eq]],
	[jump.jne, [wasm.i64Ne, wasm.i32Ne]],
	[jump.jgt, [wasm.i64GtU, wasm.i32GtU]],
	[jump.jge, [wasm.i64GeU, wasm.i32GeU]],
	[jump.jlt, [wasm.i64LtU, wasm.i32LtU]],
	[jump.jle, [wasm.i64LeU, wasm.i32LeU]],
	[jump.jsgt, [wasm.i64GtS, wasm.i32GtS]],
	[jump.jsge, [wasm.i64GeS, wasm.i32GeS]],
	[jump.jslt, [wasm.i64LtS, wasm.i32LtS]],
	[jump.jsle, [wasm.i64LeS, wasm.i32LeS]],
]);

/** Push an i32 that is not zero where the jump is taken. */
export function emitCondition(emitter: Emitter, instruction: Instruction, at: number): void {
	const { out } = emitter;
	const { opcode, destination } = instruction;
	const long = (opcode & 0x07) === instructionClass.jmp;
	const operation = opcode & 0xf0;
	if (long) getRegister(emitter, destination);
	else getWord(emitter, destination);
	getOperand(emitter, instruction, long);
	if (operation === jump.jset) {
		out.byte(long ? wasm.i64And : wasm.i32And);
		if (long) {
			out.i64(0);
			out.byte(wasm.i64Ne);
		}
		return;
	}
	const comparison = comparisons.get(operation);
	if (comparison === undefined) {
		throw unsupported(emitter.code, at, `the jump 0x${opcode.toString(16)}`);
	}
	out.byte(comparison[long ? 0 : 1]);
}
