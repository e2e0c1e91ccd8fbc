/**
 * BPF Type Format (Documentation/bpf/btf.rst): as much of it as tells an enum's names, where a section's
 * variables stand, and what maps an object defines. Pure: bytes in, names out.
 */
const kindPointer = 2;
const kindArray = 3;
const kindStruct = 4;
const kindUnion = 5;
const kindEnum = 6;
const kindTypedef = 8;
const kindFunctionPrototype = 13;
const kindVariable = 14;
const kindSection = 15;
const kindDeclarationTag = 17;
const kindEnum64 = 19;
const kindInteger = 1;
/** Kinds that only give another type a name or a quality. */
const aliasKinds: readonly number[] = [8, 9, 10, 11, 18]; // typedef, volatile, const, restrict, type tag
const kindFloat = 16;

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

/** A variable of a data section. */
export interface BtfVariable {
	readonly offset: number;
	readonly size: number;
	/** The number of its type. */
	readonly type: number;
}

export class Btf {
	/** Where each type stands, once it was asked for by number. */
	#offsets: readonly number[] | undefined;
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
		return String.fromCharCode(...this.#bytes.subarray(start, end));
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
	section(name: string): ReadonlyMap<string, BtfVariable> {
		const entry = this.#find([kindSection], name);
		const variables = new Map<string, BtfVariable>();
		for (let i = 0; i < (entry?.members ?? 0); i++) {
			const at = (entry?.offset ?? 0) + 12 * i;
			const variable = this.#at(this.#view.getUint32(at, true));
			variables.set(variable.name, {
				offset: this.#view.getUint32(at + 4, true),
				size: this.#view.getUint32(at + 8, true),
				type: variable.sizeOrType,
			});
		}
		return variables;
	}

	/** The members of a struct with the numbers of their types, by name; none where it is no struct. */
	members(type: number): ReadonlyMap<string, number> {
		const { kind, members, offset } = this.#bare(type);
		const found = new Map<string, number>();
		if (kind !== kindStruct) return found;
		for (let i = 0; i < members; i++) {
			const at = offset + 12 * i;
			found.set(this.#string(this.#view.getUint32(at, true)), this.#view.getUint32(at + 4, true));
		}
		return found;
	}

	/** What a pointer's type points to; undefined where it is no pointer. */
	target(type: number): number | undefined {
		const { kind, sizeOrType } = this.#bare(type);
		return kind === kindPointer ? sizeOrType : undefined;
	}

	/** How many elements an array has; undefined where it is none. */
	elements(type: number): number | undefined {
		const { kind, offset } = this.#bare(type);
		return kind === kindArray ? this.#view.getUint32(offset + 8, true) : undefined;
	}

	/** Of a value of this type, in bytes; undefined where it has no size. */
	size(type: number): number | undefined {
		const { kind, sizeOrType, offset } = this.#bare(type);
		switch (kind) {
			case kindPointer:
				return 8;
			case kindArray: {
				const element = this.size(this.#view.getUint32(offset, true));
				return element === undefined ? undefined : element * this.#view.getUint32(offset + 8, true);
			}
			case kindInteger:
			case kindStruct:
			case kindUnion:
			case kindEnum:
			case kindEnum64:
			case kindFloat:
				return sizeOrType;
			default:
				return undefined;
		}
	}

	/**
	 * How many parameters a tracepoint has: those of the function that `btf_trace_NAME` points to, without
	 * its first, which is the tracepoint's own. Undefined if there is no such tracepoint.
	 */
	tracepointParameters(name: string): number | undefined {
		const type = this.#find([kindTypedef], `btf_trace_${name}`);
		if (type === undefined) return undefined;
		const pointer = this.#at(this.#view.getUint32(type.offset - 4, true));
		return this.#at(pointer.sizeOrType).members - 1;
	}

	/** The type with this number, the first is 1, without what only names it. */
	#bare(id: number): Entry & { readonly sizeOrType: number } {
		let entry = this.#at(id);
		// Damaged types may go round in circles.
		for (let depth = 0; aliasKinds.includes(entry.kind) && depth < 64; depth++) {
			entry = this.#at(entry.sizeOrType);
		}
		return entry;
	}

	#at(id: number): Entry & { readonly sizeOrType: number } {
		this.#offsets ??= this.#findOffsets();
		const at = this.#offsets[id];
		if (at === undefined) return { kind: 0, name: '', members: 0, offset: 0, sizeOrType: 0 };
		const information = this.#view.getUint32(at + 4, true);
		return {
			kind: (information >>> 24) & 0x1f,
			name: this.#string(this.#view.getUint32(at, true)),
			members: information & 0xffff,
			offset: at + 12,
			sizeOrType: this.#view.getUint32(at + 8, true),
		};
	}

	#findOffsets(): number[] {
		const offsets = [-1];
		for (let at = this.#types; at < this.#typesEnd; ) {
			const information = this.#view.getUint32(at + 4, true);
			offsets.push(at);
			at += 12 + extra((information >>> 24) & 0x1f, information & 0xffff);
		}
		delete offsets[0];
		return offsets;
	}
}
