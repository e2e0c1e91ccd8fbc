/** What is known of registers while a block is written: what the instructions before, in the block, put there. */
import type { Code } from './code.ts';
import {
	aluOperation,
	type Instruction,
	instructionClass,
	jumpOperation,
	loadWide,
	sourceRegister,
} from './instruction.ts';

export type Known =
	| { readonly kind: 'number'; readonly value: number }
	| { readonly kind: 'map'; readonly handle: number };

/** By register; undefined is anything. */
export type KnownRegisters = (Known | undefined)[];

/** The registers before an instruction of a block that begins at `start`. */
export function knownBefore(code: Code, start: number, at: number): KnownRegisters {
	const known: KnownRegisters = [];
	for (let number = start; number < at; number++) {
		const instruction = code.instructions.at(number);
		learn(known, code, instruction, number);
		if (instruction.opcode === loadWide) number++;
	}
	return known;
}

/** The registers after an instruction. */
function learn(known: KnownRegisters, code: Code, instruction: Instruction, at: number): void {
	const { opcode, destination, source, offset, immediate } = instruction;
	const group = opcode & 0x07;
	if (opcode === loadWide) {
		const reference = code.references.get(at);
		known[destination] = reference?.kind === 'map' ? { kind: 'map', handle: reference.handle } : undefined;
	} else if (group === instructionClass.jmp && (opcode & 0xf0) === jumpOperation.call) {
		known.fill(undefined, 0, 6);
	} else if (group === instructionClass.alu64 && (opcode & 0xf0) === aluOperation.mov && offset === 0) {
		known[destination] =
			(opcode & sourceRegister) === 0 ? { kind: 'number', value: immediate } : known[source];
	} else if (group === instructionClass.stx) {
		// An atomic operation may fetch into its source, or into r0.
		known[source] = undefined;
		known[0] = undefined;
	} else if (group === instructionClass.ld) {
		known.fill(undefined, 0, 6);
	} else if (group !== instructionClass.st) {
		known[destination] = undefined;
	}
}
