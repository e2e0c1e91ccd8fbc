/** A function's instructions as basic blocks, and the order and dominance among them. */
import { type Code, damaged } from './code.ts';
import { instructionClass, jumpOperation, jumpTarget, loadWide } from './instruction.ts';

/** How a block ends, by the numbers of the blocks it leads to. */
export type Terminator =
	| { readonly kind: 'exit' }
	| { readonly kind: 'goto'; readonly target: number }
	/** By the condition of the jump, which is the instruction at `end`. */
	| { readonly kind: 'branch'; readonly taken: number; readonly next: number };

export interface Block {
	/** The numbers of its first instruction and of the one behind its last; the terminator's own is left out. */
	readonly start: number;
	readonly end: number;
	readonly terminator: Terminator;
}

/** Blocks in reverse postorder: the entry first, and each before what it leads to, but for loops. */
export interface ControlFlow {
	readonly blocks: readonly Block[];
	/** The immediate dominator of each block; of the entry, itself. */
	readonly dominators: readonly number[];
	/** Whether a jump leads back to the block. */
	readonly loopHeaders: readonly boolean[];
	/** Whether more than one edge, of those that do not lead back, leads to the block. */
	readonly merges: readonly boolean[];
	/** Whether every loop has one entry. */
	readonly reducible: boolean;
}

/** Whether a terminator's edge leads back. */
export function leadsBack(from: number, to: number): boolean {
	return to <= from;
}

function isJump(opcode: number): boolean {
	const group = opcode & 0x07;
	if (group !== instructionClass.jmp && group !== instructionClass.jmp32) return false;
	return (opcode & 0xf0) !== jumpOperation.call;
}

/** The instructions that can be reached from `entry`, and which of them begin a block. */
function findLeaders(code: Code, entry: number): Uint8Array {
	const { instructions } = code;
	const reached = 1;
	const leader = 2;
	const marks = new Uint8Array(instructions.length);
	const work = [entry];
	marks[entry] = leader;
	const lead = (from: number, to: number): void => {
		if (to < 0 || to >= instructions.length || (to > 0 && instructions[to - 1]?.opcode === loadWide)) {
			throw damaged(code, from, 'a jump leads out of the program or into an instruction');
		}
		if ((marks[to] ?? 0) < leader && ((marks[to] ?? 0) & reached) === 0) work.push(to);
		marks[to] = (marks[to] ?? 0) | leader;
	};
	for (let start = work.pop(); start !== undefined; start = work.pop()) {
		for (let at = start; ; ) {
			const instruction = instructions[at];
			if (instruction === undefined) throw damaged(code, at - 1, 'the program runs over its end');
			if (((marks[at] ?? 0) & reached) !== 0) break;
			marks[at] = (marks[at] ?? 0) | reached;
			const { opcode } = instruction;
			if (isJump(opcode)) {
				const operation = opcode & 0xf0;
				if (operation === jumpOperation.exit) break;
				lead(at, jumpTarget(at, instruction));
				if (operation === jumpOperation.ja) break;
				lead(at, at + 1);
				break;
			}
			at += opcode === loadWide ? 2 : 1;
		}
	}
	return marks;
}

/** The blocks reached from `entry`, by the number of their first instruction; targets are such numbers, too. */
function findBlocks(code: Code, entry: number): Map<number, Block> {
	const marks = findLeaders(code, entry);
	const blocks = new Map<number, Block>();
	for (let start = 0; start < marks.length; start++) {
		if (marks[start] !== 3) continue;
		for (let at = start; ; ) {
			const instruction = code.instructions[at];
			if (instruction === undefined) throw damaged(code, at - 1, 'the program runs over its end');
			const { opcode } = instruction;
			if (isJump(opcode)) {
				const operation = opcode & 0xf0;
				const taken = jumpTarget(at, instruction);
				const terminator: Terminator =
					operation === jumpOperation.exit
						? { kind: 'exit' }
						: operation === jumpOperation.ja || taken === at + 1
							? { kind: 'goto', target: taken }
							: { kind: 'branch', taken, next: at + 1 };
				blocks.set(start, { start, end: at, terminator });
				break;
			}
			at += opcode === loadWide ? 2 : 1;
			if (marks[at] === 3) {
				blocks.set(start, { start, end: at, terminator: { kind: 'goto', target: at } });
				break;
			}
		}
	}
	return blocks;
}

