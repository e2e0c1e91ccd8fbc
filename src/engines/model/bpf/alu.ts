/** Arithmetic instructions: RFC 9669, section 4.1 and 4.2. */
import { unsupported } from './code.ts';
import { type Emitter, getOperand, getRegister, getWord, scratch, setRegister, setWord } from './emitter.ts';
import { aluOperation as alu, type Instruction, instructionClass, sourceRegister } from './instruction.ts';
import { wasm, wasmType } from './wasm-opcodes.ts';

/** Operations that WebAssembly has, in 64 and in 32 bits; both take a shift's distance modulo the width. */
const plain: ReadonlyMap<number, readonly [long: number, word: number]> = new Map([
	[alu.add, [wasm.i64Add, wasm.i32Add]],
	[alu.sub, [wasm.i64Sub, wasm.i32Sub]],
	[alu.mul, [wasm.i64Mul, wasm.i32Mul]],
	[alu.or, [wasm.i64Or, wasm.i32Or]],
	[alu.and, [wasm.i64And, wasm.i32And]],
	[alu.xor, [wasm.i64Xor, wasm.i32Xor]],
	[alu.lsh, [wasm.i64Shl, wasm.i32Shl]],
	[alu.rsh, [wasm.i64ShrU, wasm.i32ShrU]],
	[alu.arsh, [wasm.i64ShrS, wasm.i32ShrS]],
]);

function unknown({ code }: Emitter, { opcode, offset }: Instruction, at: number): Error {
	return unsupported(code, at, `the arithmetic instruction 0x${opcode.toString(16)} (offset ${offset})`);
}

export function emitAlu(emitter: Emitter, instruction: Instruction, at: number): void {
	const { opcode, destination, offset } = instruction;
	const long = (opcode & 0x07) === instructionClass.alu64;
	const operation = opcode & 0xf0;
	const signed = offset === 1;
	if (operation === alu.mov) {
		emitMove(emitter, instruction, long, at);
		return;
	}
	if (operation === alu.end) {
		emitSwap(emitter, instruction, long, at);
		return;
	}
	if (operation === alu.div || operation === alu.mod) {
		if (offset !== 0 && !signed) throw unknown(emitter, instruction, at);
		emitDivision(emitter, instruction, long, operation === alu.mod, signed);
		return;
	}
	if (offset !== 0) throw unknown(emitter, instruction, at);
	const set = long ? setRegister : setWord;
	if (operation === alu.neg) {
		if (long) emitter.out.i64(0);
		else emitter.out.i32(0);
		getRegister(emitter, destination);
		if (!long) emitter.out.byte(wasm.i32WrapI64);
		emitter.out.byte(long ? wasm.i64Sub : wasm.i32Sub);
		set(emitter, destination);
		return;
	}
	const opcodes = plain.get(operation);
	if (opcodes === undefined) throw unknown(emitter, instruction, at);
	if (long) getRegister(emitter, destination);
	else getWord(emitter, destination);
	getOperand(emitter, instruction, long);
	emitter.out.byte(opcodes[long ? 0 : 1]);
	set(emitter, destination);
}

function emitMove(emitter: Emitter, instruction: Instruction, long: boolean, at: number): void {
	const { opcode, destination, offset } = instruction;
	getOperand(emitter, instruction, long);
	if (offset !== 0) {
		const extension = new Map<number, number>(
			long
				? [
						[8, wasm.i64Extend8S],
						[16, wasm.i64Extend16S],
						[32, wasm.i64Extend32S],
					]
				: [
						[8, wasm.i32Extend8S],
						[16, wasm.i32Extend16S],
					],
		).get(offset);
		if (extension === undefined || (opcode & sourceRegister) === 0) throw unknown(emitter, instruction, at);
		emitter.out.byte(extension);
	}
	if (long) setRegister(emitter, destination);
	else setWord(emitter, destination);
}

