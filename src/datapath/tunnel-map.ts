/**
 * A tunnel as the datapath has it, bpf/tunnels.h: an entry of `tunnels`, which is its own, and one of
 * `templates`, which it shares with those that agree in the rest.
 */
import { formatIp, formatMac, maskBytes, type Prefix } from '../packet/address.ts';
import type { ParsedTunnel, Tunnel } from '../tunnel/tunnel.ts';
import type { TunnelTemplate } from '../tunnel/tunnel-table.ts';
import { encapsulations, prefixNumbers, tunnelEntryLayout, tunnelFlags, tunnelLayout } from './layout.ts';

/** The address families' numbers in the kernel. */
const familyNumber = { ipv4: 2, ipv6: 10 } as const;

/** PREFIX_SHIFT, PREFIX_MASK and TEMPLATE_SHIFT of bpf/tunnels.h. */
export const stateShift = { prefix: 2, template: 10 } as const;

/** A prefix length and its family in one number: enum prefix_number. */
export function prefixNumber(addressBytes: number, length: number): number {
	return (addressBytes === 4 ? prefixNumbers.ipv4 : prefixNumbers.ipv6) + length;
}

/** The other way round. */
export function prefixOfNumber(number: number): { readonly addressBytes: 4 | 16; readonly length: number } {
	const ipv4 = number >= prefixNumbers.ipv4;
	return { addressBytes: ipv4 ? 4 : 16, length: number - (ipv4 ? prefixNumbers.ipv4 : prefixNumbers.ipv6) };
}

/**
 * struct tunnel without what an entry has. An outer IPv6 destination, and an inner Ethernet destination that
 * follows from it, is no entry's.
 * @param tunnel one of those that share it
 */
export function templateBytes({
	tunnel,
	derivesInnerDestination,
}: Pick<TunnelTemplate, 'tunnel' | 'derivesInnerDestination'>): Uint8Array {
	const { source, destination, ttl, dscp, dontFragment, encapsulation } = tunnel;
	const outerIpv4 = destination.family === 'ipv4';
	const value = new Uint8Array(tunnelLayout.size);
	const view = new DataView(value.buffer);
	value.set(source.bytes, tunnelLayout.source.offset);
	if (!outerIpv4) value.set(destination.bytes, tunnelLayout.destination.offset);
	value.set(hostBits(source), tunnelLayout.sourceHash.offset);
	view.setUint8(tunnelLayout.encapsulation.offset, encapsulations.indexOf(encapsulation));
	view.setUint8(tunnelLayout.family.offset, familyNumber[destination.family]);
	view.setUint8(tunnelLayout.ttl.offset, ttl === 'inherit' ? 0 : ttl);
	view.setUint8(tunnelLayout.tos.offset, dscp === 'inherit' ? 0 : dscp << 2);
	let flags = dscp === 'inherit' ? tunnelFlags.inheritDscp : 0;
	if (outerIpv4 && !dontFragment) flags |= tunnelFlags.mayFragment;
	if (tunnel.encapsulation === 'gre' && tunnel.key !== undefined) flags |= tunnelFlags.key;
	if ('port' in tunnel) {
		view.setUint16(tunnelLayout.port.offset, tunnel.port);
		if (tunnel.udpChecksum === 'computed') flags |= tunnelFlags.udpChecksum;
	}
	if ('vni' in tunnel) {
		value.set(tunnel.innerSource, tunnelLayout.innerSource.offset);
		if (derivesInnerDestination && outerIpv4) {
			flags |= tunnelFlags.derivedMac;
			value[tunnelLayout.innerDestination.offset] = 2;
		} else value.set(tunnel.innerDestination, tunnelLayout.innerDestination.offset);
	}
	view.setUint8(tunnelLayout.flags.offset, flags);
	return value;
}

/** The member `key` of a tunnel, as a number whose bytes are in the host's order. */
export function identifierKey(encapsulation: ParsedTunnel['encapsulation'], identifier: number): number {
	return encapsulation === 'vxlan' || encapsulation === 'geneve' ? (identifier << 8) >>> 0 : identifier;
}

/** The tunnel of an entry and its template, with every member that means something for its kind. */
export function tunnelOf(entry: Uint8Array, template: Uint8Array): Tunnel {
	const own = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
	const view = new DataView(template.buffer, template.byteOffset, template.byteLength);
	const ipv4 = view.getUint8(tunnelLayout.family.offset) === familyNumber.ipv4;
	const part = ({ offset, size }: { offset: number; size: number }): Uint8Array =>
		template.slice(offset, offset + size);
	const address = (member: { offset: number; size: number }): Uint8Array =>
		part({ ...member, size: ipv4 ? 4 : 16 });
	const { match, destination, key, state } = tunnelEntryLayout;
	const number = (own.getUint32(state.offset, true) >>> stateShift.prefix) & 0xff;
	const prefix = prefixOfNumber(number);
	const end = ipv4
		? entry.slice(destination.offset, destination.offset + 4)
		: address(tunnelLayout.destination);
	const flags = view.getUint8(tunnelLayout.flags.offset);
	const ttl = view.getUint8(tunnelLayout.ttl.offset);
	const sourceBits = address(tunnelLayout.sourceHash).reduce((sum, byte) => sum + bitCount(byte), 0);
	const source = formatIp(address(tunnelLayout.source));
	const common = {
		match: `${formatIp(entry.slice(match.offset, match.offset + prefix.addressBytes))}/${prefix.length}`,
		source: sourceBits === 0 ? source : `${source}/${(ipv4 ? 32 : 128) - sourceBits}`,
		destination: formatIp(end),
		ttl: ttl === 0 ? ('inherit' as const) : ttl,
		dscp:
			flags & tunnelFlags.inheritDscp ? ('inherit' as const) : view.getUint8(tunnelLayout.tos.offset) >> 2,
		...(ipv4 ? { dontFragment: (flags & tunnelFlags.mayFragment) === 0 } : {}),
	};
	const identifier = own.getUint32(key.offset);
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
	const innerDestination = part(tunnelLayout.innerDestination);
	if (flags & tunnelFlags.derivedMac) innerDestination.set(end, 2);
	return {
		encapsulation,
		...common,
		...udp,
		vni: identifier >>> 8,
		innerSource: formatMac(part(tunnelLayout.innerSource)),
		innerDestination: formatMac(innerDestination),
	};
}

function bitCount(byte: number): number {
	let count = 0;
	for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1;
	return count;
}

/** The bits of a prefix behind its length, set. */
function hostBits({ bytes, length }: Prefix): Uint8Array {
	const network = maskBytes(new Uint8Array(bytes.length).fill(0xff), length);
	return network.map((byte) => ~byte);
}
