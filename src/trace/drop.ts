/** A dropped packet, or many alike, in names: what `trace` shows. */
import type { Cause } from '../journey/cause.ts';
import type { Headers } from './key.ts';

export interface TracedDrop {
	/** The kernel's stack; XDP, where frames are lost that no packet was made of; our own datapath. */
	readonly by: 'kernel' | 'xdp' | 'datapath';
	/** The kernel's name without SKB_DROP_REASON_; an errno or a verdict for XDP; an outcome of the datapath. */
	readonly reason: string;
	readonly cause: Cause;
	/** The kernel function; a tracepoint for XDP; the hook for the datapath. */
	readonly where: string;
	/** It is freed in the ordinary course of things, as far as the kernel tells. */
	readonly routine?: boolean;
	/** As src/trace/namespaces.ts names them. */
	readonly namespace: string;
	/** Empty where nothing is known of it. */
	readonly device: string;
	/** The device that XDP redirected to. */
	readonly target?: string;
	/** Absent without a packet, or where there were too many different ones. */
	readonly headers?: Headers;
	/** Whether there were too many different headers to tell these apart. */
	readonly tooMany: boolean;
}

/** The first packet of a kind, or a single one. */
export interface DroppedPacket {
	/** Nanoseconds since 1970. */
	readonly time: bigint;
	/** Of the whole packet, in bytes, from where `bytes` begins. */
	readonly length: number;
	readonly bytes: Uint8Array;
	/** What the first byte belongs to. */
	readonly start: 'ethernet' | 'ipv4' | 'ipv6' | 'unknown';
}
