/**
 * How a helper is called from WebAssembly. No number of 64 bits goes through JavaScript, which would make a
 * BigInt of it: an argument of 64 bits comes in two halves, a result goes through the memory.
 */

import type { Machine } from '../machine.ts';
import type { BpfHook } from '../program.ts';

export type Argument =
	/** The program's context, of which there is one: not passed on. */
	| 'context'
	/** A map, by its handle. */
	| 'map'
	/** 32 bits. */
	| 'number'
	/** 64 bits: the lower and the upper half. */
	| 'long'
	/** An address of memory that is read or written, and how many bytes of it. */
	| Pointer;

export interface Pointer {
	readonly does: 'read' | 'write' | 'both';
	readonly bytes: PointerBytes;
	/** The null pointer is allowed. */
	readonly optional?: true;
}

export type PointerBytes =
	| number
	/** Of the map that is the first argument. */
	| 'key'
	| 'value'
	/** What the argument with this number says, from 0. */
	| { readonly argument: number }
	/** The helper looks after itself. */
	| 'unchecked';

export type Result =
	/** Extended with its sign to 64 bits. */
	| 'signed'
	/** Extended with zeros: an address, or a number of 32 bits. */
	| 'unsigned'
	/** In the memory, at `layout.result`. */
	| 'long'
	/** r0 holds nothing. */
	| 'none';

export interface Helper {
	readonly name: string;
	/** At which hook there is such a helper. */
	readonly hooks: readonly BpfHook[];
	readonly arguments: readonly Argument[];
	readonly result: Result;
	/** Addresses and numbers of 32 bits are signed here: `>>> 0` where that matters. */
	readonly run: (machine: Machine, ...values: number[]) => number | undefined;
}

export const both: readonly BpfHook[] = ['xdp', 'tc'];

/** How many numbers are passed for arguments: the context is not, and 64 bits are two. */
export function passedCount(list: readonly Argument[]): number {
	return list.reduce((sum, each) => sum + (each === 'context' ? 0 : each === 'long' ? 2 : 1), 0);
}
