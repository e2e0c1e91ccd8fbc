/** Helpers on the buffer of a frame at XDP (net/core/filter.c). */
import { errno } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { layout } from '../memory.ts';
import { xdpFrameBytes, xdpMetadata } from '../xdp.ts';
import type { Helper } from './prototype.ts';

const ethernetBytes = 14;
const hooks = ['xdp'] as const;

function adjustHead(machine: Machine, offset = 0): number {
	const { data, dataEnd, memory } = machine;
	const { view, bytes } = memory;
	const metadata = view.getUint32(layout.context + xdpMetadata, true);
	const first = view.getUint32(layout.hardStart, true) + xdpFrameBytes + data - metadata;
	const moved = data + offset;
	if (moved < first || moved > dataEnd - ethernetBytes) return -errno.EINVAL;
	bytes.copyWithin(metadata + offset, metadata, data);
	view.setUint32(layout.context + xdpMetadata, metadata + offset, true);
	machine.place(moved, dataEnd);
	return 0;
}

function adjustTail(machine: Machine, offset = 0): number {
	const { data, dataEnd, hardEnd, memory } = machine;
	const moved = dataEnd + offset;
	if (moved > hardEnd || moved < data + ethernetBytes) return -errno.EINVAL;
	machine.place(data, moved);
	if (offset > 0) memory.bytes.fill(0, dataEnd, moved);
	return 0;
}

/** bpf_xdp_pointer: 0, or why so many bytes from an offset on are not the frame's. */
function reach({ data, dataEnd }: Machine, offset: number, bytes: number): number {
	if (offset > 0xffff || bytes > 0xffff) return -errno.EFAULT;
	return offset + bytes > dataEnd - data ? -errno.EINVAL : 0;
}

function loadBytes(machine: Machine, at = 0, to = 0, bytes = 0): number {
	const [offset, length] = [at >>> 0, bytes >>> 0];
	const result = reach(machine, offset, length);
	if (result !== 0) return result;
	const from = machine.data + offset;
	machine.memory.bytes.copyWithin(to >>> 0, from, from + length);
	return 0;
}

function storeBytes(machine: Machine, at = 0, from = 0, bytes = 0): number {
	const [offset, source, length] = [at >>> 0, from >>> 0, bytes >>> 0];
	const result = reach(machine, offset, length);
	if (result !== 0) return result;
	machine.memory.bytes.copyWithin(machine.data + offset, source, source + length);
	return 0;
}

export const xdpHelpers: ReadonlyMap<number, Helper> = new Map<number, Helper>([
	[
		44,
		{
			name: 'bpf_xdp_adjust_head',
			hooks,
			arguments: ['context', 'number'],
			result: 'signed',
			run: adjustHead,
		},
	],
	[
		65,
		{
			name: 'bpf_xdp_adjust_tail',
			hooks,
			arguments: ['context', 'number'],
			result: 'signed',
			run: adjustTail,
		},
	],
	[
		188,
		{
			name: 'bpf_xdp_get_buff_len',
			hooks,
			arguments: ['context'],
			result: 'signed',
			run: ({ data, dataEnd }) => dataEnd - data,
		},
	],
	[
		189,
		{
			name: 'bpf_xdp_load_bytes',
			hooks,
			arguments: ['context', 'number', { does: 'write', bytes: { argument: 3 } }, 'number'],
			result: 'signed',
			run: loadBytes,
		},
	],
	[
		190,
		{
			name: 'bpf_xdp_store_bytes',
			hooks,
			arguments: ['context', 'number', { does: 'read', bytes: { argument: 3 } }, 'number'],
			result: 'signed',
			run: storeBytes,
		},
	],
]);
