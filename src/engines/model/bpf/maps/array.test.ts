import { expect, test } from 'vitest';
import { BpfMemory } from '../memory.ts';
import { createMap } from './create.ts';
import type { MapDefinition } from './map.ts';

function mapOf(kind: MapDefinition['kind'], valueBytes: number) {
	return createMap({ name: 'some', kind, keyBytes: 4, valueBytes, entries: 3 }, new BpfMemory(1024));
}

test.each([8, 12])('filled with values of %d bytes, the entries behind them stay', (bytes) => {
	const map = mapOf('array', bytes);
	const key = (index: number): Uint8Array => Uint8Array.of(index, 0, 0, 0);
	const values = Uint8Array.from({ length: 2 * bytes }, (_, index) => index + 1);
	map.update(key(2), new Uint8Array(bytes).fill(9));
	map.fill(values);
	expect(map.lookup(key(0))).toEqual(values.subarray(0, bytes));
	expect(map.lookup(key(1))).toEqual(values.subarray(bytes));
	expect(map.lookup(key(2))).toEqual(new Uint8Array(bytes).fill(9));
});

test('what does not fit is refused', () => {
	expect(() => mapOf('array', 12).fill(new Uint8Array(13))).toThrow('the map some refuses 13 bytes');
	expect(() => mapOf('array', 12).fill(new Uint8Array(48))).toThrow('the map some refuses 48 bytes');
	for (const kind of ['hash', 'devmap'] as const)
		expect(() => mapOf(kind, 8).fill(new Uint8Array(8))).toThrow('the map some refuses to be filled');
});
