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

/** All whole instructions; the second half of a `loadWide` is one by itself, with opcode 0. */
export function decodeInstructions(bytes: Uint8Array): Instruction[] {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const instructions: Instruction[] = [];
	for (let at = 0; at + instructionBytes <= bytes.length; at += instructionBytes) {
		const registers = view.getUint8(at + 1);
		instructions.push({
			opcode: view.getUint8(at),
			destination: registers & 0x0f,
			source: registers >> 4,
			offset: view.getInt16(at + 2, true),
			immediate: view.getInt32(at + 4, true),
		});
	}
	return instructions;
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

/** Where a jump leads, as the number of an instruction: `gotol` has its distance in the immediate. */
export function jumpTarget(at: number, { opcode, offset, immediate }: Instruction): number {
	return at + 1 + (opcode === (instructionClass.jmp32 | jumpOperation.ja) ? immediate : offset);
}
