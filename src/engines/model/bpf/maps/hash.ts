/**
 * BPF_MAP_TYPE_HASH, its per-CPU and least-recently-used kinds, and BPF_MAP_TYPE_DEVMAP_HASH
 * (kernel/bpf/hashtab.c). The kernel's LRU only comes near the order of use; ours keeps to it.
 */
import { errno } from '../errno.ts';
import type { BpfMemory } from '../memory.ts';
import { type MapDefinition, MemoryMap, updateFlag, Values } from './map.ts';

const none = -1;

export class HashMap extends MemoryMap {
	readonly #values: Values;
	/** Where the keys stand. */
	readonly #keys: number;
	/** First slot of each bucket, and the slot behind each slot. */
	readonly #heads: Int32Array;
	readonly #next: Int32Array;
	/** Slots that were in use, and the first that never was. */
	readonly #free: number[] = [];
	#fresh = 0;
	/** Slots in use; where entries are evicted, the one used longest ago first. */
	readonly #used = new Set<number>();
	readonly #evicts: boolean;

	constructor(definition: MapDefinition, memory: BpfMemory) {
		super(definition, memory);
		this.#values = new Values(memory, this.valueBytes, this.entries);
		this.#keys = memory.allocate(this.keyBytes * this.entries);
		this.#heads = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(this.entries, 1))));
		this.#next = new Int32Array(this.entries);
		this.#evicts = definition.kind === 'lru-hash' || definition.kind === 'lru-percpu-hash';
		this.clear();
	}

	/** FNV-1a, cut to the number of buckets. */
	#bucket(key: number): number {
		const { bytes } = this.memory;
		let hash = 0x811c9dc5;
		for (let at = key; at < key + this.keyBytes; at++) {
			hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
		}
		return (hash ^ (hash >>> 15)) & (this.#heads.length - 1);
	}

	#holds(slot: number, key: number): boolean {
		const { bytes } = this.memory;
		const own = this.#keys + slot * this.keyBytes;
		for (let i = 0; i < this.keyBytes; i++) if (bytes[own + i] !== bytes[key + i]) return false;
		return true;
	}

	#slot(key: number): number {
		let slot = this.#heads[this.#bucket(key)] ?? none;
		while (slot !== none && !this.#holds(slot, key)) slot = this.#next[slot] ?? none;
		return slot;
	}

	#touch(slot: number): void {
		if (!this.#evicts) return;
		this.#used.delete(slot);
		this.#used.add(slot);
	}

	find(key: number): number {
		const slot = this.#slot(key);
		if (slot === none) return 0;
		this.#touch(slot);
		return this.#values.at(slot);
	}

	set(key: number, value: number, flags: number): number {
		if (flags > updateFlag.exist) return -errno.EINVAL;
		let slot = this.#slot(key);
		if (slot !== none && flags === updateFlag.noExist) return -errno.EEXIST;
		if (slot === none) {
			if (flags === updateFlag.exist) return -errno.ENOENT;
			slot = this.#take(key);
			if (slot === none) return -errno.E2BIG;
		}
		this.#touch(slot);
		this.#values.write(slot, value);
		return 0;
	}

	/** A slot for a new key. */
	#take(key: number): number {
		if (this.#evicts && this.#used.size === this.entries) {
			const [oldest = none] = this.#used;
			if (oldest !== none) this.remove(this.#keys + oldest * this.keyBytes);
		}
		const slot = this.#free.pop() ?? (this.#fresh < this.entries ? this.#fresh++ : none);
		if (slot === none) return none;
		this.memory.bytes.copyWithin(this.#keys + slot * this.keyBytes, key, key + this.keyBytes);
		const bucket = this.#bucket(key);
		this.#next[slot] = this.#heads[bucket] ?? none;
		this.#heads[bucket] = slot;
		this.#used.add(slot);
		return slot;
	}

	remove(key: number): number {
		const slot = this.#slot(key);
		if (slot === none) return -errno.ENOENT;
		const bucket = this.#bucket(key);
		const behind = this.#next[slot] ?? none;
		if (this.#heads[bucket] === slot) this.#heads[bucket] = behind;
		else {
			let before = this.#heads[bucket] ?? none;
			while (this.#next[before] !== slot) before = this.#next[before] ?? none;
			this.#next[before] = behind;
		}
		this.#used.delete(slot);
		this.#free.push(slot);
		return 0;
	}

	keys(): Uint8Array[] {
		return [...this.#used].map((slot) => this.memory.copy(this.#keys + slot * this.keyBytes, this.keyBytes));
	}

	clear(): void {
		this.#heads.fill(none);
		this.#used.clear();
		this.#free.length = 0;
		this.#fresh = 0;
	}
}
