/** What a compiled BPF object has to offer: programs, maps and global variables. */
import { Btf } from '../../../bpf/btf.ts';
import { EncapForwardError } from '../../../error.ts';
import { type Elf, type ElfSymbol, readElf, type Section } from './elf.ts';
import type { MapDefinition } from './maps/map.ts';
import type { BpfHook, BpfMapKind } from './program.ts';

export interface ProgramSymbol {
	readonly name: string;
	readonly section: number;
	/** Offset of its first instruction in the section. */
	readonly offset: number;
	/** Undefined for a program of another type, such as a tracepoint's. */
	readonly hook: BpfHook | undefined;
}

export interface Variable {
	readonly section: number;
	readonly offset: number;
	readonly size: number;
}

export interface DefinedMap extends MapDefinition {
	/** Offset of its definition in `.maps`. */
	readonly offset: number;
}

export interface ObjectFile {
	readonly elf: Elf;
	readonly programs: readonly ProgramSymbol[];
	readonly maps: readonly DefinedMap[];
	/** The number of the section `.maps`; -1 where there is none. */
	readonly mapSection: number;
	/** By name. */
	readonly variables: ReadonlyMap<string, Variable>;
}

/** enum bpf_map_type, as far as there is such a map here. */
const mapKinds: ReadonlyMap<number, BpfMapKind> = new Map<number, BpfMapKind>([
	[1, 'hash'],
	[2, 'array'],
	[5, 'percpu-hash'],
	[6, 'percpu-array'],
	[9, 'lru-hash'],
	[10, 'lru-percpu-hash'],
	[11, 'lpm-trie'],
	[14, 'devmap'],
	[25, 'devmap-hash'],
	[27, 'ring-buffer'],
]);

const textSection = '.text';

function hookOf(section: string): BpfHook | undefined {
	if (/^xdp(\.frags)?(\/|$)/.test(section)) return 'xdp';
	return /^(tc|tcx|classifier|action|netkit)(\/|$)/.test(section) ? 'tc' : undefined;
}

/** Global data, as libbpf takes it from sections by their names. */
export function isData({ name }: Section): boolean {
	return /^\.(rodata|data|bss)(\.|$)/.test(name);
}

export function isReadOnly({ name }: Section): boolean {
	return name.startsWith('.rodata');
}

/** @throws EF_NO_OBJECT for what is damaged, EF_BPF_UNSUPPORTED for a kind of map there is not */
export function readObject(file: Uint8Array): ObjectFile {
	const elf = readElf(file);
	try {
		const { sections, symbols } = elf;
		const types = sections.find(({ name }) => name === '.BTF');
		const btf = types === undefined ? undefined : new Btf(types.bytes);
		return {
			elf,
			programs: symbols.flatMap((symbol) => programOf(symbol, sections)),
			maps: btf === undefined ? [] : definedMaps(btf, symbols),
			mapSection: sections.findIndex(({ name }) => name === '.maps'),
			variables: btf === undefined ? new Map() : variablesOf(btf, elf),
		};
	} catch (cause) {
		if (cause instanceof EncapForwardError) throw cause;
		throw new EncapForwardError(
			'EF_NO_OBJECT',
			'the type information (BTF) of the BPF object is damaged; compile it again with "clang -g"',
			{ cause },
		);
	}
}

function programOf({ name, type, value, section }: ElfSymbol, sections: readonly Section[]): ProgramSymbol[] {
	const home = sections[section];
	if (type !== 'function' || home === undefined || !home.executable || home.name === textSection) return [];
	return [{ name, section, offset: value, hook: hookOf(home.name) }];
}

/** Members of a definition: `int (*name)[value]` for a number, `type *name` for a type (libbpf's bpf_helpers.h). */
function definedMaps(btf: Btf, symbols: readonly ElfSymbol[]): DefinedMap[] {
	return [...btf.section('.maps')].map(([name, { type }]) => {
		const members = btf.members(type);
		const pointed = (member: string): number | undefined => {
			const found = members.get(member);
			return found === undefined ? undefined : btf.target(found);
		};
		const number = (member: string): number | undefined => {
			const target = pointed(member);
			return target === undefined ? undefined : btf.elements(target);
		};
		const size = (member: string): number | undefined => {
			const target = pointed(member);
			return target === undefined ? undefined : btf.size(target);
		};
		const kindNumber = number('type') ?? 0;
		const kind = mapKinds.get(kindNumber);
		if (kind === undefined) {
			throw new EncapForwardError(
				'EF_BPF_UNSUPPORTED',
				`the model's BPF engine does not know the kind of the map ${name} (BPF_MAP_TYPE number ${kindNumber}); try the linux engine`,
			);
		}
		return {
			name,
			offset: offsetOf(symbols, name),
			kind,
			keyBytes: number('key_size') ?? size('key') ?? 0,
			valueBytes: number('value_size') ?? size('value') ?? 0,
			entries: number('max_entries') ?? 0,
		};
	});
}

/** Compilers leave it to the linker to write where a variable stands into BTF; libbpf, too, asks the symbols. */
function offsetOf(symbols: readonly ElfSymbol[], name: string): number {
	return symbols.find((symbol) => symbol.name === name && symbol.type === 'object')?.value ?? 0;
}

function variablesOf(btf: Btf, { sections, symbols }: Elf): Map<string, Variable> {
	const variables = new Map<string, Variable>();
	sections.forEach((section, number) => {
		if (!isData(section)) return;
		for (const [name, { size }] of btf.section(section.name)) {
			const offset = offsetOf(symbols, name);
			if (offset + size <= section.size) variables.set(name, { section: number, offset, size });
		}
	});
	return variables;
}
