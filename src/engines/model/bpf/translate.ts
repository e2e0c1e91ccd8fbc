/** BPF code as a WebAssembly module (WebAssembly Core Specification 2.0, section 5.5). */
import { type Code, unsupported } from './code.ts';
import { controlFlow } from './control-flow.ts';
import { emitDispatch } from './dispatch.ts';
import { type Emitter, localCounts } from './emitter.ts';
import type { Helper } from './helpers/prototype.ts';
import type { MemoryMap } from './maps/map.ts';
import { layout } from './memory.ts';
import { emitStructured } from './structure.ts';
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

type Signature = { readonly parameters: readonly number[]; readonly results: readonly number[] };

/** r1 to r5 and r10; r0. */
const functionSignature: Signature = { parameters: [i64, i64, i64, i64, i64, i64], results: [i64] };
const stopSignature: Signature = { parameters: [i32, i32, i32, i64], results: [] };
/** The context's address; the return code. */
const runSignature: Signature = { parameters: [i32], results: [i32] };

/** A checked program says at the end where it is. */
function helperSignature(helper: Helper, checked: boolean): Signature {
	const parameters = helper.arguments.flatMap((argument) =>
		argument === 'context' ? [] : argument === 'long' ? [i32, i32] : [i32],
	);
	const returns = helper.result === 'signed' || helper.result === 'unsigned';
	return { parameters: checked ? [...parameters, i32] : parameters, results: returns ? [i32] : [] };
}

/** Types, each once. */
class Types {
	readonly #numbers = new Map<string, number>();
	readonly #out = new WasmWriter();

	number({ parameters, results }: Signature): number {
		const name = `${parameters}:${results}`;
		const known = this.#numbers.get(name);
		if (known !== undefined) return known;
		this.#out.reserve(64);
		this.#out.byte(0x60);
		for (const list of [parameters, results]) {
			this.#out.unsigned(list.length);
			for (const type of list) this.#out.byte(type);
		}
		this.#numbers.set(name, this.#numbers.size);
		return this.#numbers.size - 1;
	}

	section(): WasmWriter {
		const out = new WasmWriter();
		out.unsigned(this.#numbers.size);
		out.append(this.#out.written());
		return out;
	}
}

/** @throws EF_BPF_UNSUPPORTED, EF_NO_OBJECT for instructions that cannot be */
export function translate(code: Code, options: TranslateOptions): Uint8Array {
	const { helpers, checkedBits } = options;
	const helperNumbers = [...helpers.keys()];
	const helperIndexes = new Map(helperNumbers.map((number, index) => [number, index + 1]));
	const imported = helpers.size + 1;
	const functions = [code.entry];
	const bodies: WasmWriter[] = [];
	for (let index = 0; index < functions.length; index++) {
		const out = new WasmWriter(16_384);
		const emitter: Emitter = {
			code,
			out,
			checkedBits,
			stopFunction: 0,
			map: options.map,
			functionIndex: (target) => {
				const known = functions.indexOf(target);
				return imported + (known < 0 ? functions.push(target) - 1 : known);
			},
			helperIndex: (helper, instruction) => {
				const found = helperIndexes.get(helper);
				if (found === undefined) throw unsupported(code, instruction, `the helper ${helper}`);
				return found;
			},
		};
		emitFunction(emitter, functions[index] ?? 0, options.dispatch);
		bodies.push(out);
	}
	const entry = imported + bodies.length;
	bodies.push(entryBody(imported, checkedBits === undefined ? undefined : options.fuel), runBody(entry));
	return assemble(options, bodies);
}

function emitFunction(emitter: Emitter, start: number, dispatch: boolean): void {
	const { out } = emitter;
	const flow = controlFlow(emitter.code, start);
	out.unsigned(2);
	out.unsigned(localCounts.i64);
	out.byte(i64);
	out.unsigned(localCounts.i32);
	out.byte(i32);
	if (dispatch || !flow.reducible) emitDispatch(emitter, flow);
	else emitStructured(emitter, flow);
	out.reserve(2);
	// Every path has returned or gone elsewhere.
	out.byte(wasm.unreachable);
	out.byte(wasm.end);
}

/** Fill up the fuel and call the program with all its registers. */
function entryBody(program: number, fuel: number | undefined): WasmWriter {
	const out = new WasmWriter(64);
	out.unsigned(0);
	if (fuel !== undefined) {
		out.i32(fuel);
		out.op(wasm.globalSet, 0);
	}
	for (const parameter of functionSignature.parameters.keys()) out.op(wasm.localGet, parameter);
	out.op(wasm.call, program);
	out.byte(wasm.end);
	return out;
}

/** Call the program with its context. */
function runBody(entry: number): WasmWriter {
	const out = new WasmWriter(64);
	out.unsigned(0);
	out.op(wasm.localGet, 0);
	out.byte(wasm.i64ExtendI32U);
	for (let register = 2; register <= 5; register++) out.i64(0);
	out.i64(layout.stackTop);
	out.op(wasm.call, entry);
	out.byte(wasm.i32WrapI64);
	out.byte(wasm.end);
	return out;
}

function assemble(
	{ pages, helpers, checkedBits }: TranslateOptions,
	bodies: readonly WasmWriter[],
): Uint8Array {
	const types = new Types();
	const out = new WasmWriter(65_536);
	out.append(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
	const section = (id: number, part: WasmWriter): void => {
		out.reserve(1);
		out.byte(id);
		out.appendSized(part);
	};
	const list = <T>(items: readonly T[], write: (part: WasmWriter, item: T) => void): WasmWriter => {
		const part = new WasmWriter(2048);
		part.unsigned(items.length);
		for (const item of items) {
			part.reserve(32);
			write(part, item);
		}
		return part;
	};
	const [importFunction, importMemory] = [0, 2];
	const imports = list(
		[
			{ name: moduleNames.stop, signature: stopSignature },
			...[...helpers].map(([number, helper]) => ({
				name: `${number}`,
				signature: helperSignature(helper, checkedBits !== undefined),
			})),
			{ name: moduleNames.memory, signature: undefined },
		],
		(part, { name, signature }) => {
			part.text(moduleNames.imports);
			part.text(name);
			if (signature !== undefined) {
				part.byte(importFunction);
				part.unsigned(types.number(signature));
			} else {
				part.byte(importMemory);
				part.byte(1); // with a maximum
				part.unsigned(pages);
				part.unsigned(pages);
			}
		},
	);
	const functions = list(bodies, (part, body) =>
		part.unsigned(types.number(body === bodies.at(-1) ? runSignature : functionSignature)),
	);
	const globals = list([0], (part, initial) => {
		part.byte(i32);
		part.byte(1); // mutable
		part.i32(initial);
		part.byte(wasm.end);
	});
	const first = helpers.size + 1;
	const exported = [
		{ name: moduleNames.run, index: first + bodies.length - 1 },
		{ name: moduleNames.entry, index: first + bodies.length - 2 },
	];
	const exports = list(exported, (part, { name, index }) => {
		part.text(name);
		part.byte(importFunction);
		part.unsigned(index);
	});
	section(1, types.section());
	section(2, imports);
	section(3, functions);
	section(6, globals);
	section(7, exports);
	section(
		10,
		list(bodies, (part, body) => part.appendSized(body)),
	);
	return out.written();
}
