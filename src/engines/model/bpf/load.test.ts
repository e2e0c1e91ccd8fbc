/** Objects that are damaged, foreign or more than the engine knows; and what a loaded program offers. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EncapForwardError } from '../../../error.ts';
import type { BpfEnvironment } from './environment.ts';
import { loadProgram } from './load.ts';
import type { BpfMap, BpfProgram } from './program.ts';

function objectFile(name: string): Uint8Array {
	return Uint8Array.from(readFileSync(new URL(`../../../../bpf/objects/${name}.o`, import.meta.url)));
}

const xdp = objectFile('datapath-xdp');
const tc = objectFile('datapath-tc');

const environment: BpfEnvironment = {
	fibLookup: () => ({ result: 'blackhole' }),
	device: () => undefined,
	now: () => 7n,
	jiffies: () => 1,
	random: () => 1,
};

/** To 10.0.0.9, as large as Ethernet's least. */
const frame = new Uint8Array(60);
frame.set([0x08, 0x00, 0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0, 0, 1, 1, 1, 1, 10, 0, 0, 9], 12);

function mapOf(program: BpfProgram, name: string): BpfMap {
	const map = program.maps[name];
	if (map === undefined) throw new Error(`no map ${name}`);
	return map;
}

describe('a damaged object', () => {
	// The smaller object, for every length is tried.
	const small = objectFile('observer');

	test('cut off at any length', { timeout: 60_000 }, () => {
		for (let length = 0; length < small.length; length++) {
			const load = () => loadProgram({ object: small.subarray(0, length) });
			expect(load, `${length} bytes`).toThrow(expect.objectContaining({ code: 'EF_NO_OBJECT' }));
		}
		expect(loadProgram({ object: small }).name).toBe('observe');
	});

	test('the datapath cut off at any length', { timeout: 60_000 }, () => {
		const lengths = fc.nat(xdp.length - 1);
		fc.assert(
			fc.property(lengths, (length) => {
				const load = () => loadProgram({ object: xdp.subarray(0, length) });
				expect(load).toThrow(expect.objectContaining({ code: 'EF_NO_OBJECT' }));
			}),
			{ numRuns: 1000 },
		);
	});

	test('with any bytes changed: loaded, or refused with a code', { timeout: 60_000 }, () => {
		const change = fc.tuple(fc.nat(small.length - 1), fc.nat(0xff));
		fc.assert(
			fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
				const object = small.slice();
				for (const [at, byte] of changes) object[at] = byte;
				try {
					loadProgram({ object });
				} catch (error) {
					expect(error).toBeInstanceOf(EncapForwardError);
					expect((error as EncapForwardError).code).not.toBe('EF_BUG');
				}
			}),
			{ numRuns: 300 },
		);
	});

	test.each([
		{ what: 'nothing', object: new Uint8Array(), says: /does not begin as ELF/ },
		{
			what: 'text',
			object: new TextEncoder().encode('#include <linux/bpf.h>\n'),
			says: /does not begin as ELF/,
		},
		{ what: 'of 32 bits', object: changed(4, 1), says: /not of 64 bits and little endian/ },
		{ what: 'big endian', object: changed(5, 2), says: /not of 64 bits and little endian/ },
		{ what: 'of x86-64', object: changed(18, 62), says: /for the machine 62, not for BPF \(247\)/ },
		{ what: 'a header alone', object: xdp.subarray(0, 40), says: /header is cut off/ },
	])('$what', ({ object, says }) => {
		expect(() => loadProgram({ object })).toThrow(says);
		expect(() => loadProgram({ object })).toThrow(expect.objectContaining({ code: 'EF_NO_OBJECT' }));
	});

	function changed(at: number, byte: number): Uint8Array {
		const object = xdp.slice();
		object[at] = byte;
		return object;
	}
});

