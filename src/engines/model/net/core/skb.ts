/** A packet on its way through the host: struct sk_buff as far as the input path asks for it. */
import type { Bytes } from './address.ts';
import type { NetDevice } from './device.ts';

export type PacketType = 'host' | 'broadcast' | 'multicast' | 'otherhost';

/** Where the Ethernet header ends and the IP header begins: the kernel takes VLAN tags out. */
export const networkHeader = 14;

export interface Skb {
	/** The frame from its Ethernet header on. */
	data: Bytes;
	/** The device it is at, which is the VRF's where it has come in by one of its devices. */
	device: NetDevice;
	/** The device it came in by. */
	readonly ingress: NetDevice;
	protocol: number;
	packetType: PacketType;
	mark: number;
	/** The VLAN tag that was taken out of the frame. */
	vlan: { readonly protocol: number; readonly tci: number } | undefined;
	/** Of the IPv4 header as it came in (the DSCP bits are asked for). */
	tos: number;
	/** It has no route of its own: nobody is told that its next hop does not answer (dst_link_failure). */
	readonly isRouteless?: boolean;
	/** Its IPv4 route is a broadcast or multicast one (RTCF_BROADCAST, RTCF_MULTICAST). */
	isToGroup?: boolean;
	/** Its IPv4 route is a local one (RTCF_LOCAL). */
	isToHost?: boolean;
	/** Its IPv6 destination is an anycast address of the host's. */
	isAnycast?: boolean;
	/** The packet's own end is in it: of several fragments, the last. */
	readonly isTail: boolean;
}

export function byteAt({ data }: Skb, offset: number): number {
	return data[networkHeader + offset] ?? 0;
}

export function wordAt(skb: Skb, offset: number): number {
	return (byteAt(skb, offset) << 8) | byteAt(skb, offset + 1);
}
