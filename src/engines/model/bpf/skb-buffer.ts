/** What helpers do to an skb's bytes, as the kernel's functions of net/core/skbuff.c do. */
import { errno } from './errno.ts';
import type { Machine } from './machine.ts';
import { layout } from './memory.ts';
import { type SkbState, setSkbValue, skbField } from './skb.ts';

/** SKB_MAX_ALLOC: four pages less struct skb_shared_info. */
export const skbMostBytes = 16_064;

/** The skb of the run under way, which is at TC. */
export function currentSkb(machine: Machine): SkbState {
	if (machine.skb === undefined) throw new TypeError('the program under way has no skb');
	return machine.skb;
}

/** skb_ensure_writable: have so many bytes in the linear part. */
export function ensureWritable(machine: Machine, bytes: number): number {
	const skb = currentSkb(machine);
	if (bytes > skb.length) return -errno.ENOMEM;
	if (machine.data + bytes > machine.dataEnd) machine.place(machine.data, machine.data + bytes);
	return 0;
}

/** Set how long the frame is, from where to where it lies, and show it to the program. */
export function resize(machine: Machine, data: number, dataEnd: number, length: number): void {
	currentSkb(machine).length = length;
	machine.place(data, dataEnd);
	setSkbValue(machine, skbField.length, length);
	setSkbValue(machine, skbField.dataMeta, data);
}

/** bpf_skb_generic_push: open a hole of zeros `offset` bytes into the frame. */
export function openHole(machine: Machine, offset: number, bytes: number): number {
	const { memory, data, dataEnd } = machine;
	if (data - bytes < layout.packetBottom) return -errno.ENOMEM;
	resize(machine, data - bytes, dataEnd, currentSkb(machine).length + bytes);
	memory.bytes.copyWithin(data - bytes, data, data + offset);
	memory.bytes.fill(0, data - bytes + offset, data + offset);
	return 0;
}

/** bpf_skb_generic_pop: take bytes out `offset` bytes into the frame. */
export function closeHole(machine: Machine, offset: number, bytes: number): number {
	const result = ensureWritable(machine, offset + bytes);
	if (result !== 0) return result;
	const { memory, data, dataEnd } = machine;
	memory.bytes.copyWithin(data + bytes, data, data + offset);
	resize(machine, data + bytes, dataEnd, currentSkb(machine).length - bytes);
	return 0;
}
