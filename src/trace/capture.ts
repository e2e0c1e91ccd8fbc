/** Dropped packets as a pcapng file, block by block as they come: reason and place in each one's comment. */
import { concatenate } from '../packet/bytes.ts';
import { enhancedPacketBlock, interfaceDescriptionBlock, sectionHeaderBlock } from '../packet/pcapng.ts';
import type { DroppedPacket, TracedDrop } from './drop.ts';
import { deviceText, reasonText } from './words.ts';

export interface DropCapture {
	/** What the file begins with. */
	readonly head: Uint8Array;
	/** A packet's blocks; nothing where XDP lost frames, of which there are no bytes. */
	packet(drop: TracedDrop, packet: DroppedPacket): Uint8Array;
}

/**
 * @param application what writes the capture, with its version
 * @param kernel its release
 */
export function openDropCapture(application: string, kernel: string): DropCapture {
	const interfaces = new Map<string, number>();
	return {
		head: sectionHeaderBlock({ application, os: `Linux ${kernel}` }),
		packet: (drop, { time, length, bytes, start }) => {
			if (bytes.length === 0) return new Uint8Array();
			const { device, namespace } = drop;
			const linkType = start === 'ethernet' ? 'ethernet' : 'raw';
			const key = `${namespace} ${device} ${linkType}`;
			const blocks: Uint8Array[] = [];
			let number = interfaces.get(key);
			if (number === undefined) {
				number = interfaces.size;
				interfaces.set(key, number);
				const description = `network namespace ${namespace}`;
				blocks.push(interfaceDescriptionBlock({ name: device || 'none', description, linkType }));
			}
			const comment = `dropped at ${deviceText(drop)}: ${reasonText(drop)}`;
			blocks.push(enhancedPacketBlock({ interface: number, timestamp: time, bytes, length, comment }));
			return concatenate(blocks);
		},
	};
}
