/** What all kinds of maps have in common: entries in the model's memory, seen by programs and by TypeScript. */
import { EncapForwardError } from '../../../../error.ts';
import { errno, errnoName } from '../errno.ts';
import { type BpfMemory, permission } from '../memory.ts';
import type { BpfMap, BpfMapKind } from '../program.ts';

/** A map as the object file defines it. */
export interface MapDefinition {
	readonly name: string;
	readonly kind: BpfMapKind;
	readonly keyBytes: number;
	readonly valueBytes: number;
	readonly entries: number;
}

/** BPF_NOEXIST, BPF_EXIST: what an update insists on. */
export const updateFlag = { noExist: 1, exist: 2 } as const;

/** Results are those of the kernel's map operations: an address or 0, and 0 or a negative error number. */
export abstract class MemoryMap implements BpfMap {
	readonly name: string;
	readonly kind: BpfMapKind;
	readonly keyBytes: number;
	readonly valueBytes: number;
	readonly entries: number;
	readonly memory: BpfMemory;
	/** Where a key and a value from TypeScript are put for the operations to read. */
	readonly #exchange: number;

	constructor(definition: MapDefinition, memory: BpfMemory) {
		this.name = definition.name;
		this.kind = definition.kind;
		this.keyBytes = definition.keyBytes;
		this.valueBytes = definition.valueBytes;
		this.entries = definition.entries;
		this.memory = memory;
		this.#exchange = memory.allocate(this.keyBytes + this.valueBytes);
	}

	/** The address of the value, or 0. */
	abstract find(key: number): number;
	abstract set(key: number, value: number, flags: number): number;
	abstract remove(key: number): number;
	abstract keys(): Uint8Array[];
	abstract clear(): void;

	lookup(key: Uint8Array): Uint8Array | undefined {
		const address = this.find(this.#put(key));
		return address === 0 ? undefined : this.memory.copy(address, this.valueBytes);
	}

	update(key: Uint8Array, value: Uint8Array): void {
		if (value.length !== this.valueBytes) {
			throw this.refusal(`a value of ${value.length} bytes: give ${this.valueBytes}`);
		}
		const keyAddress = this.#put(key);
		const valueAddress = keyAddress + this.keyBytes;
		this.memory.bytes.set(value, valueAddress);
		const result = this.set(keyAddress, valueAddress, 0);
		if (result < 0) throw this.refusal(`the entry: ${errnoName(result)}`);
	}

	fill(_values: Uint8Array): void {
		throw this.refusal('to be filled: it is no array');
	}

	delete(key: Uint8Array): boolean {
		const result = this.remove(this.#put(key));
		if (result === -errno.ENOENT) return false;
		if (result < 0) throw this.refusal(`to remove an entry: ${errnoName(result)}`);
		return true;
	}

	#put(key: Uint8Array): number {
		if (key.length !== this.keyBytes) {
			throw this.refusal(`a key of ${key.length} bytes: give ${this.keyBytes}`);
		}
		this.memory.bytes.set(key, this.#exchange);
		return this.#exchange;
	}

	protected refusal(what: string): EncapForwardError {
		return new EncapForwardError('EF_INPUT', `the map ${this.name} refuses ${what}`);
	}
}

/** Room for a map's values, one behind the other. */
export class Values {
	readonly base: number;
	/** Bytes from one value to the next. */
	readonly stride: number;
	readonly #memory: BpfMemory;
	readonly #bytes: number;

	constructor(memory: BpfMemory, bytes: number, count: number) {
		this.#memory = memory;
		this.#bytes = bytes;
		this.stride = (bytes + 7) & ~7;
		this.base = memory.allocate(this.stride * count);
		if (bytes === this.stride) memory.permit(this.base, bytes * count, permission.both);
		else for (let index = 0; index < count; index++) memory.permit(this.at(index), bytes, permission.both);
	}

	at(index: number): number {
		return this.base + index * this.stride;
	}

	/** The first ones, one behind the other as they are given. */
	fill(values: Uint8Array): void {
		const { base, stride } = this;
		const bytes = this.#bytes;
		if (bytes === stride) this.#memory.bytes.set(values, base);
		else
			for (let from = 0, at = base; from < values.length; from += bytes, at += stride)
				this.#memory.bytes.set(values.subarray(from, from + bytes), at);
	}

	write(index: number, from: number): void {
		this.#memory.bytes.copyWithin(this.at(index), from, from + this.#bytes);
	}

	clear(count: number): void {
		this.#memory.bytes.fill(0, this.base, this.base + this.stride * count);
	}
}
