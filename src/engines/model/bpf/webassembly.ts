/**
 * The part of the WebAssembly JavaScript interface that we call. Node.js and browsers both have it; TypeScript
 * has its types only together with all of a browser's.
 */
export interface WasmMemory {
	readonly buffer: ArrayBuffer;
}

export type WasmFunction = (...values: never[]) => unknown;

interface WebAssemblyApi {
	readonly Memory: new (options: { initial: number; maximum: number }) => WasmMemory;
	readonly Module: new (bytes: Uint8Array) => object;
	readonly Instance: new (
		module: object,
		imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
	) => { readonly exports: Readonly<Record<string, WasmFunction>> };
}

export const webAssembly: WebAssemblyApi = (globalThis as unknown as { WebAssembly: WebAssemblyApi })
	.WebAssembly;
