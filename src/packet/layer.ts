/** What a dissector says about one header, and what it needs to know of the headers around it. */
import type { Addresses } from './checksum.ts';

/** One named value of a header, as text. */
export interface Field {
	readonly name: string;
	readonly value: string;
}

/** One header, or the payload, of a dissected frame. `offset` and `length` are bytes from the start of the frame. */
export interface Layer {
	/** `ethernet`, `vlan`, `arp`, `ipv4`, `ipv6`, ..., `payload`, `padding` or `malformed`. */
	readonly protocol: string;
	readonly offset: number;
	readonly length: number;
	/** One line, as tcpdump or tshark would write it. */
	readonly summary: string;
	readonly fields: readonly Field[];
	/** Absent when the header has no checksum, or when not all the bytes it covers are there. */
	readonly checksum?: 'good' | 'bad';
}

/** What a header inherits from the one that carries it. */
export interface Carrier {
	/** For the pseudo header; absent when they are not the final ones (a routing header with segments left). */
	readonly addresses?: Addresses;
	/** Not the whole payload is here: a first fragment, a packet an ICMP error quotes, or one cut off. */
	readonly cut: boolean;
}

/** Whose numbers name the next protocol. */
export type NumberSpace = 'ethertype' | 'ipv4' | 'ipv6' | 'udp';

/** One header, dissected. `length` and `end` are bytes from the start of this header. */
export interface Dissection {
	readonly protocol: string;
	/** The header's length. */
	readonly length: number;
	/** Where the header's payload ends; what follows up to the end of the bytes is padding. */
	readonly end: number;
	readonly summary: string;
	/** The header's share of a one-line summary of the whole frame; empty for none. */
	readonly brief: string;
	readonly fields: readonly Field[];
	readonly checksum?: 'good' | 'bad' | undefined;
	/** What the payload is; absent when it is only bytes. */
	readonly next?:
		| { readonly space: NumberSpace; readonly number: number; readonly carrier: Carrier }
		| undefined;
	/** In words, that the header claims more bytes than there are. */
	readonly truncated?: string | undefined;
}

/** Dissects the header at the start of the bytes, or says in words why there is none. Never throws. */
export type Dissector = (bytes: Uint8Array, carrier: Carrier) => Dissection | string;

/** Fields from a record, in its order. */
export function fieldsOf(values: Readonly<Record<string, string | number | boolean>>): readonly Field[] {
	return Object.entries(values).map(([name, value]) => ({ name, value: String(value) }));
}
