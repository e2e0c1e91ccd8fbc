/** Calls of helpers and of the program's own functions: RFC 9669, section 4.3.1. */

import { unsupported } from './code.ts';
import { type Emitter, frameBytes, framePointer, getRegister, setRegister, stopReasons } from './emitter.ts';
import type { Helper } from './helpers/prototype.ts';
import { helpers } from './helpers/table.ts';
import { emitInlined } from './inlined-helpers.ts';
import type { Instruction } from './instruction.ts';
import { knownBefore } from './known.ts';
import { layout } from './memory.ts';
import { wasm, wasmType } from './wasm-opcodes.ts';

const [helperCall, localCall] = [0, 1];

/** The opcode of a call by register, whose register is the destination. */
const callByRegister = 0x8d;

/** @param start where the block begins */
export function emitCall(emitter: Emitter, instruction: Instruction, at: number, start: number): void {
	const { out, code } = emitter;
	if (instruction.opcode === callByRegister) {
		// Compilers that do not optimize put the helper's number there right before.
		const value = knownBefore(code, start, at)[instruction.destination];
		if (value?.kind !== 'number') throw unsupported(code, at, 'a call by register');
		emitHelperCall(emitter, value.value, at, start);
		return;
	}
	if (instruction.source === helperCall) {
		emitHelperCall(emitter, instruction.immediate, at, start);
		return;
	}
	if (instruction.source !== localCall) {
		throw unsupported(code, at, `the kernel function ${instruction.immediate} (kfunc)`);
	}
	const reference = code.references.get(at);
	const target = reference?.kind === 'function' ? reference.target : at + 1 + instruction.immediate;
	for (let register = 1; register <= 5; register++) getRegister(emitter, register);
	getRegister(emitter, framePointer);
	out.i64(frameBytes);
	out.byte(wasm.i64Sub);
	out.op(wasm.call, emitter.functionIndex(target));
	setRegister(emitter, 0);
}

function emitHelperCall(emitter: Emitter, number: number, at: number, start: number): void {
	const { out, code } = emitter;
	const helper = helpers.get(number);
	const index = emitter.helperIndex(number, at);
	if (helper === undefined) return;
	const byCall = (): void => {
		emitArguments(emitter, helper, at);
		out.op(wasm.call, index);
	};
	if (emitInlined(emitter, number, at, () => knownBefore(code, start, at), byCall)) return;
	byCall();
	switch (helper.result) {
		case 'signed':
			out.byte(wasm.i64ExtendI32S);
			setRegister(emitter, 0);
			return;
		case 'unsigned':
			out.byte(wasm.i64ExtendI32U);
			setRegister(emitter, 0);
			return;
		case 'long':
			out.i32(layout.result);
			out.byte(wasm.i64Load);
			out.byte(0);
			out.byte(0);
			setRegister(emitter, 0);
			return;
		case 'none':
			return;
	}
}

/** In a checked build the instruction's number first, for what a helper finds wrong. */
function emitArguments(emitter: Emitter, helper: Helper, at: number): void {
	const { out, checkedBits } = emitter;
	helper.arguments.forEach((argument, index) => {
		const register = index + 1;
		if (argument === 'context') return;
		if (typeof argument === 'object' && checkedBits !== undefined) emitShortAddress(emitter, register, at);
		getRegister(emitter, register);
		out.byte(wasm.i32WrapI64);
		if (argument !== 'long') return;
		getRegister(emitter, register);
		out.i64(32);
		out.byte(wasm.i64ShrU);
		out.byte(wasm.i32WrapI64);
	});
	if (checkedBits !== undefined) out.i32(at);
}

/** Stop the program where an address has more than 32 bits: the helper would not see them. */
function emitShortAddress(emitter: Emitter, register: number, at: number): void {
	const { out } = emitter;
	getRegister(emitter, register);
	out.i64(32);
	out.byte(wasm.i64ShrU);
	out.i64(0);
	out.byte(wasm.i64Ne);
	out.byte(wasm.if);
	out.byte(wasmType.none);
	out.i32(stopReasons.indexOf('read'));
	out.i32(at);
	out.i32(1);
	getRegister(emitter, register);
	out.op(wasm.call, emitter.stopFunction);
	out.byte(wasm.end);
}
