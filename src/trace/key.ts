/** What the kernel counts drops by, as plain data: struct drop_key of bpf/drop.h. */
import { encapsulations, dropKeyLayout as layout, tracepoints } from '../datapath/layout.ts';
import { formatIp } from '../packet/address.ts';
import type { Encapsulation } from '../tunnel/tunnel.ts';

export type Tracepoint = (typeof tracepoints)[number];

/** Of an IP header. */
export interface IpHeader {
	readonly source: string;
	readonly destination: string;
	/** IP protocol number of what it carries; of IPv6, behind its extension headers. */
	readonly protocol: number;
}

/** What of a packet's headers drops are counted by. */
export interface Headers {
	/** 0 where the packet does not say. */
	readonly ethertype: number;
	/** Absent when the packet is not IP. */
	readonly outer?: IpHeader;
	readonly encapsulation?: Encapsulation;
	readonly inner?: IpHeader;
}

export interface DropKey {
	readonly tracepoint: Tracepoint;
	/** kfree_skb: the kernel address that freed the packet; a redirect: the target's number. */
	readonly location: bigint;
	/** kfree_skb: the running kernel's number; a redirect: a positive errno; an exception: enum xdp_action. */
	readonly reason: number;
	/** The errno of the packet's route, positive; 0 if it has none or a good one. */
	readonly routeError: number;
	/** Inode number; 0 where the packet does not say. */
	readonly namespace: number;
	/** ifindex; 0 where the packet does not say. */
	readonly device: number;
	/** Absent without a packet (XDP), or where they were too many to be told apart. */
	readonly headers?: Headers;
	/** Whether there were too many different headers to tell these apart. */
	readonly tooMany: boolean;
}

const inet = 2;
const inet6 = 10;

export function decodeDropKey(bytes: Uint8Array): DropKey {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const byte = (member: { readonly offset: number }): number => view.getUint8(member.offset);
	const address = ({ offset }: { readonly offset: number }, family: number): string =>
		formatIp(bytes.subarray(offset, offset + (family === inet ? 4 : 16)));
	const header = (side: 'outer' | 'inner'): IpHeader | undefined => {
		const family = byte(layout[`${side}Family`]);
		if (family !== inet && family !== inet6) return undefined;
		return {
			source: address(layout[`${side}Source`], family),
			destination: address(layout[`${side}Destination`], family),
			protocol: byte(layout[`${side}Protocol`]),
		};
	};
	const tracepoint = tracepoints[byte(layout.tracepoint)] ?? 'kfree-skb';
	const tooMany = byte(layout.withoutHeaders) !== 0;
	const [outer, inner] = [header('outer'), header('inner')];
	const encapsulation = encapsulations[byte(layout.encapsulation) - 1];
	return {
		tracepoint,
		location: view.getBigUint64(layout.location.offset, true),
		reason: view.getUint32(layout.reason.offset, true),
		routeError: byte(layout.routeError),
		namespace: view.getUint32(layout.namespace.offset, true),
		device: view.getUint32(layout.device.offset, true),
		tooMany,
		...(tooMany || tracepoint !== 'kfree-skb'
			? {}
			: {
					headers: {
						ethertype: view.getUint16(layout.ethertype.offset),
						...(outer === undefined ? {} : { outer }),
						...(encapsulation === undefined ? {} : { encapsulation }),
						...(inner === undefined ? {} : { inner }),
					},
				}),
	};
}
