/** A WebAssembly module put together from its parts (WebAssembly Core Specification 2.0, section 5.5). */
import { wasm, wasmType } from './wasm-opcodes.ts';
import { WasmWriter } from './wasm-writer.ts';

/** Value types, by their numbers. */
export interface FunctionType {
	readonly parameters: readonly number[];
	readonly results: readonly number[];
}

export interface ModuleParts {
	/** Where everything is imported from. */
	readonly from: string;
	readonly memory: { readonly name: string; readonly pages: number };
	/** Functions, which have the first indexes. */
	readonly imports: readonly { readonly name: string; readonly type: FunctionType }[];
	/** How many mutable variables of 32 bits, zero at first. */
	readonly globals: number;
	readonly functions: readonly { readonly body: WasmWriter; readonly type: FunctionType }[];
	readonly exports: readonly { readonly name: string; readonly index: number }[];
}

const sectionId = { types: 1, imports: 2, functions: 3, globals: 6, exports: 7, code: 10 } as const;
const externKind = { function: 0, memory: 2 } as const;
const functionForm = 0x60;
const withMaximum = 1;
const mutable = 1;

/** Room for an entry of any section but code, whose entries see to it themselves. */
const entryBytes = 64;

export function wasmModule({ from, memory, imports, globals, functions, exports }: ModuleParts): Uint8Array {
	const out = new WasmWriter(functions.reduce((sum, { body }) => sum + body.length, 8192));
	out.append(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
	/** A section that is a list. */
	const section = <T>(id: number, items: readonly T[], write: (part: WasmWriter, item: T) => void): void => {
		const part = new WasmWriter(4096);
		part.unsigned(items.length);
		for (const item of items) {
			part.reserve(entryBytes);
			write(part, item);
		}
		out.reserve(1);
		out.byte(id);
		out.appendSized(part);
	};

	const types: FunctionType[] = [];
	const numbers = new Map<string, number>();
	const typeNumber = (type: FunctionType): number => {
		const name = `${type.parameters}:${type.results}`;
		const number = numbers.get(name) ?? types.push(type) - 1;
		numbers.set(name, number);
		return number;
	};
	for (const { type } of [...imports, ...functions]) typeNumber(type);

	section(sectionId.types, types, (part, { parameters, results }) => {
		part.byte(functionForm);
		for (const list of [parameters, results]) {
			part.unsigned(list.length);
			for (const type of list) part.byte(type);
		}
	});
	section(sectionId.imports, [...imports, memory], (part, item) => {
		part.text(from);
		part.text(item.name);
		if ('type' in item) {
			part.byte(externKind.function);
			part.unsigned(typeNumber(item.type));
		} else {
			part.byte(externKind.memory);
			part.byte(withMaximum);
			part.unsigned(item.pages);
			part.unsigned(item.pages);
		}
	});
	section(sectionId.functions, functions, (part, { type }) => part.unsigned(typeNumber(type)));
	section(sectionId.globals, new Array<number>(globals).fill(0), (part, value) => {
		part.byte(wasmType.i32);
		part.byte(mutable);
		part.i32(value);
		part.byte(wasm.end);
	});
	section(sectionId.exports, exports, (part, { name, index }) => {
		part.text(name);
		part.byte(externKind.function);
		part.unsigned(index);
	});
	section(sectionId.code, functions, (part, { body }) => part.appendSized(body));
	return out.written();
}
