/** What the legacy packet access instructions call (bpf_skb_load_helper_8 and others, net/core/filter.c). */
import type { Machine } from '../machine.ts';
import { currentSkb } from '../skb-buffer.ts';
import type { Helper } from './prototype.ts';

/** Offsets that count from the network header (SKF_NET_OFF) and from the Ethernet header (SKF_LL_OFF). */
const [networkOffset, linkOffset] = [-0x100000, -0x200000];

/** Put the number there, from network byte order, and return 0; 1 where the packet is too short. */
function load(machine: Machine, offset = 0, bytes = 0): number {
	const { data, memory } = machine;
	const skb = currentSkb(machine);
	const from =
		offset >= 0
			? data + offset
			: offset >= networkOffset
				? skb.networkHeader + offset - networkOffset
				: offset >= linkOffset
					? data + offset - linkOffset
					: -1;
	if (from < 0 || from + bytes > data + skb.length) return 1;
	let value = 0n;
	for (let at = from; at < from + bytes; at++) value = (value << 8n) | BigInt(memory.bytes[at] ?? 0);
	machine.setResult(value);
	return 0;
}

export const legacyHelper: Helper = {
	name: 'legacy packet access',
	hooks: ['tc'],
	arguments: ['number', 'number'],
	result: 'signed',
	run: load,
};
