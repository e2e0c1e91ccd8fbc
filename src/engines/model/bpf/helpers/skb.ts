/** Helpers on an skb at TC (net/core/filter.c). */
import { errno } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { setSkbValue, skbField, skbValue } from '../skb.ts';
import { currentSkb, ensureWritable, openHole, resize, skbMostBytes } from '../skb-buffer.ts';
import { adjustRoom, changeProtocol, isGso } from './adjust-room.ts';
import type { Helper } from './prototype.ts';

const hooks = ['tc'] as const;
const mostOffset = 0x7fff_ffff;

const storeFlag = { recomputeChecksum: 1, invalidateHash: 2 } as const;

function clearHash(machine: Machine): void {
	setSkbValue(machine, skbField.hash, 0);
}

function storeBytes(machine: Machine, at = 0, from = 0, bytes = 0, flags = 0, rest = 0): number {
	const [offset, source, length] = [at >>> 0, from >>> 0, bytes >>> 0];
	if (rest !== 0 || (flags & ~(storeFlag.recomputeChecksum | storeFlag.invalidateHash)) !== 0) {
		return -errno.EINVAL;
	}
	if (offset > mostOffset || ensureWritable(machine, offset + length) !== 0) return -errno.EFAULT;
	machine.memory.bytes.copyWithin(machine.data + offset, source, source + length);
	if ((flags & storeFlag.invalidateHash) !== 0) clearHash(machine);
	return 0;
}

/** Copy out of the frame up to its end, which is where it ends altogether or the linear part does. */
function load(machine: Machine, from: number, end: number, to: number, bytes: number): number {
	const { memory } = machine;
	if (from < 0 || from + bytes > end) {
		memory.bytes.fill(0, to, to + bytes);
		return -errno.EFAULT;
	}
	memory.bytes.copyWithin(to, from, from + bytes);
	return 0;
}

function loadBytes(machine: Machine, at = 0, to = 0, bytes = 0): number {
	const offset = at >>> 0;
	const from = offset > mostOffset ? -1 : machine.data + offset;
	return load(machine, from, machine.data + currentSkb(machine).length, to >>> 0, bytes >>> 0);
}

function loadBytesRelative(machine: Machine, at = 0, to = 0, bytes = 0, start = 0): number {
	const offset = at >>> 0;
	// BPF_HDR_START_MAC, BPF_HDR_START_NET
	const base = start === 0 ? machine.data : start === 1 ? currentSkb(machine).networkHeader : -1;
	const from = offset > 0xffff || base < 0 ? -1 : base + offset;
	return load(machine, from, machine.dataEnd, to >>> 0, bytes >>> 0);
}

function pullData(machine: Machine, bytes = 0): number {
	return ensureWritable(machine, bytes === 0 ? machine.dataEnd - machine.data : bytes >>> 0);
}

const lastPacketType = 3; // PACKET_OTHERHOST

function changeType(machine: Machine, type = 0): number {
	if (skbValue(machine, skbField.packetType) > lastPacketType || type >>> 0 > lastPacketType) {
		return -errno.EINVAL;
	}
	setSkbValue(machine, skbField.packetType, type);
	return 0;
}

function changeTail(machine: Machine, bytes = 0, flags = 0, rest = 0): number {
	const skb = currentSkb(machine);
	const length = bytes >>> 0;
	const least = Math.max(skb.networkHeader - machine.data, skb.transportHeader - machine.data, 0);
	if ((flags | rest) !== 0 || length > skbMostBytes || length < least) return -errno.EINVAL;
	if (skb.encapsulation) return -errno.ENOTSUPP;
	const { data } = machine;
	const before = data + skb.length;
	resize(machine, data, data + length, length);
	if (data + length > before) machine.memory.bytes.fill(0, before, data + length);
	if (isGso(machine)) {
		skb.gsoType = 0;
		setSkbValue(machine, skbField.gsoSize, 0);
		setSkbValue(machine, skbField.gsoSegments, 0);
	}
	return 0;
}

function changeHead(machine: Machine, bytes = 0, flags = 0, rest = 0): number {
	const skb = currentSkb(machine);
	const room = bytes >>> 0;
	if ((flags | rest) !== 0 || room > mostOffset) return -errno.EINVAL;
	if (!isGso(machine) && skb.length + room > skbMostBytes) return -errno.EINVAL;
	return openHole(machine, 0, room);
}

export const skbHelpers: ReadonlyMap<number, Helper> = new Map<number, Helper>([
	[
		9,
		{
			name: 'bpf_skb_store_bytes',
			hooks,
			arguments: ['context', 'number', { does: 'read', bytes: { argument: 3 } }, 'number', 'long'],
			result: 'signed',
			run: storeBytes,
		},
	],
	[
		26,
		{
			name: 'bpf_skb_load_bytes',
			hooks,
			arguments: ['context', 'number', { does: 'write', bytes: { argument: 3 } }, 'number'],
			result: 'signed',
			run: loadBytes,
		},
	],
	[
		68,
		{
			name: 'bpf_skb_load_bytes_relative',
			hooks,
			arguments: ['context', 'number', { does: 'write', bytes: { argument: 3 } }, 'number', 'number'],
			result: 'signed',
			run: loadBytesRelative,
		},
	],
	[
		31,
		{
			name: 'bpf_skb_change_proto',
			hooks,
			arguments: ['context', 'number', 'long'],
			result: 'signed',
			run: changeProtocol,
		},
	],
	[
		32,
		{
			name: 'bpf_skb_change_type',
			hooks,
			arguments: ['context', 'number'],
			result: 'signed',
			run: changeType,
		},
	],
	[
		38,
		{
			name: 'bpf_skb_change_tail',
			hooks,
			arguments: ['context', 'number', 'long'],
			result: 'signed',
			run: changeTail,
		},
	],
	[
		39,
		{ name: 'bpf_skb_pull_data', hooks, arguments: ['context', 'number'], result: 'signed', run: pullData },
	],
	[
		41,
		{
			name: 'bpf_set_hash_invalid',
			hooks,
			arguments: ['context'],
			result: 'signed',
			run: (machine) => {
				clearHash(machine);
				return 0;
			},
		},
	],
	[
		43,
		{
			name: 'bpf_skb_change_head',
			hooks,
			arguments: ['context', 'number', 'long'],
			result: 'signed',
			run: changeHead,
		},
	],
	[
		50,
		{
			name: 'bpf_skb_adjust_room',
			hooks,
			arguments: ['context', 'number', 'number', 'long'],
			result: 'signed',
			run: adjustRoom,
		},
	],
]);
