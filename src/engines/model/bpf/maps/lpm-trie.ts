/** BPF_MAP_TYPE_LPM_TRIE: longest prefix match (kernel/bpf/lpm_trie.c). A node for every bit of a prefix. */
import { errno } from '../errno.ts';
import type { BpfMemory } from '../memory.ts';
import { type MapDefinition, MemoryMap, updateFlag, Values } from './map.ts';

const none = 0;
const lengthBytes = 4;

export class LpmTrieMap extends MemoryMap {
	readonly #values: Values;
	/** The two nodes below each node, by the next bit; 0 is none, and the root. */
	readonly #children: number[] = [];
	/** One more than the slot of the entry whose prefix ends at a node; 0 is none. */
	readonly #slots: number[] = [];
	/** The key of each slot in use. */
	readonly #keys = new Map<number, Uint8Array>();
	/** Slots that were in use, and the first that never was. */
	readonly #free: number[] = [];
	#fresh = 0;
	readonly #longest: number;

	constructor(definition: MapDefinition, memory: BpfMemory) {
		super(definition, memory);
		this.#values = new Values(memory, this.valueBytes, this.entries);
		this.#longest = 8 * (this.keyBytes - lengthBytes);
		this.clear();
	}

	#length(key: number): number {
		return this.memory.view.getUint32(key, true);
	}

	#bit(key: number, bit: number): number {
		return ((this.memory.bytes[key + lengthBytes + (bit >> 3)] ?? 0) >> (7 - (bit & 7))) & 1;
	}

	find(key: number): number {
		const length = this.#length(key);
		if (length > this.#longest) return 0;
		let slot = this.#slots[none] ?? 0;
		for (let node = none, bit = 0; bit < length; bit++) {
			node = this.#children[2 * node + this.#bit(key, bit)] ?? none;
			if (node === none) break;
			slot = this.#slots[node] || slot;
		}
		return slot === 0 ? 0 : this.#values.at(slot - 1);
	}

	/** The node at which the key's prefix ends; -1 where there is none and none is to be made. */
	#node(key: number, make: boolean): number {
		let node = none;
		const length = this.#length(key);
		for (let bit = 0; bit < length; bit++) {
			const edge = 2 * node + this.#bit(key, bit);
			node = this.#children[edge] ?? none;
			if (node !== none) continue;
			if (!make) return -1;
			node = this.#slots.length;
			this.#children[edge] = node;
			this.#children.push(none, none);
			this.#slots.push(0);
		}
		return node;
	}

	set(key: number, value: number, flags: number): number {
		if (flags > updateFlag.exist || this.#length(key) > this.#longest) return -errno.EINVAL;
		const existing = this.#node(key, false);
		const exists = existing >= 0 && this.#slots[existing] !== 0;
		if (exists && flags === updateFlag.noExist) return -errno.EEXIST;
		if (!exists && flags === updateFlag.exist) return -errno.ENOENT;
		if (!exists && this.#keys.size === this.entries) return -errno.ENOSPC;
		const slot = exists ? (this.#slots[existing] ?? 0) - 1 : (this.#free.pop() ?? this.#fresh++);
		this.#slots[this.#node(key, true)] = slot + 1;
		this.#keys.set(slot, this.memory.copy(key, this.keyBytes));
		this.#values.write(slot, value);
		return 0;
	}

	remove(key: number): number {
		if (this.#length(key) > this.#longest) return -errno.EINVAL;
		const node = this.#node(key, false);
		const slot = node < 0 ? 0 : (this.#slots[node] ?? 0);
		if (slot === 0) return -errno.ENOENT;
		this.#slots[node] = 0;
		this.#keys.delete(slot - 1);
		this.#free.push(slot - 1);
		return 0;
	}

	keys(): Uint8Array[] {
		return [...this.#keys.values()].map((key) => key.slice());
	}

	clear(): void {
		this.#children.length = 0;
		this.#children.push(none, none);
		this.#slots.length = 0;
		this.#slots.push(0);
		this.#keys.clear();
		this.#free.length = 0;
		this.#fresh = 0;
	}
}
