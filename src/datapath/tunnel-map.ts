/** A tunnel as an entry of the datapath's maps: bpf/tunnel.h. */
import { formatIp, formatMac, maskBytes, type Prefix } from '../packet/address.ts';
import { type ParsedTunnel, parseTunnel, type Tunnel } from '../tunnel/tunnel.ts';
import {
	encapsulations,
	tunnelFlags,
	tunnelKeyIpv4Layout,
	tunnelKeyIpv6Layout,
	tunnelLayout,
} from './layout.ts';

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
	return parsedTunnelEntry(parseTunnel(tunnel));
}

export function parsedTunnelEntry(tunnel: ParsedTunnel): TunnelEntry {
	const { match } = tunnel;
	return {
		map: match.family === 'ipv4' ? 'tunnels_ipv4' : 'tunnels_ipv6',
		key: keyOf(match),
		value: encode(tunnel),
	};
}

/** The tunnel of an entry, with every member that means something for its kind. */
export function entryTunnel({ map, key, value }: TunnelEntry): Tunnel {
	const layout = map === 'tunnels_ipv4' ? tunnelKeyIpv4Layout : tunnelKeyIpv6Layout;
	const keyView = new DataView(key.buffer, key.byteOffset);
	const view = new DataView(value.buffer, value.byteOffset);
	const ipv4 = view.getUint8(tunnelLayout.family.offset) === familyNumber.ipv4;
	const part = ({ offset, size }: { offset: number; size: number }): Uint8Array =>
		value.slice(offset, offset + size);
	const address = (member: { offset: number; size: number }): Uint8Array =>
		part({ ...member, size: ipv4 ? 4 : 16 });
	const flags = view.getUint8(tunnelLayout.flags.offset);
	const ttl = view.getUint8(tunnelLayout.ttl.offset);
	const sourceBits = address(tunnelLayout.sourceHash).reduce((sum, byte) => sum + bitCount(byte), 0);
	const source = formatIp(address(tunnelLayout.source));
	const common = {
		match: `${formatIp(key.slice(layout.address.offset))}/${keyView.getUint32(layout.prefixLength.offset, true)}`,
		source: sourceBits === 0 ? source : `${source}/${(ipv4 ? 32 : 128) - sourceBits}`,
		destination: formatIp(address(tunnelLayout.destination)),
		ttl: ttl === 0 ? ('inherit' as const) : ttl,
		dscp:
			flags & tunnelFlags.inheritDscp ? ('inherit' as const) : view.getUint8(tunnelLayout.tos.offset) >> 2,
		...(ipv4 ? { dontFragment: (flags & tunnelFlags.mayFragment) === 0 } : {}),
	};
	const identifier = view.getUint32(tunnelLayout.key.offset);
	const encapsulation = encapsulations[view.getUint8(tunnelLayout.encapsulation.offset)] ?? 'ip';
	if (encapsulation === 'ip') return { encapsulation, ...common };
	if (encapsulation === 'gre') {
		return { encapsulation, ...common, ...(flags & tunnelFlags.key ? { key: identifier } : {}) };
	}
	const udp = {
		port: view.getUint16(tunnelLayout.port.offset),
		...(ipv4
			? {}
			: { udpChecksum: flags & tunnelFlags.udpChecksum ? ('computed' as const) : ('zero' as const) }),
	};
	if (encapsulation === 'gue') return { encapsulation, ...common, ...udp };
	return {
		encapsulation,
		...common,
		...udp,
		vni: identifier >>> 8,
		innerSource: formatMac(part(tunnelLayout.innerSource)),
		innerDestination: formatMac(part(tunnelLayout.innerDestination)),
	};
}

function bitCount(byte: number): number {
	let count = 0;
	for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1;
	return count;
}

function keyOf({ family, bytes, length }: Prefix): Uint8Array {
	const layout = family === 'ipv4' ? tunnelKeyIpv4Layout : tunnelKeyIpv6Layout;
	const key = new Uint8Array(layout.size);
	new DataView(key.buffer).setUint32(layout.prefixLength.offset, length, true);
	key.set(bytes, layout.address.offset);
	return key;
}

function encode(tunnel: ParsedTunnel): Uint8Array {
	const { source, destination, ttl, dscp, dontFragment, encapsulation } = tunnel;
	const value = new Uint8Array(tunnelLayout.size);
	const view = new DataView(value.buffer);
	value.set(source.bytes, tunnelLayout.source.offset);
	value.set(destination.bytes, tunnelLayout.destination.offset);
	value.set(hostBits(source), tunnelLayout.sourceHash.offset);
	view.setUint8(tunnelLayout.encapsulation.offset, encapsulations.indexOf(encapsulation));
	view.setUint8(tunnelLayout.family.offset, familyNumber[destination.family]);
	view.setUint8(tunnelLayout.ttl.offset, ttl === 'inherit' ? 0 : ttl);
	view.setUint8(tunnelLayout.tos.offset, dscp === 'inherit' ? 0 : dscp << 2);
	let flags = dscp === 'inherit' ? tunnelFlags.inheritDscp : 0;
	if (destination.family === 'ipv4' && !dontFragment) flags |= tunnelFlags.mayFragment;
	if (tunnel.encapsulation === 'gre' && tunnel.key !== undefined) {
		flags |= tunnelFlags.key;
		view.setUint32(tunnelLayout.key.offset, tunnel.key);
	}
	if ('port' in tunnel) {
		view.setUint16(tunnelLayout.port.offset, tunnel.port);
		if (tunnel.udpChecksum === 'computed') flags |= tunnelFlags.udpChecksum;
	}
	if ('vni' in tunnel) {
		view.setUint32(tunnelLayout.key.offset, (tunnel.vni << 8) >>> 0);
		value.set(tunnel.innerDestination, tunnelLayout.innerDestination.offset);
		value.set(tunnel.innerSource, tunnelLayout.innerSource.offset);
	}
	view.setUint8(tunnelLayout.flags.offset, flags);
	return value;
}

/** The bits of a prefix behind its length, set. */
function hostBits({ bytes, length }: Prefix): Uint8Array {
	const network = maskBytes(new Uint8Array(bytes.length).fill(0xff), length);
	return network.map((byte) => ~byte);
}
