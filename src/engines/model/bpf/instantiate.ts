/** Makes BPF code run: translated, compiled, and joined with its helpers. */
import { EncapForwardError } from '../../../error.ts';
import type { Code } from './code.ts';
import { stopReasons } from './emitter.ts';
import { type Helper, type Pointer, passedCount } from './helpers/prototype.ts';
import { helpers } from './helpers/table.ts';
import type { Machine } from './machine.ts';
import { permission } from './memory.ts';
import type { BpfBuild, BpfHook } from './program.ts';
import { moduleNames, translate } from './translate.ts';
import { type WasmFunction, webAssembly } from './webassembly.ts';

export interface InstantiateOptions {
	readonly build: BpfBuild;
	readonly fuel: number;
	readonly hook: BpfHook;
	/** For people, in errors. */
	readonly name: string;
	/** Not to look for the structure of the control flow: for tests. */
	readonly dispatch?: boolean;
}

export interface Instance {
	/** Run so often, at least once, with the context at an address: the last return code. */
	readonly run: (context: number, repeat: number) => number;
	/** Call the program with r1 and r2: r0. */
	readonly entry: (r1: bigint, r2: bigint) => bigint;
}

const helpersByHook = new Map<BpfHook, ReadonlyMap<number, Helper>>(
	(['xdp', 'tc'] as const).map((hook) => [
		hook,
		new Map([...helpers].filter(([, helper]) => helper.hooks.includes(hook))),
	]),
);

/** @throws EF_BPF_UNSUPPORTED, EF_NO_OBJECT */
export function instantiate(code: Code, machine: Machine, options: InstantiateOptions): Instance {
	const { memory } = machine;
	const checked = options.build === 'checked';
	const available = helpersByHook.get(options.hook) ?? new Map();
	const bytes = translate(code, {
		pages: memory.pages,
		checkedBits: checked ? memory.bits : undefined,
		fuel: options.fuel,
		helpers: available,
		hook: options.hook,
		dispatch: options.dispatch ?? false,
		map: (handle) => machine.map(handle),
	});
	const stop = (reason: number, instruction: number, size: number, address: bigint): never => {
		throw stopError(code, options, stopReasons[reason] ?? 'read', instruction, size, address);
	};
	const imports: Record<string, unknown> = { [moduleNames.memory]: memory.memory, [moduleNames.stop]: stop };
	for (const [number, helper] of available) {
		imports[number] = checked
			? checkedHelper(helper, machine, (instruction, pointer, size, address) => {
					const does = pointer.does === 'read' ? 'read' : 'write';
					return stopError(code, options, does, instruction, size, BigInt(address), helper.name);
				})
			: boundHelper(helper, machine);
	}
	const instance = new webAssembly.Instance(new webAssembly.Module(bytes), {
		[moduleNames.imports]: imports,
	});
	return {
		run: instance.exports[moduleNames.run] as Instance['run'],
		entry: instance.exports[moduleNames.entry] as Instance['entry'],
	};
}

/** By number of arguments, for a call with a list of them is slow. */
function boundHelper({ run, arguments: list }: Helper, machine: Machine): WasmFunction {
	const bound: Readonly<Record<number, (...values: number[]) => number | undefined>> = {
		0: () => run(machine),
		1: (a = 0) => run(machine, a),
		2: (a = 0, b = 0) => run(machine, a, b),
		3: (a = 0, b = 0, c = 0) => run(machine, a, b, c),
		4: (a = 0, b = 0, c = 0, d = 0) => run(machine, a, b, c, d),
		5: (a = 0, b = 0, c = 0, d = 0, e = 0) => run(machine, a, b, c, d, e),
	};
	return (bound[passedCount(list)] ?? ((...values: number[]) => run(machine, ...values))) as WasmFunction;
}

type Refuse = (instruction: number, pointer: Pointer, bytes: number, address: number) => EncapForwardError;

/** Holds what a helper is given to what the program may pass on, as the kernel's verifier does. */
function checkedHelper({ run, arguments: list }: Helper, machine: Machine, refuse: Refuse): WasmFunction {
	const passed = list.map((argument, index) => ({ argument, position: passedCount(list.slice(0, index)) }));
	const pointers = passed.flatMap(({ argument, position }) =>
		typeof argument === 'object' && argument.bytes !== 'unchecked' ? [{ pointer: argument, position }] : [],
	);
	const sizeOf = ({ bytes }: Pointer, values: readonly number[]): number => {
		if (typeof bytes === 'number') return bytes;
		if (typeof bytes === 'object') return (values[passedCount(list.slice(0, bytes.argument))] ?? 0) >>> 0;
		const map = machine.map(values[0] ?? 0);
		return (bytes === 'key' ? map?.keyBytes : map?.valueBytes) ?? 0;
	};
	const needs = { read: permission.read, write: permission.write, both: permission.both } as const;
	return ((...values: number[]) => {
		const instruction = values.pop() ?? 0;
		for (const { pointer, position } of pointers) {
			const address = (values[position] ?? 0) >>> 0;
			const bytes = sizeOf(pointer, values);
			if (address === 0 && pointer.optional && bytes === 0) continue;
			if (!machine.memory.isPermitted(address, bytes, needs[pointer.does])) {
				throw refuse(instruction, pointer, bytes, address);
			}
		}
		return run(machine, ...values);
	}) as WasmFunction;
}

function stopError(
	code: Code,
	{ name, fuel }: InstantiateOptions,
	reason: (typeof stopReasons)[number],
	instruction: number,
	bytes: number,
	address: bigint,
	helper?: string,
): EncapForwardError {
	const where = code.place(instruction);
	if (reason === 'fuel') {
		return new EncapForwardError(
			'EF_BPF_ENDLESS',
			`the BPF program ${name} was stopped after ${fuel} jumps back, at ${where}: it does not end, or needs more fuel`,
		);
	}
	const at = `0x${BigInt.asUintN(64, address).toString(16)}`;
	return new EncapForwardError(
		'EF_BPF_FAULT',
		`the BPF program ${name} was stopped, for it may not ${reason} ${bytes} bytes at ${at}${helper === undefined ? '' : ` by ${helper}`}, at ${where}: the kernel's verifier would have refused it`,
	);
}
