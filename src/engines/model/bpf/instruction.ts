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
	readonly #bytes: Uint8Array;
	readonly #view: DataView;

	/** Bytes behind the last whole instruction are left out. */
	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		this.length = Math.floor(bytes.length / instructionBytes);
	}

	/** -1 where there is no instruction with this number. */
	opcode(number: number): number {
		return this.#bytes[number * instructionBytes] ?? -1;
	}

	immediate(number: number): number {
		return this.#view.getInt32(number * instructionBytes + 4, true);
	}

	/** Where a jump leads, as the number of an instruction: `gotol` has its distance in the immediate. */
	target(number: number): number {
		const isLong = this.opcode(number) === longJump;
		return (
			number +
			1 +
			(isLong ? this.immediate(number) : this.#view.getInt16(number * instructionBytes + 2, true))
		);
	}

	at(number: number): Instruction {
		const at = number * instructionBytes;
		const registers = this.#bytes[at + 1] ?? 0;
		return {
			opcode: this.#bytes[at] ?? 0,
			destination: registers & 0x0f,
			source: registers >> 4,
			offset: this.#view.getInt16(at + 2, true),
			immediate: this.#view.getInt32(at + 4, true),
		};
	}
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
