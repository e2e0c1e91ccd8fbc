/** A run at TC: struct __sk_buff, and what the kernel knows of an skb besides (struct sk_buff). */
import { EncapForwardError } from '../../../error.ts';
import type { Machine } from './machine.ts';
import { layout, permission } from './memory.ts';
import type { ChangedSkb, SkbChecksum, SkbContext } from './program.ts';

/** Offsets in struct __sk_buff (include/uapi/linux/bpf.h). */
export const skbField = {
	length: 0,
	packetType: 4,
	mark: 8,
	queue: 12,
	protocol: 16,
	vlanPresent: 20,
	vlanTci: 24,
	vlanProtocol: 28,
	priority: 32,
	ingressDevice: 36,
	device: 40,
	trafficClassIndex: 44,
	controlBlock: 48,
	hash: 68,
	dataMeta: 140,
	wireLength: 160,
	gsoSegments: 164,
	gsoSize: 176,
} as const;

const contextBytes = 192;

/** What a TC program may not read: addresses of the sockets' side, and the flow dissector's keys. */
const unreadable = [
	[84, 140],
	[144, 152],
] as const;

/** What it may write: queue_mapping and mark, priority, tc_index to cb, tc_classid, tstamp. */
const writable = [
	[8, 16],
	[32, 36],
	[44, 68],
	[72, 76],
	[152, 160],
] as const;

export interface SkbState {
	/** Bytes of the frame, of which only those up to `dataEnd` lie in the linear part. */
	length: number;
	/** Addresses of headers. */
	networkHeader: number;
	transportHeader: number;
	encapsulation: boolean;
	innerMacHeader: number;
	innerNetworkHeader: number;
	innerTransportHeader: number;
	innerProtocol: number;
	gsoType: number;
	checksum: SkbChecksum;
	/** How many checksums more than one are known to be right, with `unnecessary`. */
	checksumLevel: number;
}

const ethernetBytes = 14;

/** Numbers of 16 bits that the kernel keeps as they stand in the frame. */
export function swap16(value: number): number {
	return ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}

export function enterSkb(machine: Machine, frame: Uint8Array, context: SkbContext): SkbState {
	if (frame.length < ethernetBytes || frame.length > layout.packetTop - layout.packet) {
		throw new EncapForwardError(
			'EF_INPUT',
			`a frame of ${frame.length} bytes cannot come to TC; give ${ethernetBytes} to ${layout.packetTop - layout.packet}`,
		);
	}
	const { memory } = machine;
	const { bytes, view } = memory;
	const base = layout.context;
	bytes.set(frame, layout.packet);
	bytes.fill(0, base, base + contextBytes);
	const linear = Math.min(Math.max(context.linear ?? frame.length, ethernetBytes), frame.length);
	machine.begin(layout.packet, layout.packet + linear);
	const set = (field: number, value: number): void => view.setUint32(base + field, value, true);
	const protocol = context.protocol ?? ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
	set(skbField.length, frame.length);
	set(skbField.packetType, context.packetType ?? 0);
	set(skbField.mark, context.mark ?? 0);
	set(skbField.queue, context.queue ?? 0);
	set(skbField.protocol, swap16(protocol));
	set(skbField.priority, context.priority ?? 0);
	set(skbField.ingressDevice, context.ingressDevice);
	set(skbField.device, context.device ?? context.ingressDevice);
	set(skbField.trafficClassIndex, context.trafficClassIndex ?? 0);
	set(skbField.hash, context.hash ?? 0);
	set(skbField.dataMeta, layout.packet);
	set(skbField.wireLength, frame.length);
	context.controlBlock?.forEach((word, index) => {
		if (index < 5) set(skbField.controlBlock + 4 * index, word);
	});
	if (context.vlan !== undefined) {
		set(skbField.vlanPresent, 1);
		set(skbField.vlanTci, context.vlan.tci);
		set(skbField.vlanProtocol, swap16(context.vlan.protocol));
	}
	if (context.gso !== undefined) {
		set(skbField.gsoSize, context.gso.size);
		set(skbField.gsoSegments, context.gso.segments);
	}
	if (machine.checked) permitContext(machine);
	return {
		length: frame.length,
		networkHeader: layout.packet + ethernetBytes,
		transportHeader: layout.packet + ethernetBytes,
		encapsulation: false,
		innerMacHeader: 0,
		innerNetworkHeader: 0,
		innerTransportHeader: 0,
		innerProtocol: 0,
		gsoType: context.gso?.type ?? 0,
		checksum: context.checksum ?? 'none',
		checksumLevel: 0,
	};
}

function permitContext({ memory }: Machine): void {
	memory.permit(layout.context, contextBytes, permission.read);
	const permit = (ranges: readonly (readonly [number, number])[], what: number): void => {
		for (const [from, to] of ranges) memory.permit(layout.context + from, to - from, what);
	};
	permit(unreadable, permission.none);
	permit(writable, permission.both);
}

/** Field of the context, as it stands now. */
export function skbValue(machine: Machine, field: number): number {
	return machine.memory.view.getUint32(layout.context + field, true);
}

export function setSkbValue(machine: Machine, field: number, value: number): void {
	machine.memory.view.setUint32(layout.context + field, value, true);
}

export function changedSkb(machine: Machine, skb: SkbState): ChangedSkb {
	const value = (field: number): number => skbValue(machine, field);
	const size = value(skbField.gsoSize);
	return {
		mark: value(skbField.mark),
		priority: value(skbField.priority),
		protocol: swap16(value(skbField.protocol)),
		packetType: value(skbField.packetType),
		vlan:
			value(skbField.vlanPresent) === 0
				? undefined
				: { protocol: swap16(value(skbField.vlanProtocol)), tci: value(skbField.vlanTci) },
		gso:
			size === 0 && skb.gsoType === 0
				? undefined
				: { size, segments: value(skbField.gsoSegments), type: skb.gsoType },
		checksum: skb.checksum,
		networkOffset: skb.networkHeader - machine.data,
		encapsulation: skb.encapsulation
			? {
					innerMacOffset: skb.innerMacHeader - machine.data,
					innerNetworkOffset: skb.innerNetworkHeader - machine.data,
					innerTransportOffset: skb.innerTransportHeader - machine.data,
					innerProtocol: skb.innerProtocol,
				}
			: undefined,
	};
}
