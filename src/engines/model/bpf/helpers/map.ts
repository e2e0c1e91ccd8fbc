/** Helpers on maps and ring buffers (kernel/bpf/helpers.c, kernel/bpf/ringbuf.c). */
import { errno } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { RingBufferMap } from '../maps/ring-buffer.ts';
import { both, type Helper } from './prototype.ts';

/** Flags whose upper half is not zero are like none that there is. */
function flagsOf(low: number, high: number): number {
	return high === 0 ? low >>> 0 : 0xffff_ffff;
}

function ringBuffer(machine: Machine, handle: number): RingBufferMap | undefined {
	const map = machine.map(handle);
	return map instanceof RingBufferMap ? map : undefined;
}

function endRecord(machine: Machine, address: number, state: 'submitted' | 'discarded'): undefined {
	for (const ring of machine.ringBuffers) if (ring.end(address >>> 0, state)) return;
}

const key = { does: 'read', bytes: 'key' } as const;
const value = { does: 'read', bytes: 'value' } as const;

export const mapHelpers: ReadonlyMap<number, Helper> = new Map<number, Helper>([
	[
		1,
		{
			name: 'bpf_map_lookup_elem',
			hooks: both,
			arguments: ['map', key],
			result: 'unsigned',
			run: (machine, map = 0, at = 0) => machine.map(map)?.find(at >>> 0) ?? 0,
		},
	],
	[
		2,
		{
			name: 'bpf_map_update_elem',
			hooks: both,
			arguments: ['map', key, value, 'long'],
			result: 'signed',
			run: (machine, map = 0, at = 0, from = 0, low = 0, high = 0) =>
				machine.map(map)?.set(at >>> 0, from >>> 0, flagsOf(low, high)) ?? -errno.EINVAL,
		},
	],
	[
		3,
		{
			name: 'bpf_map_delete_elem',
			hooks: both,
			arguments: ['map', key],
			result: 'signed',
			run: (machine, map = 0, at = 0) => machine.map(map)?.remove(at >>> 0) ?? -errno.EINVAL,
		},
	],
	[
		195,
		{
			name: 'bpf_map_lookup_percpu_elem',
			hooks: both,
			arguments: ['map', key, 'number'],
			result: 'unsigned',
			run: (machine, map = 0, at = 0, processor = 0) =>
				processor === 0 ? (machine.map(map)?.find(at >>> 0) ?? 0) : 0,
		},
	],
	[
		130,
		{
			name: 'bpf_ringbuf_output',
			hooks: both,
			arguments: ['map', { does: 'read', bytes: { argument: 2 } }, 'number', 'long'],
			result: 'signed',
			run: (machine, map = 0, from = 0, bytes = 0, low = 0, high = 0) =>
				ringBuffer(machine, map)?.output(from >>> 0, bytes >>> 0, flagsOf(low, high)) ?? -errno.EINVAL,
		},
	],
	[
		131,
		{
			name: 'bpf_ringbuf_reserve',
			hooks: both,
			arguments: ['map', 'number', 'long'],
			result: 'unsigned',
			run: (machine, map = 0, bytes = 0, low = 0, high = 0) =>
				ringBuffer(machine, map)?.reserve(bytes >>> 0, flagsOf(low, high)) ?? 0,
		},
	],
	[
		132,
		{
			name: 'bpf_ringbuf_submit',
			hooks: both,
			arguments: [{ does: 'both', bytes: 'unchecked' }, 'number'],
			result: 'none',
			run: (machine, address = 0) => endRecord(machine, address, 'submitted'),
		},
	],
	[
		133,
		{
			name: 'bpf_ringbuf_discard',
			hooks: both,
			arguments: [{ does: 'both', bytes: 'unchecked' }, 'number'],
			result: 'none',
			run: (machine, address = 0) => endRecord(machine, address, 'discarded'),
		},
	],
	[
		134,
		{
			name: 'bpf_ringbuf_query',
			hooks: both,
			arguments: ['map', 'long'],
			result: 'unsigned',
			run: (machine, map = 0, what = 0, high = 0) =>
				ringBuffer(machine, map)?.query(flagsOf(what, high)) ?? 0,
		},
	],
]);
