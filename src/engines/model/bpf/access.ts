/** Loads, stores and atomic operations: RFC 9669, section 5. */
import { unsupported } from './code.ts';
import {
	type Emitter,
	frameBytes,
	frameLocal,
	framePointer,
	getOperand,
	getRegister,
	scratch,
	setRegister,
	stopReasons,
} from './emitter.ts';
import { accessBytes, accessMode, type Instruction, instructionClass } from './instruction.ts';
import { permission } from './memory.ts';
import { wasm, wasmType } from './wasm-opcodes.ts';

const loads = { 1: wasm.i64Load8, 2: wasm.i64Load16, 4: wasm.i64Load32, 8: wasm.i64Load } as const;
const signedLoads: Readonly<Record<number, number>> = {
	1: wasm.i64Load8Signed,
	2: wasm.i64Load16Signed,
	4: wasm.i64Load32Signed,
};
const stores = { 1: wasm.i64Store8, 2: wasm.i64Store16, 4: wasm.i64Store32, 8: wasm.i64Store } as const;

/** The immediates of a load or store: no alignment is promised. */
function memory({ out }: Emitter, opcode: number, offset: number): void {
	out.two(opcode, 0);
	out.unsigned(offset);
}

/**
 * Push the address `register` + `offset` as an i32, held to what may be done with it where the build is
 * checked; returns what is still to be added to it, which a load or store does by itself.
 */
export function emitAddress(
	emitter: Emitter,
	register: number,
	offset: number,
	bytes: 1 | 2 | 4 | 8,
	writes: boolean,
	at: number,
): number {
	const { out, checkedBits } = emitter;
	if (register === framePointer && offset >= -frameBytes && offset + bytes <= 0) {
		// A function's own stack: nothing to check, nor to add.
		out.op(wasm.localGet, frameLocal);
		return frameBytes + offset;
	}
	getRegister(emitter, register);
	if (checkedBits === undefined) {
		out.byte(wasm.i32WrapI64);
		if (offset >= 0) return offset;
		out.i32(offset);
		out.byte(wasm.i32Add);
		return 0;
	}
	if (offset !== 0) {
		out.i64(offset);
		out.byte(wasm.i64Add);
	}
	out.three(wasm.localTee, scratch.long, wasm.i32WrapI64);
	out.two(wasm.localSet, scratch.word);
	out.two(wasm.localGet, scratch.long);
	out.i64(checkedBits);
	out.two(wasm.i64ShrU, wasm.i64Eqz);
	out.byte(wasm.i32Eqz);
	emitForbidden(emitter, bytes, writes ? permission.write : permission.read);
	out.three(wasm.i32Or, wasm.if, wasmType.none);
	out.i32(stopReasons.indexOf(writes ? 'write' : 'read'));
	out.i32(at);
	out.i32(bytes);
	out.op(wasm.localGet, scratch.long);
	out.op(wasm.call, emitter.stopFunction);
	out.byte(wasm.end);
	out.op(wasm.localGet, scratch.word);
	return 0;
}

/** Push whether not all bytes at the address in `scratch.word` have the permission. */
function emitForbidden(emitter: Emitter, bytes: 1 | 2 | 4 | 8, needed: number): void {
	const { out, checkedBits = 0 } = emitter;
	out.op(wasm.localGet, scratch.word);
	out.i32(2 ** checkedBits - 1);
	out.byte(wasm.i32And);
	if (bytes === 8) {
		const mask = (): void => {
			out.byte(0x42);
			out.signed64(BigInt(needed) * 0x0101010101010101n);
		};
		memory(emitter, wasm.i64Load, 2 ** checkedBits);
		mask();
		out.byte(wasm.i64And);
		mask();
		out.byte(wasm.i64Ne);
		return;
	}
	const mask = { 1: 0x01, 2: 0x0101, 4: 0x01010101 }[bytes] * needed;
	memory(emitter, { 1: wasm.i32Load8, 2: wasm.i32Load16, 4: wasm.i32Load }[bytes], 2 ** checkedBits);
	out.i32(mask);
	out.byte(wasm.i32And);
	out.i32(mask);
	out.byte(wasm.i32Ne);
}

