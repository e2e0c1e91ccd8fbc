/** BPF instructions: RFC 9669. */

/** The lower three bits of an opcode. */
export const instructionClass = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, jmp32: 6, alu64: 7 } as const;

/** The upper three bits of the opcode of a load or store. */
export const accessMode = { imm: 0x00, abs: 0x20, ind: 0x40, mem: 0x60, memsx: 0x80, atomic: 0xc0 } as const;

/** The upper four bits of the opcode of an arithmetic instruction. */
export const aluOperation = {
	add: 0x00,
	sub: 0x10,
	mul: 0x20,
	div: 0x30,
	or: 0x40,
	and: 0x50,
	lsh: 0x60,
	rsh: 0x70,
	neg: 0x80,
	mod: 0x90,
	xor: 0xa0,
	mov: 0xb0,
	arsh: 0xc0,
	end: 0xd0,
} as const;

/** The upper four bits of the opcode of a jump. */
export const jumpOperation = {
	ja: 0x00,
	jeq: 0x10,
	jgt: 0x20,
	jge: 0x30,
	jset: 0x40,
	jne: 0x50,
	jsgt: 0x60,
	jsge: 0x70,
	call: 0x80,
	exit: 0x90,
	jlt: 0xa0,
	jle: 0xb0,
	jslt: 0xc0,
	jsle: 0xd0,
} as const;

/** The bit of an opcode that tells a register operand from an immediate one. */
export const sourceRegister = 0x08;

/** The opcode of the only instruction of 16 bytes: load a number of 64 bits. */
export const loadWide = 0x18;

/** `gotol` */
const longJump = 0x06;

export interface Instruction {
	readonly opcode: number;
	readonly destination: number;
	readonly source: number;
	/** 16 bits, signed. */
	readonly offset: number;
	/** 32 bits, signed. */
	readonly immediate: number;
}

export const instructionBytes = 8;

/** Many instructions, decoded when they are asked for; the second half of a `loadWide` is one, with opcode 0. */
export class Instructions {
	readonly length: number;
	/** Two for each instruction: opcode, registers and offset; immediate. */
	readonly #words: Int32Array;

	/** Bytes behind the last whole instruction are left out. */
	constructor(bytes: Uint8Array) {
		this.length = Math.floor(bytes.length / instructionBytes);
		this.#words = littleEndianWords(bytes, 2 * this.length);
	}

	/** -1 where there is no instruction with this number. */
	opcode(number: number): number {
		const word = this.#words[2 * number];
		return word === undefined ? -1 : word & 0xff;
	}

	immediate(number: number): number {
		return this.#words[2 * number + 1] ?? 0;
	}

	/** Where a jump leads, as the number of an instruction: `gotol` has its distance in the immediate. */
	target(number: number): number {
		const word = this.#words[2 * number] ?? 0;
		return number + 1 + ((word & 0xff) === longJump ? this.immediate(number) : word >> 16);
	}

	at(number: number): Instruction {
		const word = this.#words[2 * number] ?? 0;
		return {
			opcode: word & 0xff,
			destination: (word >> 8) & 0x0f,
			source: (word >> 12) & 0x0f,
			offset: word >> 16,
			immediate: this.#words[2 * number + 1] ?? 0,
		};
	}
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function littleEndianWords(bytes: Uint8Array, count: number): Int32Array {
	const copy = new Uint8Array(bytes.subarray(0, 4 * count));
	if (isLittleEndian) return new Int32Array(copy.buffer);
	const view = new DataView(copy.buffer);
	return Int32Array.from({ length: count }, (_, word) => view.getInt32(4 * word, true));
}

/** Bytes that a load or store moves, by the two size bits of its opcode. */
export function accessBytes(opcode: number): 1 | 2 | 4 | 8 {
	switch (opcode & 0x18) {
		case 0x00:
			return 4;
		case 0x08:
			return 2;
		case 0x10:
			return 1;
		default:
			return 8;
	}
}
