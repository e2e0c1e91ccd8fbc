/** A tunnel as an entry of the datapath's maps: bpf/tunnel.h. */
import { parseTunnel, type Tunnel } from '../tunnel/tunnel.ts';
import { tunnelKeyIpv4Layout, tunnelKeyIpv6Layout, tunnelLayout } from './layout.ts';

/** The address families' numbers in the kernel. */
const familyNumber = { ipv4: 2, ipv6: 10 } as const;

export interface TunnelEntry {
	/** By the inner destination's family. */
	readonly map: 'tunnels_ipv4' | 'tunnels_ipv6';
	readonly key: Uint8Array;
	readonly value: Uint8Array;
}

/** @throws EF_INPUT if the tunnel is not valid */
export function tunnelEntry(tunnel: Tunnel): TunnelEntry {
	const { match, source, destination, ttl } = parseTunnel(tunnel);
	const layout = match.family === 'ipv4' ? tunnelKeyIpv4Layout : tunnelKeyIpv6Layout;
	const key = new Uint8Array(layout.size);
	new DataView(key.buffer).setUint32(layout.prefixLength.offset, match.length, true);
	key.set(match.bytes, layout.address.offset);

	const value = new Uint8Array(tunnelLayout.size);
	value.set(source.bytes, tunnelLayout.source.offset);
	value.set(destination.bytes, tunnelLayout.destination.offset);
	value[tunnelLayout.family.offset] = familyNumber[source.family];
	value[tunnelLayout.ttl.offset] = ttl;
	return { map: match.family === 'ipv4' ? 'tunnels_ipv4' : 'tunnels_ipv6', key, value };
}
