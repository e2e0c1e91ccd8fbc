/** A map of each kind. */
import type { BpfMemory } from '../memory.ts';
import { ArrayMap, DeviceMap } from './array.ts';
import { HashMap } from './hash.ts';
import { LpmTrieMap } from './lpm-trie.ts';
import type { MapDefinition, MemoryMap } from './map.ts';
import { RingBufferMap } from './ring-buffer.ts';

export function createMap(definition: MapDefinition, memory: BpfMemory): MemoryMap {
	switch (definition.kind) {
		case 'array':
		case 'percpu-array':
			return new ArrayMap(definition, memory);
		case 'devmap':
			return new DeviceMap(definition, memory);
		case 'hash':
		case 'percpu-hash':
		case 'lru-hash':
		case 'lru-percpu-hash':
		case 'devmap-hash':
			return new HashMap(definition, memory);
		case 'lpm-trie':
			return new LpmTrieMap(definition, memory);
		case 'ring-buffer':
			return new RingBufferMap(definition, memory);
	}
}

/** At least as many bytes as a map takes. */
export function mapBytes({ keyBytes, valueBytes, entries, kind }: MapDefinition): number {
	const entry = kind === 'ring-buffer' ? 1 : ((valueBytes + 7) & ~7) + keyBytes;
	return entry * entries + keyBytes + valueBytes + 64;
}
