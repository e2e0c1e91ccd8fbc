/** BPF code as a WebAssembly module. */
import { requireShallowCalls } from './call-depth.ts';
import { type Code, unsupported } from './code.ts';
import { controlFlow } from './control-flow.ts';
import { emitDispatch } from './dispatch.ts';
import {
	type Emitter,
	frameBytes,
	frameLocal,
	framePointer,
	getWord,
	localCounts,
	setRegister,
} from './emitter.ts';
import { helperName } from './helpers/names.ts';
import { type Helper, passedCount } from './helpers/prototype.ts';
import type { MemoryMap } from './maps/map.ts';
import { layout } from './memory.ts';
import type { BpfHook } from './program.ts';
import { emitStructured } from './structure.ts';
import { type FunctionType, wasmModule } from './wasm-module.ts';
import { wasm, wasmType } from './wasm-opcodes.ts';
import { WasmWriter } from './wasm-writer.ts';

export interface TranslateOptions {
	/** Of the memory that the module is to run in. */
	readonly pages: number;
	/** Checked: 2 to the power of this is the size of the memory's data. */
	readonly checkedBits: number | undefined;
	/** Checked: how often a run may jump back. */
	readonly fuel: number;
	/** Those there are at the hook, by number: all are imported. */
	readonly helpers: ReadonlyMap<number, Helper>;
	readonly hook: BpfHook;
	/** Not to look for the structure of the control flow. */
	readonly dispatch: boolean;
	map(handle: number): MemoryMap | undefined;
}

/** Names of the imports' module, and of the exports. */
export const moduleNames = {
	imports: 'bpf',
	memory: 'memory',
	stop: 'stop',
	run: 'run',
	entry: 'entry',
} as const;

const { i32, i64 } = wasmType;

/** r1 to r5 and r10; r0. */
const functionType: FunctionType = { parameters: [i64, i64, i64, i64, i64, i64], results: [i64] };
/** r1 and r2, for code without a context; r0. */
const programType: FunctionType = { parameters: [i64, i64], results: [i64] };
/** Why, where, how many bytes, and at what address. */
const stopType: FunctionType = { parameters: [i32, i32, i32, i64], results: [] };
/** The context's address and how often to run; the last return code. */
const runType: FunctionType = { parameters: [i32, i32], results: [i32] };

/** A checked program says at the end where it is. */
function helperType(helper: Helper, checked: boolean): FunctionType {
	const parameters: number[] = new Array(passedCount(helper.arguments)).fill(i32);
	const returns = helper.result === 'signed' || helper.result === 'unsigned';
	return { parameters: checked ? [...parameters, i32] : parameters, results: returns ? [i32] : [] };
}

/** @throws EF_BPF_UNSUPPORTED, EF_NO_OBJECT for instructions that cannot be */
export function translate(code: Code, options: TranslateOptions): Uint8Array {
	const { helpers, checkedBits } = options;
	const helperIndexes = new Map([...helpers.keys()].map((number, index) => [number, index + 1]));
	const imported = helpers.size + 1;
	const functions = [code.entry];
	/** The functions that each calls. */
	const calls: number[][] = [];
	const bodies: WasmWriter[] = [];
	for (let index = 0; index < functions.length; index++) {
		// What a program of this length is translated to, or somewhat more.
		const out = new WasmWriter(code.instructions.length * (checkedBits === undefined ? 12 : 36) + 1024);
		const called: number[] = [];
		calls.push(called);
		const emitter: Emitter = {
			code,
			out,
			hook: options.hook,
			checkedBits,
			stopFunction: 0,
			map: options.map,
			functionIndex: (target) => {
				const known = functions.indexOf(target);
				const number = known < 0 ? functions.push(target) - 1 : known;
				called.push(number);
				return imported + number;
			},
			helperIndex: (helper, instruction) => {
				const found = helperIndexes.get(helper);
				if (found === undefined) throw unsupported(code, instruction, helperName(helper));
				return found;
			},
		};
		emitFunction(emitter, functions[index] ?? 0, index === 0, options.dispatch);
		bodies.push(out);
	}
	requireShallowCalls(code, functions, calls);
	const checked = checkedBits !== undefined;
	const fuel = checked ? options.fuel : undefined;
	const exported = imported + bodies.length;
	return wasmModule({
		from: moduleNames.imports,
		memory: { name: moduleNames.memory, pages: options.pages },
		imports: [
			{ name: moduleNames.stop, type: stopType },
			...[...helpers].map(([number, helper]) => ({ name: `${number}`, type: helperType(helper, checked) })),
		],
		globals: 1,
		functions: [
			...bodies.map((body, index) => ({ body, type: index === 0 ? programType : functionType })),
			{ body: entryBody(imported, fuel), type: programType },
			{ body: runBody(imported, fuel), type: runType },
		],
		exports: [
			{ name: moduleNames.entry, index: exported },
			{ name: moduleNames.run, index: exported + 1 },
		],
	});
}

/** The program itself gets its context alone, and its stack is always in the same place. */
function emitFunction(emitter: Emitter, start: number, isProgram: boolean, dispatch: boolean): void {
	const { out } = emitter;
	const flow = controlFlow(emitter.code, start);
	const { parameters } = isProgram ? programType : functionType;
	out.unsigned(2);
	out.unsigned(localCounts.i64 - parameters.length);
	out.byte(i64);
	out.unsigned(localCounts.i32);
	out.byte(i32);
	if (isProgram) {
		out.i64(layout.stackTop);
		setRegister(emitter, framePointer);
	}
	getWord(emitter, framePointer);
	out.i32(frameBytes);
	out.byte(wasm.i32Sub);
	out.op(wasm.localSet, frameLocal);
	if (dispatch || !flow.reducible) emitDispatch(emitter, flow);
	else emitStructured(emitter, flow);
	out.reserve(2);
	// Every path has returned or gone elsewhere.
	out.byte(wasm.unreachable);
	out.byte(wasm.end);
}

/** Fill up the fuel, which is the only variable. */
function emitRefuel(out: WasmWriter, fuel: number | undefined): void {
	if (fuel === undefined) return;
	out.i32(fuel);
	out.op(wasm.globalSet, 0);
}

/** Call the program with its first two registers. */
function entryBody(program: number, fuel: number | undefined): WasmWriter {
	const out = new WasmWriter(64);
	out.unsigned(0);
	emitRefuel(out, fuel);
	for (const parameter of programType.parameters.keys()) out.op(wasm.localGet, parameter);
	out.op(wasm.call, program);
	out.byte(wasm.end);
	return out;
}

/** Call the program with its context, so often. */
function runBody(program: number, fuel: number | undefined): WasmWriter {
	const [context, left] = [0, 1];
	const out = new WasmWriter(64);
	out.unsigned(0);
	out.byte(wasm.loop);
	out.byte(i32);
	emitRefuel(out, fuel);
	out.op(wasm.localGet, context);
	out.byte(wasm.i64ExtendI32U);
	out.i64(0);
	out.op(wasm.call, program);
	out.byte(wasm.i32WrapI64);
	out.op(wasm.localGet, left);
	out.i32(1);
	out.byte(wasm.i32Sub);
	out.op(wasm.localTee, left);
	out.op(wasm.brIf, 0);
	out.byte(wasm.end);
	out.byte(wasm.end);
	return out;
}
