/** A question's packet: its frame, once it is known which Ethernet addresses it needs where it comes in. */
import { captureFrame } from './capture-frame.ts';
import type { PacketEthernet } from './packet.ts';
import { packetFrame } from './packet-frame.ts';
import { parsePacket } from './parse-packet.ts';

/** @param ethernet addresses of a frame that has none of its own */
export type FrameSource = (ethernet: PacketEthernet) => Uint8Array;

/** @param text in the packet language @throws EF_PACKET with the column of the first mistake */
export function describedFrame(text: string): FrameSource {
	const packet = parsePacket(text);
	return (ethernet) => packetFrame(packet, ethernet);
}

/** @param file the bytes of a pcap or pcapng file @param number from 1 @throws EF_PACKET, when it is asked */
export function capturedFrame(file: Uint8Array, number: number): FrameSource {
	return (ethernet) => captureFrame(file, number, ethernet);
}
