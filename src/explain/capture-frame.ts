/** A frame of a capture as one that comes in by an Ethernet device. */
import { EncapForwardError } from '../error.ts';
import { concatenate } from '../packet/bytes.ts';
import { type CapturedFrame, captureFrames } from '../packet/capture-reader.ts';
import { encodeEthernet } from '../packet/ethernet.ts';
import { etherType } from '../packet/protocol.ts';
import type { PacketEthernet } from './packet.ts';

/** LINKTYPE_ numbers of captures that have an IP packet at this offset (tcpdump.org/linktypes.html). */
const ipAt: Readonly<Record<number, number>> = {
	0: 4, // NULL: BSD loopback
	12: 0, // RAW, as some systems number it
	101: 0, // RAW
	108: 4, // LOOP
	113: 16, // LINUX_SLL
	228: 0, // IPV4
	229: 0, // IPV6
	276: 20, // LINUX_SLL2
};
const ethernetLinkType = 1;

/**
 * The frame of this number, from 1, as Wireshark counts. Bytes that were not captured are taken to be zero:
 * of a packet that is forwarded, the kernel reads the headers only.
 * @param ethernet for frames of captures without Ethernet headers
 * @throws EF_PACKET
 */
export function captureFrame(file: Uint8Array, number: number, ethernet: PacketEthernet): Uint8Array {
	let count = 0;
	for (const frame of captureFrames(file)) {
		count++;
		if (count === number) return ethernetFrame(frame, number, ethernet);
	}
	const there = count === 0 ? 'it holds no frame' : `it holds ${count} ${count === 1 ? 'frame' : 'frames'}`;
	throw new EncapForwardError('EF_PACKET', `the capture has no frame ${number}: ${there}; give one it has`);
}

function ethernetFrame(frame: CapturedFrame, number: number, ethernet: PacketEthernet): Uint8Array {
	const missing = Math.max(0, frame.length - frame.bytes.length);
	const bytes = concatenate([frame.bytes, new Uint8Array(missing)]);
	if (frame.linkType === ethernetLinkType) return bytes;
	const offset = ipAt[frame.linkType];
	const packet = offset === undefined ? undefined : bytes.subarray(offset);
	const family = { 4: 'ipv4', 6: 'ipv6' } as const;
	const version = (packet?.[0] ?? 0) >> 4;
	if (packet === undefined || !(version === 4 || version === 6)) {
		throw new EncapForwardError(
			'EF_PACKET',
			`frame ${number} of the capture is of link type ${frame.linkType} and holds no IP packet that can be found; give one captured on an Ethernet device`,
		);
	}
	return encodeEthernet({ ...ethernet, etherType: etherType[family[version]] }, packet);
}
