/**
 * BPF Type Format (Documentation/bpf/btf.rst): as much of it as tells an enum's names and where a
 * section's variables stand. Pure: bytes in, names out.
 */
const kindArray = 3;
const kindStruct = 4;
const kindUnion = 5;
const kindEnum = 6;
const kindFunctionPrototype = 13;
const kindVariable = 14;
const kindSection = 15;
const kindDeclarationTag = 17;
const kindEnum64 = 19;
const kindInteger = 1;

interface Entry {
	readonly kind: number;
	readonly name: string;
	readonly members: number;
	/** Where what follows the 12 common bytes begins. */
	readonly offset: number;
}

/** Bytes that follow the common part of an entry (struct btf_type). */
function extra(kind: number, members: number): number {
	switch (kind) {
		case kindInteger:
		case kindVariable:
		case kindDeclarationTag:
			return 4;
		case kindArray:
			return 12;
		case kindStruct:
		case kindUnion:
		case kindSection:
		case kindEnum64:
			return 12 * members;
		case kindEnum:
		case kindFunctionPrototype:
			return 8 * members;
		default:
			return 0;
	}
}

export class Btf {
	readonly #bytes: Uint8Array;
	readonly #view: DataView;
	readonly #types: number;
	readonly #typesEnd: number;
	readonly #strings: number;

	/** `bytes`: a .BTF section, or /sys/kernel/btf/vmlinux; little endian. */
	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		if (bytes.length < 24 || this.#view.getUint16(0, true) !== 0xeb9f) {
			throw new RangeError('not little-endian BTF: its magic number is missing');
		}
		const header = this.#view.getUint32(4, true);
		this.#types = header + this.#view.getUint32(8, true);
		this.#typesEnd = this.#types + this.#view.getUint32(12, true);
		this.#strings = header + this.#view.getUint32(16, true);
	}

	#string(offset: number): string {
		const start = this.#strings + offset;
		const end = this.#bytes.indexOf(0, start);
		return new TextDecoder().decode(this.#bytes.subarray(start, end));
	}

	/** Whether the string at `offset` is `name`, without decoding it: there are many. */
	#is(offset: number, name: Uint8Array): boolean {
		const start = this.#strings + offset;
		for (let i = 0; i < name.length; i++) if (this.#bytes[start + i] !== name[i]) return false;
		return this.#bytes[start + name.length] === 0;
	}

	#find(kinds: readonly number[], name: string): Entry | undefined {
		const wanted = new TextEncoder().encode(name);
		for (let at = this.#types; at < this.#typesEnd; ) {
			const information = this.#view.getUint32(at + 4, true);
			const kind = (information >>> 24) & 0x1f;
			const members = information & 0xffff;
			if (kinds.includes(kind) && this.#is(this.#view.getUint32(at, true), wanted)) {
				return { kind, name, members, offset: at + 12 };
			}
			at += 12 + extra(kind, members);
		}
		return undefined;
	}

	/** The names of an enum's values by number, or undefined if there is no such enum. */
	enumeration(name: string): ReadonlyMap<number, string> | undefined {
		const entry = this.#find([kindEnum], name);
		if (entry === undefined) return undefined;
		const names = new Map<number, string>();
		for (let i = 0; i < entry.members; i++) {
			const at = entry.offset + 8 * i;
			names.set(this.#view.getInt32(at + 4, true), this.#string(this.#view.getUint32(at, true)));
		}
		return names;
	}

	/** Where the variables of a data section such as `.rodata` stand in it, by name. */
	section(name: string): ReadonlyMap<string, { readonly offset: number; readonly size: number }> {
		const entry = this.#find([kindSection], name);
		const variables = new Map<string, { offset: number; size: number }>();
		for (let i = 0; i < (entry?.members ?? 0); i++) {
			const at = (entry?.offset ?? 0) + 12 * i;
			const variable = this.#nameOf(this.#view.getUint32(at, true));
			variables.set(variable, {
				offset: this.#view.getUint32(at + 4, true),
				size: this.#view.getUint32(at + 8, true),
			});
		}
		return variables;
	}

	/** The name of the type with this number; the first is 1. */
	#nameOf(id: number): string {
		let at = this.#types;
		for (let i = 1; i < id; i++) {
			const information = this.#view.getUint32(at + 4, true);
			at += 12 + extra((information >>> 24) & 0x1f, information & 0xffff);
		}
		return this.#string(this.#view.getUint32(at, true));
	}
}