function unknown({ code }: Emitter, opcode: number, at: number): Error {
	return unsupported(code, at, `the memory instruction 0x${opcode.toString(16).padStart(2, '0')}`);
}

export function emitAccess(emitter: Emitter, instruction: Instruction, at: number): void {
	const { opcode, destination, source, offset } = instruction;
	const bytes = accessBytes(opcode);
	const mode = opcode & 0xe0;
	switch (opcode & 0x07) {
		case instructionClass.ldx: {
			const load = mode === accessMode.mem ? loads[bytes] : signedLoads[bytes];
			if ((mode !== accessMode.mem && mode !== accessMode.memsx) || load === undefined)
				throw unknown(emitter, opcode, at);
			memory(emitter, load, emitAddress(emitter, source, offset, bytes, false, at));
			setRegister(emitter, destination);
			return;
		}
		case instructionClass.st:
			if (mode !== accessMode.mem) throw unknown(emitter, opcode, at);
			emitStore(emitter, instruction, bytes, at);
			return;
		default:
			if (mode === accessMode.atomic) {
				emitAtomic(emitter, instruction, bytes, at);
				return;
			}
			if (mode !== accessMode.mem) throw unknown(emitter, opcode, at);
			emitStore(emitter, instruction, bytes, at);
			return;
	}
}

function emitStore(emitter: Emitter, instruction: Instruction, bytes: 1 | 2 | 4 | 8, at: number): void {
	const { opcode, destination, source, offset, immediate } = instruction;
	const rest = emitAddress(emitter, destination, offset, bytes, true, at);
	if ((opcode & 0x07) === instructionClass.st) emitter.out.i64(immediate);
	else getRegister(emitter, source);
	memory(emitter, stores[bytes], rest);
}

const atomic = {
	fetch: 0x01,
	exchange: 0xe1,
	compareExchange: 0xf1,
	loadAcquire: 0x100,
	storeRelease: 0x110,
};

const modifications: ReadonlyMap<number, number> = new Map([
	[0x00, wasm.i64Add],
	[0x40, wasm.i64Or],
	[0x50, wasm.i64And],
	[0xa0, wasm.i64Xor],
]);

/** Nothing runs beside the program, so that a plain load and store are atomic. */
function emitAtomic(emitter: Emitter, instruction: Instruction, bytes: 1 | 2 | 4 | 8, at: number): void {
	const { out, code } = emitter;
	const { destination, source, offset, immediate: operation } = instruction;
	if (operation === atomic.loadAcquire) {
		memory(emitter, loads[bytes], emitAddress(emitter, source, offset, bytes, false, at));
		setRegister(emitter, destination);
		return;
	}
	if (operation === atomic.storeRelease) {
		emitStore(emitter, instruction, bytes, at);
		return;
	}
	const unknownAtomic = unsupported(code, at, `the atomic operation 0x${operation.toString(16)}`);
	if (bytes < 4) throw unknownAtomic;
	const rest = emitAddress(emitter, destination, offset, bytes, true, at);
	out.op(wasm.localTee, scratch.otherWord);
	memory(emitter, loads[bytes], rest);
	out.op(wasm.localSet, scratch.long);
	const store = (): void => memory(emitter, stores[bytes], rest);
	const previous = (): void => out.op(wasm.localGet, scratch.long);
	const address = (): void => out.op(wasm.localGet, scratch.otherWord);
	if (operation === atomic.compareExchange) {
		getRegister(emitter, 0);
		if (bytes === 4) {
			out.byte(wasm.i32WrapI64);
			out.byte(wasm.i64ExtendI32U);
		}
		previous();
		out.byte(wasm.i64Eq);
		out.byte(wasm.if);
		out.byte(wasmType.none);
		address();
		getRegister(emitter, source);
		store();
		out.byte(wasm.end);
		previous();
		setRegister(emitter, 0);
		return;
	}
	const exchanges = operation === atomic.exchange;
	const modification = modifications.get(operation & ~atomic.fetch);
	if (!exchanges && modification === undefined) throw unknownAtomic;
	address();
	if (!exchanges) previous();
	getOperand(emitter, { ...instruction, opcode: 0x0f }, true);
	if (!exchanges && modification !== undefined) out.byte(modification);
	store();
	if ((operation & atomic.fetch) === 0) return;
	previous();
	setRegister(emitter, source);
}