describe('more than the engine knows', () => {
	test('a program at a tracepoint', () => {
		expect(() => loadProgram({ object: objectFile('tracer'), program: 'drop' })).toThrow(
			/runs programs at XDP and TC: drop is of section tp_btf\/kfree_skb/,
		);
	});

	test('several programs', () => {
		expect(() => loadProgram({ object: objectFile('tracer') })).toThrow(
			/choose one of receive, transmit, drop/,
		);
		expect(() => loadProgram({ object: xdp, program: 'other' })).toThrow(
			/no program other; it has: datapath/,
		);
	});

	test('a helper, with where it is called', () => {
		// bpf_jiffies64 is number 118: make the first call of it one of bpf_tail_call.
		const object = xdp.slice();
		const at = object.findIndex(
			(byte, index) => byte === 0x85 && object[index + 1] === 0 && object[index + 4] === 118,
		);
		object[at + 4] = 12;
		expect(() => loadProgram({ object })).toThrow(
			/does not know the helper bpf_tail_call, at instruction \d+ \(byte \d+\) of section \.text; try the linux engine/,
		);
		expect(() => loadProgram({ object })).toThrow(expect.objectContaining({ code: 'EF_BPF_UNSUPPORTED' }));
	});

	test('maps of another shape, or of programs that share nothing', () => {
		const one = loadProgram({ object: xdp });
		const other = loadProgram({ object: xdp });
		const share = (maps: Record<string, BpfMap>) => () => loadProgram({ object: tc, maps });
		expect(share({ nothing: mapOf(one, 'ways') })).toThrow(/there is no map nothing to share/);
		expect(share({ ways: mapOf(one, 'outcomes') })).toThrow(/the map ways is shared as percpu-array/);
		expect(share({ devices: mapOf(one, 'devices'), ways: mapOf(other, 'ways') })).toThrow(
			/programs that share nothing/,
		);
	});

	test('variables', () => {
		expect(() => loadProgram({ object: xdp, constants: { speed: 1 } })).toThrow(
			/no variable speed; it has: .*trace/,
		);
		const program = loadProgram({ object: xdp });
		expect(() => program.setVariable('trace', 1)).toThrow(/constant/);
		expect(() => program.setVariable('speed', 1)).toThrow(/no variable speed/);
	});
});

describe('a loaded program', () => {
	const context = { ingressDevice: 3 };

	test('hook, name and maps', () => {
		const program = loadProgram({ object: xdp, entries: { devices: 7 } });
		expect(program).toMatchObject({ name: 'datapath', hook: 'xdp' });
		expect(loadProgram({ object: tc }).hook).toBe('tc');
		expect(mapOf(program, 'devices')).toMatchObject({ kind: 'hash', keyBytes: 4, entries: 7 });
		expect(mapOf(program, 'tunnels')).toMatchObject({ kind: 'array', keyBytes: 4, entries: 257 });
		expect(mapOf(program, 'sightings')).toMatchObject({ kind: 'ring-buffer', entries: 1 << 20 });
	});

	test('constants decide what it does', () => {
		const run = (trace: boolean) =>
			loadProgram({ object: xdp, constants: { trace } }).run({ frame, context, environment }).events.length;
		expect([run(false), run(true)]).toEqual([0, 2]);
	});

	test('shared maps are one; each program has its own others', () => {
		const first = loadProgram({ object: xdp });
		const second = loadProgram({ object: tc, maps: { devices: mapOf(first, 'devices') } });
		const key = Uint8Array.of(8, 0, 0, 0);
		mapOf(first, 'devices').update(key, new Uint8Array(mapOf(first, 'devices').valueBytes));
		expect(mapOf(second, 'devices').keys()).toEqual([key]);
		first.run({ frame, context, environment });
		const counted = (program: BpfProgram) =>
			mapOf(program, 'outcomes')
				.keys()
				.filter((each) =>
					mapOf(program, 'outcomes')
						.lookup(each)
						?.some((byte) => byte !== 0),
				).length;
		expect([counted(first), counted(second)]).toEqual([1, 0]);
	});

	test('reset forgets', () => {
		const program = loadProgram({ object: xdp });
		program.run({ frame, context, environment });
		program.setVariable('generation', 5);
		program.reset();
		for (const key of mapOf(program, 'outcomes').keys()) {
			expect(mapOf(program, 'outcomes').lookup(key)).toEqual(new Uint8Array(16));
		}
	});

	test('a fast build does the same', () => {
		const results = (['checked', 'fast'] as const).map((build) =>
			loadProgram({ object: xdp, build, constants: { trace: true } }).run({ frame, context, environment }),
		);
		expect(results[1]).toEqual(results[0]);
	});

	test.each([
		{ what: 'too long for a buffer', bytes: 200_000 },
		{ what: 'too short for Ethernet at TC', bytes: 13 },
	])('a frame $what is refused', ({ bytes }) => {
		const object = bytes < 14 ? tc : xdp;
		const run = () => loadProgram({ object }).run({ frame: new Uint8Array(bytes), context, environment });
		expect(run).toThrow(expect.objectContaining({ code: 'EF_INPUT' }));
	});

	test('keys and values of another length are refused', () => {
		const map = mapOf(loadProgram({ object: xdp }), 'devices');
		expect(() => map.lookup(new Uint8Array(3))).toThrow(/refuses a key of 3 bytes: give 4/);
		expect(() => map.update(new Uint8Array(4), new Uint8Array(1))).toThrow(/refuses a value of 1 bytes/);
	});
});
