/** Joins a program with the functions it calls and with the addresses of its maps and variables. */
import { EncapForwardError } from '../../../error.ts';
import { concatenate } from '../../../packet/bytes.ts';
import type { Code, Reference } from './code.ts';
import { type Relocation, relocationType } from './elf.ts';
import { Instructions, instructionBytes } from './instruction.ts';
import { isData, type ObjectFile, type ProgramSymbol } from './object.ts';

export interface Addresses {
	/** The handle of the map that is defined at this offset of `.maps`. */
	mapHandle(offset: number): number | undefined;
	/** Where a section of global data begins. */
	section(number: number): number | undefined;
}

/** @throws EF_NO_OBJECT, EF_BPF_UNSUPPORTED */
export function link(object: ObjectFile, program: ProgramSymbol, addresses: Addresses): Code {
	const { elf } = object;
	const text = elf.sections.findIndex(({ name, executable }) => name === '.text' && executable);
	const parts: Uint8Array[] = [];
	let count = 0;
	const references = new Map<number, Reference>();
	/** Sections with code, and the number of their first instruction among all. */
	const bases = new Map<number, number>();
	for (const number of new Set([program.section, text])) {
		const section = elf.sections[number];
		if (section === undefined) continue;
		bases.set(number, count);
		parts.push(section.bytes);
		count += Math.floor(section.bytes.length / instructionBytes);
	}
	const instructions = new Instructions(concatenate(parts));
	const place = (instruction: number): string => {
		const [home] = [...bases].reverse().filter(([, base]) => instruction >= base);
		const [number, base] = home ?? [program.section, 0];
		const own = instruction - base;
		return `instruction ${own} (byte ${own * instructionBytes}) of section ${elf.sections[number]?.name}`;
	};
	for (const [section, base] of bases) {
		for (const relocation of elf.relocations(section)) {
			const at = base + relocation.offset / instructionBytes;
			if (at >= count)
				throw new EncapForwardError(
					'EF_NO_OBJECT',
					'the BPF object is damaged: a relocation lies outside of its section; compile it again',
				);
			references.set(
				at,
				referenceOf(relocation, instructions.immediate(at), {
					object,
					addresses,
					bases,
					place: () => place(at),
				}),
			);
		}
	}
	const entry = (bases.get(program.section) ?? 0) + program.offset / instructionBytes;
	return { instructions, entry, references, place };
}

interface Surroundings {
	readonly object: ObjectFile;
	readonly addresses: Addresses;
	readonly bases: ReadonlyMap<number, number>;
	place(): string;
}

/** As libbpf's bpf_program__record_reloc. */
function referenceOf({ type, symbol }: Relocation, immediate: number, around: Surroundings): Reference {
	const { object, addresses, bases } = around;
	const home = object.elf.sections[symbol.section];
	const name = symbol.name === '' ? (home?.name ?? '') : symbol.name;
	const refusal = (what: string): EncapForwardError =>
		new EncapForwardError(
			'EF_BPF_UNSUPPORTED',
			`the model's BPF engine does not know ${what}, at ${around.place()}; try the linux engine`,
		);
	if (home === undefined || symbol.section === 0) throw refusal(`the external symbol ${name}`);
	if (type === relocationType.call) {
		const base = bases.get(symbol.section);
		if (base === undefined) throw refusal(`the function ${name} of section ${home.name}`);
		return { kind: 'function', target: base + symbol.value / instructionBytes + immediate + 1 };
	}
	if (type !== relocationType.wideLoad) throw refusal(`a relocation of kind ${type} to ${name}`);
	const offset = symbol.value + immediate;
	if (symbol.section === object.mapSection) {
		const handle = addresses.mapHandle(offset);
		if (handle !== undefined) return { kind: 'map', handle };
	}
	const base = isData(home) ? addresses.section(symbol.section) : undefined;
	if (base === undefined) throw refusal(`the address of ${name} in section ${home.name}`);
	return { kind: 'address', address: base + offset };
}
