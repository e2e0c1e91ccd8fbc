/** A checked program is stopped where it touches what is not its own, and where it does not end. */
import { describe, expect, test } from 'vitest';
import * as assembler from '../../../../test/support/assembler.ts';
import { bareCode } from '../../../../test/support/bpf-code.ts';
import type { BpfEnvironment } from './environment.ts';
import { instantiate } from './instantiate.ts';
import { Machine } from './machine.ts';
import { createMap } from './maps/create.ts';
import { BpfMemory, permission } from './memory.ts';
import type { BpfHook, RunResult } from './program.ts';
import { run } from './run.ts';

const { addImmediate, call, exit, instruction, jump, load, loadWide, move, moveImmediate, program } =
	assembler;
const { store, storeImmediate } = assembler;

const environment: BpfEnvironment = {
	fibLookup: () => ({ result: 'no-device' }),
	device: () => undefined,
	now: () => 7n,
	jiffies: () => 1,
	random: () => 1,
};

const frame = Uint8Array.from({ length: 60 }, (_, index) => (index === 12 ? 8 : index === 13 ? 0 : index));

interface Setting {
	readonly hook?: BpfHook;
	readonly dispatch?: boolean;
}

/** Run code with a map of 12-byte values, whose wide load is the instruction with number 0, if it is one. */
function runChecked(code: Uint8Array, { hook = 'xdp', dispatch = false }: Setting = {}): RunResult {
	const machine = new Machine(new BpfMemory(8192));
	const definition = { name: 'map', kind: 'array', keyBytes: 4, valueBytes: 12, entries: 4 } as const;
	const handle = machine.add(createMap(definition, machine.memory));
	machine.add(
		createMap(
			{ name: 'ring', kind: 'ring-buffer', keyBytes: 0, valueBytes: 0, entries: 4096 },
			machine.memory,
		),
	);
	// A constant, as of .rodata.
	const constant = machine.memory.allocate(4);
	machine.memory.permit(constant, 4, permission.read);
	const references = new Map([
		[0, { kind: 'map', handle } as const],
		[2, { kind: 'address', address: constant } as const],
		[4, { kind: 'map', handle: handle + 8 } as const],
	]);
	const options = { build: 'checked', fuel: 1000, hook, name: 'test', dispatch } as const;
	const instance = instantiate(bareCode(code, references), machine, options);
	return run(machine, instance, hook, 'checked', { frame, context: { ingressDevice: 1 }, environment });
}

/** r1: the map; r2: the constant; r3: the ring buffer; r6: the context. */
const setUp = program(loadWide(7, 0n), loadWide(8, 0n), loadWide(9, 0n), move(6, 1));
const end = program(moveImmediate(0, 2), exit);
const packet = load(4, 1, 6, 0);
const packetEnd = load(4, 1, 6, 4);
/** The value of an element, or null, in r0. */
const lookup = (index: number): Uint8Array =>
	program(storeImmediate(4, 10, -4, index), move(2, 10), addImmediate(2, -4), move(1, 7), call(1));

test.each([
	{
		what: 'the packet to its last byte',
		code: program(packetEnd, load(1, 0, 1, -1), packet, store(8, 1, 0, 1)),
	},
	{ what: 'the stack', code: program(storeImmediate(8, 10, -512, 1), load(8, 0, 10, -512)) },
	{ what: "a map's value to its last byte", code: program(lookup(3), store(4, 0, 8, 0)) },
	{ what: 'a constant', code: load(4, 0, 8, 0) },
	{ what: 'the context', code: load(4, 0, 6, 20) },
])('allowed: $what', ({ code }) => {
	expect(runChecked(program(setUp, code, end)).returnCode).toBe(2);
});

