/** Helpers on the VLAN tag that stands beside an skb, or behind it in its frame (net/core/skbuff.c). */
import type { Machine } from '../machine.ts';
import { setSkbValue, skbField, skbValue, swap16 } from '../skb.ts';
import { closeHole, currentSkb, ensureWritable, openHole } from '../skb-buffer.ts';
import type { Helper } from './prototype.ts';

const hooks = ['tc'] as const;
const [tagBytes, addressBytes, ethernetBytes] = [4, 12, 14];
const vlanProtocols = [0x8100, 0x88a8];

function isVlan(protocol: number): boolean {
	return vlanProtocols.includes(protocol);
}

function setTag(machine: Machine, protocol: number, tci: number): void {
	setSkbValue(machine, skbField.vlanPresent, 1);
	setSkbValue(machine, skbField.vlanProtocol, swap16(protocol));
	setSkbValue(machine, skbField.vlanTci, tci);
}

function clearTag(machine: Machine): void {
	setSkbValue(machine, skbField.vlanPresent, 0);
	setSkbValue(machine, skbField.vlanProtocol, 0);
	setSkbValue(machine, skbField.vlanTci, 0);
}

/** bpf_skb_vlan_push: the tag there was goes into the frame. */
function push(machine: Machine, wanted = 0, tci = 0): number {
	const skb = currentSkb(machine);
	const { view } = machine.memory;
	const asked = swap16(wanted & 0xffff);
	if (skbValue(machine, skbField.vlanPresent) !== 0) {
		const protocol = skbValue(machine, skbField.vlanProtocol);
		const result = openHole(machine, addressBytes, tagBytes);
		if (result !== 0) return result;
		view.setUint16(machine.data + addressBytes, protocol, true);
		view.setUint16(machine.data + addressBytes + 2, skbValue(machine, skbField.vlanTci), false);
		setSkbValue(machine, skbField.protocol, protocol);
		skb.networkHeader -= tagBytes;
	}
	setTag(machine, isVlan(asked) ? asked : 0x8100, tci & 0xffff);
	return 0;
}

/** __skb_vlan_pop: take the tag out of the frame; its TCI, or a negative error. */
function popFrame(machine: Machine): number {
	const skb = currentSkb(machine);
	const { view } = machine.memory;
	const result = ensureWritable(machine, ethernetBytes + tagBytes);
	if (result !== 0) return result;
	const tci = view.getUint16(machine.data + ethernetBytes, false);
	const protocol = view.getUint16(machine.data + ethernetBytes + 2, false);
	const closed = closeHole(machine, addressBytes, tagBytes);
	if (closed !== 0) return closed;
	// vlan_set_encap_proto: below 0x0600 it is a length.
	setSkbValue(machine, skbField.protocol, swap16(protocol >= 0x600 ? protocol : 0x0004));
	if (skb.networkHeader - machine.data < ethernetBytes) skb.networkHeader = machine.data + ethernetBytes;
	return tci;
}

function pop(machine: Machine): number {
	const protocol = (): number => swap16(skbValue(machine, skbField.protocol));
	if (skbValue(machine, skbField.vlanPresent) !== 0) clearTag(machine);
	else if (!isVlan(protocol())) return 0;
	else {
		const tci = popFrame(machine);
		if (tci < 0) return tci;
	}
	if (!isVlan(protocol())) return 0;
	const next = protocol();
	const tci = popFrame(machine);
	if (tci < 0) return tci;
	setTag(machine, next, tci);
	return 0;
}

export const vlanHelpers: ReadonlyMap<number, Helper> = new Map<number, Helper>([
	[
		18,
		{
			name: 'bpf_skb_vlan_push',
			hooks,
			arguments: ['context', 'number', 'number'],
			result: 'signed',
			run: push,
		},
	],
	[19, { name: 'bpf_skb_vlan_pop', hooks, arguments: ['context'], result: 'signed', run: pop }],
]);