/** Division by zero gives zero, its remainder the dividend; the most negative number by -1 gives itself. */
function emitDivision(
	emitter: Emitter,
	instruction: Instruction,
	long: boolean,
	remainder: boolean,
	signed: boolean,
): void {
	const { out } = emitter;
	const { destination, opcode, immediate } = instruction;
	const dividend = (): void => (long ? getRegister : getWord)(emitter, destination);
	const divisor = (): void => getOperand(emitter, instruction, long);
	const zero = (): void => (long ? out.i64(0) : out.i32(0));
	const byZero = remainder ? dividend : zero;
	const negated = (): void => {
		zero();
		dividend();
		out.byte(long ? wasm.i64Sub : wasm.i32Sub);
	};
	const divide = (): void => {
		dividend();
		divisor();
		const [quotient, rest] = long
			? [signed ? wasm.i64DivS : wasm.i64DivU, signed ? wasm.i64RemS : wasm.i64RemU]
			: [signed ? wasm.i32DivS : wasm.i32DivU, signed ? wasm.i32RemS : wasm.i32RemU];
		out.byte(remainder ? rest : quotient);
	};
	// Only the quotient can overflow: WebAssembly, too, says that the remainder is 0.
	const overflows = signed && !remainder;
	const otherwise = (condition: () => void, one: () => void, other: () => void): void => {
		condition();
		out.byte(wasm.if);
		out.byte(long ? wasmType.i64 : wasmType.i32);
		one();
		out.byte(wasm.else);
		other();
		out.byte(wasm.end);
	};
	const isZero = (): void => {
		divisor();
		out.byte(long ? wasm.i64Eqz : wasm.i32Eqz);
	};
	const isMinusOne = (): void => {
		divisor();
		if (long) out.i64(-1);
		else out.i32(-1);
		out.byte(long ? wasm.i64Eq : wasm.i32Eq);
	};
	if ((opcode & sourceRegister) === 0) {
		if (immediate === 0) byZero();
		else if (immediate === -1 && overflows) negated();
		else divide();
	} else {
		otherwise(isZero, byZero, overflows ? () => otherwise(isMinusOne, negated, divide) : divide);
	}
	(long ? setRegister : setWord)(emitter, destination);
}

/** Byte order: to little endian is to cut off, for that is ours; to big endian, and bswap, is to swap. */
function emitSwap(emitter: Emitter, instruction: Instruction, long: boolean, at: number): void {
	const { out } = emitter;
	const { opcode, destination, immediate: bits, offset } = instruction;
	if (offset !== 0 || (long && (opcode & sourceRegister) !== 0)) throw unknown(emitter, instruction, at);
	const swaps = long || (opcode & sourceRegister) !== 0;
	switch (bits) {
		case 16:
			getWord(emitter, destination);
			if (swaps) {
				out.op(wasm.localTee, scratch.word);
				out.i32(8);
				out.byte(wasm.i32ShrU);
				out.i32(0xff);
				out.byte(wasm.i32And);
				out.op(wasm.localGet, scratch.word);
				out.i32(8);
				out.byte(wasm.i32Shl);
				out.byte(wasm.i32Or);
			}
			out.i32(0xffff);
			out.byte(wasm.i32And);
			setWord(emitter, destination);
			return;
		case 32:
			getWord(emitter, destination);
			if (swaps) {
				out.op(wasm.localTee, scratch.word);
				out.i32(8);
				out.byte(wasm.i32Rotl);
				out.i32(0x00ff00ff);
				out.byte(wasm.i32And);
				out.op(wasm.localGet, scratch.word);
				out.i32(24);
				out.byte(wasm.i32Rotl);
				out.i32(0xff00ff00 | 0);
				out.byte(wasm.i32And);
				out.byte(wasm.i32Or);
			}
			setWord(emitter, destination);
			return;
		case 64:
			if (!swaps) return;
			getRegister(emitter, destination);
			emitSwapParts(emitter, 8, 0x00ff00ff00ff00ffn);
			emitSwapParts(emitter, 16, 0x0000ffff0000ffffn);
			out.i64(32);
			out.byte(wasm.i64Rotl);
			setRegister(emitter, destination);
			return;
		default:
			throw unknown(emitter, instruction, at);
	}
}

/** Swap neighbouring parts of the number on the stack: ((x >> bits) & mask) | ((x & mask) << bits). */
function emitSwapParts({ out }: Emitter, bits: number, mask: bigint): void {
	out.op(wasm.localTee, scratch.long);
	out.i64(bits);
	out.byte(wasm.i64ShrU);
	out.byte(0x42);
	out.signed64(mask);
	out.byte(wasm.i64And);
	out.op(wasm.localGet, scratch.long);
	out.byte(0x42);
	out.signed64(mask);
	out.byte(wasm.i64And);
	out.i64(bits);
	out.byte(wasm.i64Shl);
	out.byte(wasm.i64Or);
}
