/** A function's instructions as basic blocks, and the order and dominance among them. */
import { type Code, damaged } from './code.ts';
import { instructionClass, jumpOperation, loadWide } from './instruction.ts';

/** Blocks are numbered in reverse postorder: the entry is 0, and each is before what it leads to, but for loops. */
export interface Block {
	/** The numbers of its first instruction and of the one behind its last; a jump at its end is left out. */
	readonly start: number;
	readonly end: number;
	/** The block it goes on with, where it does not jump; -1 where it returns. */
	readonly next: number;
	/** The block it goes on with where the condition of the jump at `end` holds; -1 where there is none. */
	readonly taken: number;
}

export interface ControlFlow {
	readonly blocks: readonly Block[];
	/** The immediate dominator of each block; of the entry, itself. */
	readonly dominators: Int32Array;
	/** Not 0 where a jump leads back to the block. */
	readonly loopHeaders: Uint8Array;
	/** How many edges, of those that do not lead back, lead to the block. */
	readonly forwardEdges: Int32Array;
	/** Whether every loop has one entry. */
	readonly reducible: boolean;
}

/** Whether an edge leads back. */
export function leadsBack(from: number, to: number): boolean {
	return to <= from;
}

const none = -1;

function isJump(opcode: number): boolean {
	const group = opcode & 0x07;
	if (group !== instructionClass.jmp && group !== instructionClass.jmp32) return false;
	return (opcode & 0xf0) !== jumpOperation.call;
}

/** Not 0 for each instruction that begins a block which is reached from `entry`. */
function findLeaders(code: Code, entry: number): Uint8Array {
	const { instructions } = code;
	const { length } = instructions;
	const leaders = new Uint8Array(length);
	const reached = new Uint8Array(length);
	const work: number[] = [];
	const lead = (from: number, to: number): void => {
		if (to < 0 || to >= length || instructions.opcode(to - 1) === loadWide) {
			throw damaged(code, from, 'a jump leads out of the program or into an instruction');
		}
		if (leaders[to] !== 0) return;
		leaders[to] = 1;
		work.push(to);
	};
	lead(entry, entry);
	for (let start = work.pop(); start !== undefined; start = work.pop()) {
		for (let at = start; reached[at] === 0; ) {
			reached[at] = 1;
			const opcode = instructions.opcode(at);
			if (isJump(opcode)) {
				const operation = opcode & 0xf0;
				if (operation === jumpOperation.exit) break;
				lead(at, instructions.target(at));
				if (operation !== jumpOperation.ja) lead(at, at + 1);
				break;
			}
			const next = at + (opcode === loadWide ? 2 : 1);
			if (next >= length) throw damaged(code, at, 'the program runs over its end');
			at = next;
		}
	}
	return leaders;
}

/** The block that begins at an instruction; its edges are numbers of instructions, too. */
function blockAt({ instructions }: Code, leaders: Uint8Array, start: number): Block {
	for (let at = start; ; ) {
		const opcode = instructions.opcode(at);
		if (isJump(opcode)) {
			const operation = opcode & 0xf0;
			if (operation === jumpOperation.exit) return { start, end: at, next: none, taken: none };
			const target = instructions.target(at);
			if (operation === jumpOperation.ja) return { start, end: at, next: target, taken: none };
			return { start, end: at, next: at + 1, taken: target === at + 1 ? none : target };
		}
		at += opcode === loadWide ? 2 : 1;
		if (leaders[at] !== 0) return { start, end: at, next: at, taken: none };
	}
}

