/** Maps of each kind in the kernel and in the model: the same operations have the same results. */
import { closeSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMap } from '../../../src/engines/model/bpf/maps/create.ts';
import type { MapDefinition } from '../../../src/engines/model/bpf/maps/map.ts';
import { BpfMemory } from '../../../src/engines/model/bpf/memory.ts';
import { libbpf } from '../../../src/kernel/libbpf.ts';
import { requires } from '../../needs.ts';
import { createKernelMap } from '../../support/kernel-code.ts';

/** enum bpf_map_type, and the flag BPF_F_NO_PREALLOC where the kernel insists on it. */
const kinds: readonly (Omit<MapDefinition, 'name'> & { readonly type: number; readonly flags: number })[] = [
	{ kind: 'array', type: 2, flags: 0, keyBytes: 4, valueBytes: 12, entries: 3 },
	{ kind: 'hash', type: 1, flags: 0, keyBytes: 4, valueBytes: 12, entries: 3 },
	{ kind: 'hash', type: 1, flags: 1, keyBytes: 7, valueBytes: 5, entries: 4 },
	{ kind: 'lpm-trie', type: 11, flags: 1, keyBytes: 8, valueBytes: 12, entries: 4 },
	{ kind: 'lpm-trie', type: 11, flags: 1, keyBytes: 20, valueBytes: 1, entries: 6 },
];

interface Operation {
	readonly does: 'look up' | 'update' | 'delete';
	readonly key: Uint8Array;
	readonly value: Uint8Array;
	readonly flags: number;
}

/** Few different keys, so that they meet again; of a trie, prefixes of a few addresses, some too long. */
function anyKey({ kind, keyBytes }: (typeof kinds)[number]): fc.Arbitrary<Uint8Array> {
	if (kind !== 'lpm-trie') {
		return fc.nat(4).map((number) => {
			const key = new Uint8Array(keyBytes);
			key[0] = number;
			return key;
		});
	}
	return fc
		.record({
			length: fc.oneof(fc.nat(8 * (keyBytes - 4)), fc.constantFrom(0, 1, 8, 9, 31, 32), fc.constant(200)),
			bytes: fc.array(fc.constantFrom(0, 1, 0x80, 0xff), {
				minLength: keyBytes - 4,
				maxLength: keyBytes - 4,
			}),
		})
		.map(({ length, bytes }) => Uint8Array.of(length, 0, 0, 0, ...bytes));
}

function anyOperations(kind: (typeof kinds)[number]): fc.Arbitrary<Operation[]> {
	return fc.array(
		fc.record({
			does: fc.constantFrom('look up', 'look up', 'update', 'update', 'delete') as fc.Arbitrary<
				Operation['does']
			>,
			key: anyKey(kind),
			value: fc.uint8Array({ minLength: kind.valueBytes, maxLength: kind.valueBytes }),
			flags: fc.constantFrom(0, 0, 0, 1, 2, 3),
		}),
		{ minLength: 1, maxLength: 40 },
	);
}

test.for(kinds)('$kind with keys of $keyBytes bytes', requires('root'), (kind) => {
	fc.assert(
		fc.property(anyOperations(kind), (operations) => {
			const fd = createKernelMap(kind.type, kind.keyBytes, kind.valueBytes, kind.entries, kind.flags);
			const memory = new BpfMemory(4096);
			const map = createMap({ ...kind, name: 'test' }, memory);
			const scratch = memory.allocate(64);
			try {
				for (const { does, key, value, flags } of operations) {
					memory.bytes.set(key, scratch);
					memory.bytes.set(value, scratch + 32);
					if (does === 'look up') {
						const found = new Uint8Array(kind.valueBytes);
						const result = libbpf().bpf_map_lookup_elem(fd, key, found);
						expect(map.lookup(key)).toEqual(result < 0 ? undefined : found);
					} else if (does === 'update') {
						const result = libbpf().bpf_map_update_elem(fd, key, value, flags);
						expect(map.set(scratch, scratch + 32, flags)).toBe(result);
					} else {
						expect(map.remove(scratch)).toBe(libbpf().bpf_map_delete_elem(fd, key));
					}
				}
				const keys: string[] = [];
				const next = new Uint8Array(kind.keyBytes);
				let key: Uint8Array | null = null;
				while (libbpf().bpf_map_get_next_key(fd, key, next) === 0) {
					key = next.slice();
					keys.push(Buffer.from(key).toString('hex'));
				}
				expect(
					map
						.keys()
						.map((each) => Buffer.from(each).toString('hex'))
						.sort(),
				).toEqual(keys.sort());
			} finally {
				closeSync(fd);
			}
		}),
		{ numRuns: 100 },
	);
});
