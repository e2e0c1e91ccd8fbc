import { expect, test } from 'vitest';
import { Btf } from './btf.ts';

/** One struct btf_type: name, kind, number of members, size or type, and what follows. */
type Type = readonly [name: string, kind: number, members: number, ...rest: number[]];

/** A little-endian .BTF section (Documentation/bpf/btf.rst), with room before the types and the strings. */
function section(types: readonly Type[], extraNames: readonly string[] = []): Uint8Array {
	const names = ['', ...types.map(([name]) => name), ...extraNames];
	const strings = Buffer.from(`${names.join('\0')}\0`);
	const offsetOf = (name: string): number => (name === '' ? 0 : strings.indexOf(`\0${name}\0`) + 1);
	const words = types.flatMap(([name, kind, members, size = 0, ...rest]) => [
		offsetOf(name),
		((kind << 24) | members) >>> 0,
		size,
		...rest.map((word) => (word < 0 ? offsetOf(extraNames[-word - 1] ?? '') : word)),
	]);
	const header = 24;
	const gap = 8;
	const bytes = new Uint8Array(header + gap + words.length * 4 + gap + strings.length);
	const view = new DataView(bytes.buffer);
	view.setUint16(0, 0xeb9f, true);
	view.setUint8(2, 1);
	view.setUint32(4, header, true);
	view.setUint32(8, gap, true);
	view.setUint32(12, words.length * 4, true);
	view.setUint32(16, gap + words.length * 4 + gap, true);
	view.setUint32(20, strings.length, true);
	words.forEach((word, index) => {
		view.setUint32(header + gap + index * 4, word, true);
	});
	bytes.set(strings, header + gap + words.length * 4 + gap);
	return bytes;
}

/** One of each kind, so that a wrong length of any would lose the types behind it. */
const everyKind: readonly Type[] = [
	['int', 1, 0, 4, 32],
	['', 2, 0, 1], // pointer
	['', 3, 0, 0, 1, 1, 4], // array
	['structure', 4, 2, 8, 0, 1, 0, 0, 1, 32],
	['union_', 5, 1, 4, 0, 1, 0],
	['small', 6, 2, 4, -1, 1, -2, 0xffffffff],
	['forward', 7, 0, 0],
	['alias', 8, 0, 1],
	['', 9, 0, 1], // volatile
	['', 10, 0, 1], // const
	['', 11, 0, 1], // restrict
	['function_', 12, 1, 13],
	['', 13, 2, 1, 0, 1, 0, 1], // function prototype
	['first', 14, 0, 1, 1],
	['second', 14, 0, 1, 1],
	['.rodata', 15, 2, 8, 14, 0, 1, 15, 4, 4],
	['float', 16, 0, 8],
	['tag', 17, 0, 1, 0xffffffff],
	['', 18, 0, 1], // type tag
	['wide', 19, 1, 8, -1, 5, 0],
	['last', 6, 1, 4, -3, 7],
];

const btf = new Btf(section(everyKind, ['ONE', 'MINUS', 'SEVEN']));

test("an enum's names by number, negative ones too", () => {
	expect(btf.enumeration('small')).toEqual(
		new Map([
			[1, 'ONE'],
			[-1, 'MINUS'],
		]),
	);
});

test('no kind is stepped over by a wrong length', () => {
	expect(btf.enumeration('last')).toEqual(new Map([[7, 'SEVEN']]));
});

test('what is not there, or is no enum, is undefined; a name that only begins alike is another', () => {
	expect(btf.enumeration('absent')).toBeUndefined();
	expect(btf.enumeration('structure')).toBeUndefined();
	expect(btf.enumeration('las')).toBeUndefined();
	expect(btf.enumeration('lastly')).toBeUndefined();
});

test("a section's variables with their offsets and sizes", () => {
	expect(btf.section('.rodata')).toEqual(
		new Map([
			['first', { offset: 0, size: 1, type: 1 }],
			['second', { offset: 4, size: 4, type: 1 }],
		]),
	);
	expect(btf.section('.data').size).toBe(0);
});

test('types by number: members, targets, elements and sizes, through names and qualities', () => {
	expect(btf.members(4)).toEqual(new Map([['', 1]]));
	expect(btf.members(1)).toEqual(new Map());
	expect(btf.target(2)).toBe(1);
	expect(btf.target(1)).toBeUndefined();
	expect(btf.elements(3)).toBe(4);
	expect(btf.elements(1)).toBeUndefined();
	// int, pointer, array, struct, union, enum; typedef to restrict; float, type tag, 64-bit enum.
	const sizes = [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 17, 19, 20].map((type) => btf.size(type));
	expect(sizes).toEqual([4, 8, 16, 8, 4, 4, 4, 4, 4, 4, 8, 4, 8]);
	for (const without of [0, 7, 12, 13, 99]) expect(btf.size(without)).toBeUndefined();
});

test('types that go round in circles have no size', () => {
	expect(new Btf(section([['ring', 8, 0, 1]])).size(1)).toBeUndefined();
});

test('bytes that are not BTF are refused', () => {
	expect(() => new Btf(new Uint8Array())).toThrow(RangeError);
	expect(() => new Btf(new Uint8Array(64))).toThrow(RangeError);
	const bigEndian = section(everyKind);
	bigEndian.set([0xeb, 0x9f]);
	expect(() => new Btf(bigEndian)).toThrow(RangeError);
});