/** The blocks in reverse postorder of a depth-first walk. */
function orderedBlocks(code: Code, entry: number): Block[] {
	const leaders = findLeaders(code, entry);
	/** By the number of the first instruction: one more than the block's number among those seen. */
	const seen = new Int32Array(leaders.length);
	const found: Block[] = [];
	const postorder: number[] = [];
	/** Numbers of blocks on the way here, and which of their edges comes next. */
	const path: number[] = [];
	const edges: number[] = [];
	const enter = (start: number): void => {
		if (start === none || seen[start] !== 0) return;
		found.push(blockAt(code, leaders, start));
		seen[start] = found.length;
		path.push(found.length - 1);
		edges.push(0);
	};
	enter(entry);
	while (path.length > 0) {
		const top = path.length - 1;
		const number = path[top] ?? 0;
		const block = found[number];
		const edge = edges[top] ?? 0;
		edges[top] = edge + 1;
		if (edge === 0) enter(block?.taken ?? none);
		else if (edge === 1) enter(block?.next ?? none);
		else {
			postorder.push(number);
			path.pop();
			edges.pop();
		}
	}
	const order = new Int32Array(found.length);
	postorder.forEach((number, index) => {
		order[number] = found.length - 1 - index;
	});
	const numberOf = (start: number): number =>
		start === none ? none : (order[(seen[start] ?? 0) - 1] ?? none);
	const blocks = new Array<Block>(found.length);
	found.forEach(({ start, end, next, taken }, number) => {
		blocks[order[number] ?? 0] = { start, end, next: numberOf(next), taken: numberOf(taken) };
	});
	return blocks;
}

/** For each block those that lead to it, one list behind the other: the lists begin at `from`. */
function predecessorsOf(blocks: readonly Block[]): { readonly list: Int32Array; readonly from: Int32Array } {
	const from = new Int32Array(blocks.length + 1);
	for (const { next, taken } of blocks) {
		if (taken !== none) from[taken + 1] = (from[taken + 1] ?? 0) + 1;
		if (next !== none) from[next + 1] = (from[next + 1] ?? 0) + 1;
	}
	for (let block = 0; block < blocks.length; block++) {
		from[block + 1] = (from[block + 1] ?? 0) + (from[block] ?? 0);
	}
	const list = new Int32Array(from[blocks.length] ?? 0);
	const filled = from.slice();
	for (let source = 0; source < blocks.length; source++) {
		const { next = none, taken = none } = blocks[source] ?? {};
		if (taken !== none) {
			list[filled[taken] ?? 0] = source;
			filled[taken] = (filled[taken] ?? 0) + 1;
		}
		if (next !== none) {
			list[filled[next] ?? 0] = source;
			filled[next] = (filled[next] ?? 0) + 1;
		}
	}
	return { list, from };
}

/** Immediate dominators: Cooper, Harvey and Kennedy, A Simple, Fast Dominance Algorithm, figure 3. */
function findDominators(blocks: number, { list, from }: ReturnType<typeof predecessorsOf>): Int32Array {
	const dominators = new Int32Array(blocks).fill(none);
	dominators[0] = 0;
	const common = (one: number, other: number): number => {
		let a = one;
		let b = other;
		while (a !== b) {
			while (a > b) a = dominators[a] ?? 0;
			while (b > a) b = dominators[b] ?? 0;
		}
		return a;
	};
	for (let changed = true; changed; ) {
		changed = false;
		for (let block = 1; block < blocks; block++) {
			let dominator = none;
			for (let edge = from[block] ?? 0; edge < (from[block + 1] ?? 0); edge++) {
				const predecessor = list[edge] ?? 0;
				if (dominators[predecessor] === none) continue;
				dominator = dominator === none ? predecessor : common(predecessor, dominator);
			}
			if (dominators[block] === dominator) continue;
			dominators[block] = dominator;
			changed = true;
		}
	}
	return dominators;
}

function dominates(dominators: Int32Array, one: number, other: number): boolean {
	let block = other;
	while (block > one) block = dominators[block] ?? 0;
	return block === one;
}

/** @throws EF_NO_OBJECT where a jump leads out of the program or the program runs over its end */
export function controlFlow(code: Code, entry: number): ControlFlow {
	const blocks = orderedBlocks(code, entry);
	const predecessors = predecessorsOf(blocks);
	const dominators = findDominators(blocks.length, predecessors);
	const loopHeaders = new Uint8Array(blocks.length);
	const forwardEdges = new Int32Array(blocks.length);
	let reducible = true;
	const visit = (from: number, to: number): void => {
		if (to === none) return;
		if (leadsBack(from, to)) {
			loopHeaders[to] = 1;
			reducible &&= dominates(dominators, to, from);
		} else forwardEdges[to] = (forwardEdges[to] ?? 0) + 1;
	};
	blocks.forEach(({ next, taken }, block) => {
		visit(block, taken);
		visit(block, next);
	});
	return { blocks, dominators, loopHeaders, forwardEdges, reducible };
}
