/** A program's instructions with what they refer to, ready to be translated. */
import { EncapForwardError } from '../../../error.ts';
import type { Instructions } from './instruction.ts';

/** What the immediate of an instruction stands for. */
export type Reference =
	/** Load of a map, by its handle. */
	| { readonly kind: 'map'; readonly handle: number }
	/** Load of an address: a global variable's. */
	| { readonly kind: 'address'; readonly address: number }
	/** Call of a function that begins at this instruction. */
	| { readonly kind: 'function'; readonly target: number };

export interface Code {
	readonly instructions: Instructions;
	/** Where the program begins, as the number of an instruction. */
	readonly entry: number;
	/** By the number of the instruction. */
	readonly references: ReadonlyMap<number, Reference>;
	/** Where an instruction stands, for people: `instruction 12 of section xdp`. */
	place(instruction: number): string;
}

/** Something of the instruction set, a helper or a map that the engine does not know. */
export function unsupported(code: Code, instruction: number, what: string): EncapForwardError {
	return new EncapForwardError(
		'EF_BPF_UNSUPPORTED',
		`the model's BPF engine does not know ${what}, at ${code.place(instruction)}; try the linux engine`,
	);
}

/** Instructions that no compiler writes: the object is damaged. */
export function damaged(code: Code, instruction: number, what: string): EncapForwardError {
	return new EncapForwardError(
		'EF_NO_OBJECT',
		`the BPF object is damaged: ${what}, at ${code.place(instruction)}; compile it again`,
	);
}
