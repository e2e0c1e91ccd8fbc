/** A single dropped packet as plain data: struct drop_event of bpf/drop.h. */
import { dropKeyLayout, dropEventLayout as layout } from '../datapath/layout.ts';

export interface DropEvent {
	/** The key as the kernel wrote it. */
	readonly key: Uint8Array;
	/** Nanoseconds of CLOCK_MONOTONIC. */
	readonly time: bigint;
	/** 1, or how many frames XDP lost at once. */
	readonly packets: number;
	/** Of the whole packet, in bytes, from where `bytes` begins. */
	readonly length: number;
	/** A copy of what was captured of it; empty where XDP lost frames. */
	readonly bytes: Uint8Array;
	/** Whether the bytes begin with an Ethernet header; else with the header that the ethertype says. */
	readonly fromEthernet: boolean;
}

/** Bytes of an event that holds so many bytes of a packet: a multiple of 8. */
export function dropEventSize(snap: number): number {
	return Math.ceil((layout.size + snap) / 8) * 8;
}

/** A copy of what stands in the ring buffer. */
export function decodeDropEvent(bytes: Uint8Array): DropEvent {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const captured = view.getUint16(layout.captured.offset, true);
	return {
		key: bytes.slice(layout.key.offset, layout.key.offset + dropKeyLayout.size),
		time: view.getBigUint64(layout.time.offset, true),
		packets: view.getUint32(layout.packets.offset, true),
		length: view.getUint32(layout.length.offset, true),
		bytes: bytes.slice(layout.bytes.offset, layout.bytes.offset + captured),
		fromEthernet: view.getUint8(layout.fromEthernet.offset) !== 0,
	};
}
