/** Bare BPF instructions in the model's engine: no object, no context. */
import type { Code, Reference } from '../../src/engines/model/bpf/code.ts';
import { instantiate } from '../../src/engines/model/bpf/instantiate.ts';
import { Instructions } from '../../src/engines/model/bpf/instruction.ts';
import { Machine } from '../../src/engines/model/bpf/machine.ts';
import { BpfMemory, permission } from '../../src/engines/model/bpf/memory.ts';
import type { BpfBuild } from '../../src/engines/model/bpf/program.ts';

/** Every way in which code can be translated. */
export const builds: readonly { readonly build: BpfBuild; readonly dispatch: boolean }[] = [
	{ build: 'checked', dispatch: false },
	{ build: 'checked', dispatch: true },
	{ build: 'fast', dispatch: false },
	{ build: 'fast', dispatch: true },
];

export function bareCode(bytes: Uint8Array, references: ReadonlyMap<number, Reference> = new Map()): Code {
	return {
		instructions: new Instructions(bytes),
		entry: 0,
		references,
		place: (instruction) => `instruction ${instruction}`,
	};
}

export interface BareRun {
	readonly result: bigint;
	/** The input memory as the program left it. */
	readonly memory: Uint8Array;
}

export interface BareOptions {
	readonly build: BpfBuild;
	readonly dispatch: boolean;
	readonly fuel?: number;
	/** r1 points to it, r2 is its length. */
	readonly input?: Uint8Array;
	readonly machine?: Machine;
	readonly references?: ReadonlyMap<number, Reference>;
}

export function runBare(bytes: Uint8Array, options: BareOptions): BareRun {
	const { build, dispatch, fuel = 1_000_000, input = new Uint8Array(), references } = options;
	const machine = options.machine ?? new Machine(new BpfMemory(input.length + 64));
	const { memory } = machine;
	machine.environment = {
		fibLookup: () => ({ result: 'no-device' }),
		device: () => undefined,
		now: () => 1n,
		jiffies: () => 1,
		random: () => 4,
	};
	const instance = instantiate(bareCode(bytes, references), machine, {
		build,
		dispatch,
		fuel,
		hook: 'xdp',
		name: 'bare',
	});
	const address = memory.allocate(input.length);
	memory.bytes.set(input, address);
	memory.permit(address, input.length, permission.both);
	const result = instance.entry(input.length === 0 ? 0n : BigInt(address), BigInt(input.length));
	return { result: BigInt.asUintN(64, result), memory: memory.copy(address, input.length) };
}
