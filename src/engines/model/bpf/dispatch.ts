/** Control flow without structure, which no compiler writes: every block is reached through a table. */
import { emitBlock, emitBranchCondition, emitExit, emitFuel } from './block.ts';
import { type ControlFlow, leadsBack } from './control-flow.ts';
import { type Emitter, scratch } from './emitter.ts';
import { wasm, wasmType } from './wasm-opcodes.ts';

/** A loop around all blocks, and a jump to the one whose number is in a local. */
export function emitDispatch(emitter: Emitter, { blocks }: ControlFlow): void {
	const { out } = emitter;
	const next = scratch.otherWord;
	out.reserve(7 * blocks.length + 32);
	out.byte(wasm.loop);
	out.byte(wasmType.none);
	for (const _ of blocks) {
		out.byte(wasm.block);
		out.byte(wasmType.none);
	}
	out.op(wasm.localGet, next);
	out.op(wasm.brTable, blocks.length - 1);
	for (let number = 0; number < blocks.length; number++) out.unsigned(number);
	blocks.forEach((block, number) => {
		out.reserve(1);
		out.byte(wasm.end);
		emitBlock(emitter, block);
		// The loop is around the blocks that are still open.
		const depth = blocks.length - 1 - number;
		const go = (target: number, inside: number): void => {
			if (leadsBack(number, target)) emitFuel(emitter, block.end);
			out.i32(target);
			out.op(wasm.localSet, next);
			out.op(wasm.br, depth + inside);
		};
		const { taken, next: following } = block;
		if (following < 0) emitExit(emitter);
		else if (taken < 0) go(following, 0);
		else {
			emitBranchCondition(emitter, block);
			out.byte(wasm.if);
			out.byte(wasmType.none);
			go(taken, 1);
			out.byte(wasm.end);
			go(following, 0);
		}
	});
	out.reserve(1);
	out.byte(wasm.end);
}
