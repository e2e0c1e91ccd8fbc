/** A packet as the packet language describes it: the headers from the outermost to the innermost. */
import type { Family } from '../packet/address.ts';

export interface PacketEthernet {
	readonly source: Uint8Array;
	readonly destination: Uint8Array;
}

export interface PacketIp {
	readonly family: Family;
	readonly source: Uint8Array;
	readonly destination: Uint8Array;
	/** TTL or hop limit. */
	readonly ttl: number;
	/** The byte of the header: DSCP and ECN. */
	readonly trafficClass: number;
	/** IPv4 only. */
	readonly dontFragment: boolean;
	readonly identification: number;
	/** Bytes of this IP packet, which its payload is made to fill; as the payload needs if undefined. */
	readonly length: number | undefined;
	readonly payload: PacketPayload;
}

export type PacketPayload =
	| { readonly kind: 'icmp'; readonly type: number; readonly code: number }
	| {
			readonly kind: 'tcp';
			readonly sourcePort: number;
			readonly destinationPort: number;
			readonly flags: number;
	  }
	| { readonly kind: 'udp'; readonly sourcePort: number; readonly destinationPort: number }
	| { readonly kind: 'protocol'; readonly protocol: number }
	| { readonly kind: 'ip'; readonly inner: PacketIp }
	| { readonly kind: 'gre'; readonly key: number | undefined; readonly inner: PacketIp }
	| { readonly kind: 'gue'; readonly port: number; readonly inner: PacketIp }
	| {
			readonly kind: 'vxlan' | 'geneve';
			readonly port: number;
			readonly vni: number;
			readonly inner: PacketIp;
	  };

export interface Packet {
	/** Undefined: as the device it comes in by needs it. */
	readonly ethernet: PacketEthernet | undefined;
	readonly ip: PacketIp;
}
