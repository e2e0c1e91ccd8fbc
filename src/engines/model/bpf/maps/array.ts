/** BPF_MAP_TYPE_ARRAY and BPF_MAP_TYPE_PERCPU_ARRAY, and device maps by index (kernel/bpf/arraymap.c). */
import { errno } from '../errno.ts';
import type { BpfMemory } from '../memory.ts';
import { type MapDefinition, MemoryMap, updateFlag, Values } from './map.ts';

export class ArrayMap extends MemoryMap {
	readonly values: Values;

	constructor(definition: MapDefinition, memory: BpfMemory) {
		super(definition, memory);
		this.values = new Values(memory, this.valueBytes, this.entries);
	}

	find(key: number): number {
		const index = this.memory.view.getUint32(key, true);
		return index < this.entries ? this.values.at(index) : 0;
	}

	set(key: number, value: number, flags: number): number {
		const index = this.memory.view.getUint32(key, true);
		if (flags > updateFlag.exist) return -errno.EINVAL;
		if (index >= this.entries) return -errno.E2BIG;
		if (flags === updateFlag.noExist) return -errno.EEXIST;
		this.values.write(index, value);
		return 0;
	}

	override fill(values: Uint8Array): void {
		if (values.length % this.valueBytes !== 0 || values.length > this.valueBytes * this.entries)
			throw this.refusal(`${values.length} bytes as its first entries`);
		this.values.fill(values);
	}

	remove(_key: number): number {
		return -errno.EINVAL;
	}

	keys(): Uint8Array[] {
		return Array.from({ length: this.entries }, (_, index) => indexKey(index));
	}

	clear(): void {
		this.values.clear(this.entries);
	}
}

/** BPF_MAP_TYPE_DEVMAP: an array in which an entry can be missing (kernel/bpf/devmap.c). */
export class DeviceMap extends ArrayMap {
	/** Indices of the entries that there are. */
	readonly #present = new Set<number>();

	override find(key: number): number {
		return this.#present.has(this.memory.view.getUint32(key, true)) ? super.find(key) : 0;
	}

	override set(key: number, value: number, flags: number): number {
		const result = super.set(key, value, flags);
		// Device 0 means none.
		const index = this.memory.view.getUint32(key, true);
		if (result < 0) return result;
		if (this.memory.view.getUint32(value, true) === 0) this.#present.delete(index);
		else this.#present.add(index);
		return 0;
	}

	override remove(key: number): number {
		const index = this.memory.view.getUint32(key, true);
		if (index >= this.entries) return -errno.EINVAL;
		this.#present.delete(index);
		return 0;
	}

	override fill(_values: Uint8Array): void {
		throw this.refusal('to be filled: an entry in it can be missing');
	}

	override keys(): Uint8Array[] {
		return [...this.#present].sort((a, b) => a - b).map(indexKey);
	}

	override clear(): void {
		super.clear();
		this.#present.clear();
	}
}

function indexKey(index: number): Uint8Array {
	const key = new Uint8Array(4);
	new DataView(key.buffer).setUint32(0, index, true);
	return key;
}
