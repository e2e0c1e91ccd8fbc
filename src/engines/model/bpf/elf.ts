/** The sections, symbols and relocations of a compiled BPF object: ELF, 64 bits, little endian, for EM_BPF. */
import { EncapForwardError } from '../../../error.ts';

export interface Section {
	readonly name: string;
	/** SHT_* */
	readonly type: number;
	readonly executable: boolean;
	/** Empty for a section that only takes up room, such as .bss. */
	readonly bytes: Uint8Array;
	/** In memory. */
	readonly size: number;
}

export interface ElfSymbol {
	readonly name: string;
	readonly type: SymbolType;
	/** Offset in its section. */
	readonly value: number;
	/** Of its section; 0 where the symbol is defined elsewhere. */
	readonly section: number;
}

export type SymbolType = 'none' | 'object' | 'function' | 'section' | 'other';

export interface Relocation {
	/** Of what is relocated, in its section. */
	readonly offset: number;
	/** R_BPF_* */
	readonly type: number;
	readonly symbol: ElfSymbol;
}

/** R_BPF_64_64: a wide load; R_BPF_64_32: a call. */
export const relocationType = { wideLoad: 1, call: 10 } as const;

const machineBpf = 247;
const sectionType = { symbols: 2, strings: 3, noBits: 8, relocations: 9 } as const;
const executableFlag = 4;
const [headerBytes, sectionHeaderBytes, symbolBytes, relocationBytes] = [64, 64, 24, 16];
const symbolTypes: readonly SymbolType[] = ['none', 'object', 'function', 'section'];

function foreign(what: string): EncapForwardError {
	return new EncapForwardError(
		'EF_NO_OBJECT',
		`this is no BPF object that can be run: ${what}; give one compiled by clang with "-target bpfel"`,
	);
}

export interface Elf {
	/** By their numbers. */
	readonly sections: readonly Section[];
	readonly symbols: readonly ElfSymbol[];
	/** What is to be relocated in the section with this number. */
	relocations(section: number): readonly Relocation[];
}

/** @throws EF_NO_OBJECT for what is damaged or made for something else */
export function readElf(file: Uint8Array): Elf {
	const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
	const magic = [0x7f, 0x45, 0x4c, 0x46];
	if (!magic.every((byte, index) => file[index] === byte)) throw foreign('it does not begin as ELF does');
	if (file.length < headerBytes) throw foreign('its header is cut off');
	if (file[4] !== 2 || file[5] !== 1) throw foreign('it is not of 64 bits and little endian');
	const machine = view.getUint16(18, true);
	if (machine !== machineBpf) throw foreign(`it is for the machine ${machine}, not for BPF (${machineBpf})`);
	const slice = (what: string, offset: number, bytes: number): Uint8Array => {
		if (offset + bytes > file.length) throw foreign(`it is cut off: ${what} lies beyond its end`);
		return file.subarray(offset, offset + bytes);
	};
	const long = (at: number): number => Number(view.getBigUint64(at, true));

	const count = view.getUint16(60, true);
	const table = long(40);
	if (view.getUint16(58, true) !== sectionHeaderBytes) throw foreign('its section headers have another size');
	slice('the table of sections', table, count * sectionHeaderBytes);
	const headers = Array.from({ length: count }, (_, index) => {
		const at = table + index * sectionHeaderBytes;
		const type = view.getUint32(at + 4, true);
		const [offset, size] = [long(at + 24), long(at + 32)];
		return {
			nameOffset: view.getUint32(at, true),
			type,
			flags: long(at + 8),
			bytes: type === sectionType.noBits ? new Uint8Array() : slice(`section ${index}`, offset, size),
			size,
			link: view.getUint32(at + 40, true),
			target: view.getUint32(at + 44, true),
		};
	});
	const strings = (section: number): ((offset: number) => string) => {
		const bytes = headers[section]?.bytes ?? new Uint8Array();
		return (offset) => {
			const end = bytes.indexOf(0, offset);
			if (end < 0) throw foreign('a name is cut off');
			return String.fromCharCode(...bytes.subarray(offset, end));
		};
	};
	const nameOf = strings(view.getUint16(62, true));

	const symbolTable = headers.find(({ type }) => type === sectionType.symbols);
	const symbols = readSymbols(
		symbolTable?.bytes ?? new Uint8Array(),
		strings(symbolTable?.link ?? 0),
		headers.length,
	);
	return {
		sections: headers.map(({ nameOffset, type, flags, bytes, size }) => ({
			name: nameOf(nameOffset),
			type,
			executable: (flags & executableFlag) !== 0,
			bytes,
			size,
		})),
		symbols,
		relocations: (section) =>
			headers
				.filter(({ type, target }) => type === sectionType.relocations && target === section)
				.flatMap(({ bytes }) => readRelocations(bytes, symbols)),
	};
}

function readSymbols(bytes: Uint8Array, nameOf: (offset: number) => string, sections: number): ElfSymbol[] {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	return Array.from({ length: Math.floor(bytes.length / symbolBytes) }, (_, index) => {
		const at = index * symbolBytes;
		const section = view.getUint16(at + 6, true);
		return {
			name: nameOf(view.getUint32(at, true)),
			type: symbolTypes[view.getUint8(at + 4) & 0x0f] ?? 'other',
			value: Number(view.getBigUint64(at + 8, true)),
			section: section < sections ? section : 0,
		};
	});
}

function readRelocations(bytes: Uint8Array, symbols: readonly ElfSymbol[]): Relocation[] {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	return Array.from({ length: Math.floor(bytes.length / relocationBytes) }, (_, index) => {
		const at = index * relocationBytes;
		const symbol = symbols[view.getUint32(at + 12, true)];
		if (symbol === undefined) throw foreign('a relocation names a symbol that there is not');
		return { offset: Number(view.getBigUint64(at, true)), type: view.getUint32(at + 8, true), symbol };
	});
}