const faults: readonly { what: string; code: Uint8Array; says: RegExp; hook?: BpfHook }[] = [
	{ what: 'behind the packet', code: program(packetEnd, load(1, 0, 1, 0)), says: /read 1 bytes/ },
	{ what: 'over its end', code: program(packetEnd, load(4, 0, 1, -3)), says: /read 4 bytes/ },
	{ what: 'before the packet', code: program(packet, store(1, 1, -1, 0)), says: /write 1 bytes/ },
	{ what: 'the null pointer', code: program(moveImmediate(1, 0), load(4, 0, 1, 16)), says: /at 0x10,/ },
	{
		what: 'below the null pointer',
		code: program(moveImmediate(1, 0), load(8, 0, 1, -8)),
		says: /0xfffffffffffffff8/,
	},
	{
		what: 'an element that is not there',
		code: program(lookup(4), load(4, 0, 0, 0)),
		says: /read 4 bytes at 0x0,/,
	},
	{ what: 'behind a value', code: program(lookup(3), load(4, 0, 0, 12)), says: /read 4 bytes/ },
	{ what: 'a value to a byte too much', code: program(lookup(0), store(8, 0, 8, 0)), says: /write 8 bytes/ },
	{ what: 'a map itself', code: load(4, 0, 7, 0), says: /read 4 bytes at 0x8,/ },
	{ what: 'a constant', code: storeImmediate(1, 8, 0, 1), says: /write 1 bytes/ },
	{ what: 'the context of XDP', code: storeImmediate(4, 6, 0, 1), says: /write 4 bytes/ },
	{ what: 'behind the context of XDP', code: load(4, 0, 6, 24), says: /read 4 bytes/ },
	{ what: "an skb's length", code: storeImmediate(4, 6, 0, 1), says: /write 4 bytes/, hook: 'tc' },
	{ what: "an skb's addresses", code: load(4, 0, 6, 92), says: /read 4 bytes/, hook: 'tc' },
	{ what: 'over the stack', code: storeImmediate(1, 10, 0, 1), says: /write 1 bytes/ },
	{
		what: 'under all stacks',
		code: program(move(1, 10), addImmediate(1, -4104), load(8, 0, 1, 0)),
		says: /read 8/,
	},
	{
		what: 'with more than 32 bits',
		code: program(loadWide(1, 0x1_0000_2ff0n), load(8, 0, 1, 0)),
		says: /0x100002ff0,/,
	},
	{
		what: 'beyond the memory',
		code: program(loadWide(1, 0xffff_fff0n), load(8, 0, 1, 0)),
		says: /0xfffffff0,/,
	},
	{ what: 'atomically', code: program(packetEnd, assembler.atomic(4, 1, -2, 0, 0)), says: /write 4 bytes/ },
	{
		what: 'a key that is not there',
		code: program(moveImmediate(2, 64), move(1, 7), call(2)),
		says: /by bpf_map_update_elem/,
	},
	{
		what: 'a value beyond the stack',
		code: program(lookup(0), move(1, 7), move(2, 10), addImmediate(2, -4), move(3, 2), call(2)),
		says: /read 12 bytes at 0x2ffc by bpf_map_update_elem/,
	},
	{
		what: 'a buffer to be filled',
		code: program(move(1, 6), moveImmediate(2, 0), move(3, 8), moveImmediate(4, 4), call(189)),
		says: /write 4 bytes at 0x\w+ by bpf_xdp_load_bytes/,
	},
	{
		what: 'with a long address',
		code: program(loadWide(2, 0x1_0000_2ff0n), move(1, 7), call(3)),
		says: /0x100002ff0,/,
	},
	{
		what: 'a record that was submitted',
		code: program(
			move(1, 9),
			moveImmediate(2, 16),
			moveImmediate(3, 0),
			call(131),
			move(8, 0),
			move(1, 0),
			moveImmediate(2, 0),
			call(132),
			load(8, 0, 8, 0),
		),
		says: /read 8 bytes/,
	},
	{
		what: 'where the packet was',
		code: program(load(4, 8, 6, 0), move(1, 6), moveImmediate(2, 20), call(44), load(1, 0, 8, 0)),
		says: /read 1 bytes/,
	},
];

describe.each([false, true])('dispatch %s', (dispatch) => {
	test.each(faults)('stopped: $what', ({ code, says, hook }) => {
		const whole = program(setUp, code, end);
		const setting = { dispatch, ...(hook === undefined ? {} : { hook }) };
		expect(() => runChecked(whole, setting)).toThrow(says);
		expect(() => runChecked(whole, setting)).toThrow(/at instruction \d+: the kernel's verifier would/);
		expect(() => runChecked(whole, setting)).toThrow(expect.objectContaining({ code: 'EF_BPF_FAULT' }));
	});

	test.each([
		{ what: 'a loop', code: program(moveImmediate(0, 0), addImmediate(0, 1), jump(-2)) },
		{ what: 'a loop of one instruction', code: jump(-1) },
		{
			what: 'a loop that says to itself that it ends',
			code: program(moveImmediate(0, 1), instruction(0x55, 0, 0, -1, 0), exit),
		},
		{ what: 'a loop in a function', code: program(assembler.callLocal(1), exit, jump(-1)) },
		{
			what: 'two loops in each other',
			code: program(moveImmediate(0, 0), addImmediate(0, 1), instruction(0x15, 0, 0, -2, 3), jump(-3)),
		},
	])('$what is stopped by fuel', ({ code }) => {
		const runs = () => runChecked(code, { dispatch });
		expect(runs).toThrow(expect.objectContaining({ code: 'EF_BPF_ENDLESS' }));
		expect(runs).toThrow(/stopped after 1000 jumps back, at instruction \d/);
	});

	test('a loop that ends is not stopped, however often it runs', () => {
		const code = program(moveImmediate(0, 998), addImmediate(0, -1), instruction(0x55, 0, 0, -2, 0), end);
		for (let i = 0; i < 3; i++) expect(runChecked(code, { dispatch }).returnCode).toBe(2);
	});
});

test('after a program was stopped, the next run knows nothing of it', () => {
	const machine = new Machine(new BpfMemory(8192));
	const ring = createMap(
		{ name: 'ring', kind: 'ring-buffer', keyBytes: 0, valueBytes: 0, entries: 4096 },
		machine.memory,
	);
	const references = new Map([[1, { kind: 'map', handle: machine.add(ring) } as const]]);
	// Reserve, submit, and touch what is not there if the packet begins with 0.
	const code = program(
		move(6, 1),
		loadWide(1, 0n),
		moveImmediate(2, 8),
		moveImmediate(3, 0),
		call(131),
		instruction(0x55, 0, 0, 1, 0),
		exit,
		storeImmediate(8, 0, 0, 5),
		move(1, 0),
		moveImmediate(2, 0),
		call(132),
		load(4, 1, 6, 0),
		load(1, 1, 1, 0),
		instruction(0x55, 1, 0, 1, 0),
		load(8, 1, 1, 0),
		end,
	);
	const options = { build: 'checked', fuel: 1000, hook: 'xdp', name: 'test' } as const;
	const instance = instantiate(bareCode(code, references), machine, options);
	const runOn = (first: number): RunResult => {
		const bytes = frame.slice();
		bytes[0] = first;
		return run(machine, instance, 'xdp', 'checked', {
			frame: bytes,
			context: { ingressDevice: 1 },
			environment,
		});
	};
	expect(runOn(1).events).toEqual([Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0)]);
	expect(() => runOn(0)).toThrow(/may not read 8 bytes/);
	expect(runOn(1).events.length).toBe(1);
});
