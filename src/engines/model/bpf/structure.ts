/**
 * Control flow as WebAssembly's blocks, loops and ifs: N. Ramsey, Beyond Relooper: Recursive Translation of
 * Unstructured Control Flow to Structured Control Flow (ICFP 2022). A block's code contains that of the blocks
 * it dominates. Iterative: long programs would overflow the stack.
 */
import { emitBlock, emitBranchCondition, emitExit, emitFuel } from './block.ts';
import { type ControlFlow, leadsBack } from './control-flow.ts';
import type { Emitter } from './emitter.ts';
import { wasm, wasmType } from './wasm-opcodes.ts';

/** What is still to be written, the next last. */
type Task =
	/** A block and all it dominates. */
	| { readonly write: 'block'; readonly block: number }
	| { readonly write: 'else' }
	/** The end of a block, loop or if. */
	| { readonly write: 'end' };

export function emitStructured(emitter: Emitter, flow: ControlFlow): void {
	const { out } = emitter;
	const { blocks, dominators, loopHeaders, forwardEdges } = flow;
	/** How many constructs are open around the one whose `br` leads to a block: forward and back. */
	const forward = new Int32Array(blocks.length);
	const back = new Int32Array(blocks.length);
	let open = 0;
	const begin = (opcode: number): void => {
		out.reserve(2);
		out.byte(opcode);
		out.byte(wasmType.none);
		open++;
	};
	const mergedChildren: number[][] = blocks.map(() => []);
	for (let block = blocks.length - 1; block > 0; block--) {
		if ((forwardEdges[block] ?? 0) > 1) mergedChildren[dominators[block] ?? 0]?.push(block);
	}
	const tasks: Task[] = [{ write: 'block', block: 0 }];

	/** Whether an edge is a `br`; the block at its end is written in place otherwise. */
	const isBranch = (from: number, to: number): boolean => leadsBack(from, to) || (forwardEdges[to] ?? 0) > 1;
	const branch = (opcode: number, from: number, to: number): void =>
		out.op(opcode, open - 1 - ((leadsBack(from, to) ? back[to] : forward[to]) ?? 0));
	const follow = (from: number, to: number): void => {
		if (isBranch(from, to)) branch(wasm.br, from, to);
		else tasks.push({ write: 'block', block: to });
	};

	const writeBlock = (number: number): void => {
		const block = blocks[number];
		if (block === undefined) return;
		if (loopHeaders[number] !== 0) {
			back[number] = open;
			begin(wasm.loop);
			tasks.push({ write: 'end' });
			emitFuel(emitter, block.start);
		}
		// The last in order is behind all others: its construct is around theirs.
		for (const child of mergedChildren[number] ?? []) {
			forward[child] = open;
			begin(wasm.block);
			tasks.push({ write: 'block', block: child }, { write: 'end' });
		}
		emitBlock(emitter, block);
		const { taken, next } = block;
		if (next < 0) {
			emitExit(emitter);
			return;
		}
		if (taken < 0) {
			follow(number, next);
			return;
		}
		emitBranchCondition(emitter, block);
		if (isBranch(number, taken)) {
			branch(wasm.brIf, number, taken);
			follow(number, next);
		} else if (isBranch(number, next)) {
			out.byte(wasm.i32Eqz);
			branch(wasm.brIf, number, next);
			follow(number, taken);
		} else {
			begin(wasm.if);
			tasks.push(
				{ write: 'end' },
				{ write: 'block', block: next },
				{ write: 'else' },
				{ write: 'block', block: taken },
			);
		}
	};

	for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
		switch (task.write) {
			case 'block':
				writeBlock(task.block);
				break;
			case 'else':
				out.reserve(1);
				out.byte(wasm.else);
				break;
			case 'end':
				out.reserve(1);
				out.byte(wasm.end);
				open--;
				break;
		}
	}
}