/** Where a terminator leads, the edge that is more likely a loop's body last. */
function targetsOf(terminator: Terminator): readonly number[] {
	switch (terminator.kind) {
		case 'exit':
			return [];
		case 'goto':
			return [terminator.target];
		case 'branch':
			return [terminator.taken, terminator.next];
	}
}

/** The first instructions of blocks, in reverse postorder of a depth-first walk. */
function reversePostorder(blocks: ReadonlyMap<number, Block>, entry: number): number[] {
	const order: number[] = [];
	const seen = new Set([entry]);
	const path: { start: number; targets: readonly number[]; next: number }[] = [];
	const enter = (start: number): void => {
		const block = blocks.get(start);
		path.push({ start, targets: block === undefined ? [] : targetsOf(block.terminator), next: 0 });
	};
	enter(entry);
	for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
		const target = top.targets[top.next++];
		if (target === undefined) {
			order.push(top.start);
			path.pop();
		} else if (!seen.has(target)) {
			seen.add(target);
			enter(target);
		}
	}
	return order.reverse();
}

function renumber(terminator: Terminator, numbers: ReadonlyMap<number, number>): Terminator {
	const number = (start: number): number => numbers.get(start) ?? 0;
	switch (terminator.kind) {
		case 'exit':
			return terminator;
		case 'goto':
			return { kind: 'goto', target: number(terminator.target) };
		case 'branch':
			return { kind: 'branch', taken: number(terminator.taken), next: number(terminator.next) };
	}
}

/** Immediate dominators: Cooper, Harvey and Kennedy, A Simple, Fast Dominance Algorithm, figure 3. */
function findDominators(predecessors: readonly (readonly number[])[]): number[] {
	const dominators = new Array<number>(predecessors.length).fill(-1);
	dominators[0] = 0;
	const common = (one: number, other: number): number => {
		let [a, b] = [one, other];
		while (a !== b) {
			while (a > b) a = dominators[a] ?? 0;
			while (b > a) b = dominators[b] ?? 0;
		}
		return a;
	};
	for (let changed = true; changed; ) {
		changed = false;
		for (let block = 1; block < predecessors.length; block++) {
			let dominator = -1;
			for (const predecessor of predecessors[block] ?? []) {
				if (dominators[predecessor] === -1) continue;
				dominator = dominator === -1 ? predecessor : common(predecessor, dominator);
			}
			if (dominators[block] === dominator) continue;
			dominators[block] = dominator;
			changed = true;
		}
	}
	return dominators;
}

function dominates(dominators: readonly number[], one: number, other: number): boolean {
	let block = other;
	while (block > one) block = dominators[block] ?? 0;
	return block === one;
}

/** @throws EF_NO_OBJECT where a jump leads out of the program or the program runs over its end */
export function controlFlow(code: Code, entry: number): ControlFlow {
	const found = findBlocks(code, entry);
	const order = reversePostorder(found, entry);
	const numbers = new Map(order.map((start, number) => [start, number]));
	const blocks = order.flatMap((start) => {
		const block = found.get(start);
		return block === undefined ? [] : [{ ...block, terminator: renumber(block.terminator, numbers) }];
	});
	const predecessors: number[][] = blocks.map(() => []);
	blocks.forEach(({ terminator }, block) => {
		for (const target of targetsOf(terminator)) predecessors[target]?.push(block);
	});
	const dominators = findDominators(predecessors);
	const loopHeaders = predecessors.map((from, to) => from.some((block) => leadsBack(block, to)));
	const merges = predecessors.map((from, to) => from.filter((block) => !leadsBack(block, to)).length > 1);
	const reducible = predecessors.every((from, to) =>
		from.every((block) => !leadsBack(block, to) || dominates(dominators, to, block)),
	);
	return { blocks, dominators, loopHeaders, merges, reducible };
}
