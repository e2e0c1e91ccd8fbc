/** bpf_skb_adjust_room: room for an outer header, or an outer header taken away (net/core/filter.c). */
import { errno } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { type SkbState, setSkbValue, skbField, skbValue, swap16 } from '../skb.ts';
import { closeHole, currentSkb, openHole, skbMostBytes } from '../skb-buffer.ts';
import { resetChecksumUnnecessary } from './checksum.ts';

/** BPF_F_ADJ_ROOM_*; the length of an inner Ethernet header stands in the uppermost byte. */
const flag = {
	fixedGso: 1 << 0,
	encapIpv4: 1 << 1,
	encapIpv6: 1 << 2,
	encapGre: 1 << 3,
	encapUdp: 1 << 4,
	noChecksumReset: 1 << 5,
	encapEthernet: 1 << 6,
	decapIpv4: 1 << 7,
	decapIpv6: 1 << 8,
} as const;
const encapMask = flag.encapIpv4 | flag.encapIpv6;
const decapMask = flag.decapIpv4 | flag.decapIpv6;

/** BPF_ADJ_ROOM_NET: behind the IP header; BPF_ADJ_ROOM_MAC: behind the Ethernet header. */
const mode = { network: 0, mac: 1 } as const;

const etherType = { ipv4: 0x0800, ipv6: 0x86dd, ethernet: 0x6558 } as const;

/** SKB_GSO_* */
const gsoType = {
	tcpIpv4: 0x1,
	dodgy: 0x2,
	tcpIpv6: 0x10,
	gre: 0x40,
	ipInIpv4: 0x100,
	ipInIpv6: 0x200,
	udpTunnel: 0x400,
	udpSegments: 0x20000,
} as const;

const [ipv4Bytes, ipv6Bytes, ethernetBytes] = [20, 40, 14];

/** How far a header may be moved at once. */
const mostBytes = 0xfff;

export function isGso(machine: Machine): boolean {
	return skbValue(machine, skbField.gsoSize) !== 0;
}

function protocolOf(machine: Machine): number {
	return swap16(skbValue(machine, skbField.protocol));
}

/** bpf_skb_change_protocol */
function setProtocol(machine: Machine, protocol: number): void {
	setSkbValue(machine, skbField.protocol, swap16(protocol));
}

export function adjustRoom(machine: Machine, difference = 0, where = 0, low = 0, high = 0): number {
	const skb = currentSkb(machine);
	const bytes = Math.abs(difference);
	const shrinks = difference < 0;
	const protocol = protocolOf(machine);
	if ((low & ~0x1ff) !== 0 || (high & 0x00ff_ffff) !== 0) return -errno.EINVAL;
	if (bytes > mostBytes) return -errno.EFAULT;
	if (protocol !== etherType.ipv4 && protocol !== etherType.ipv6) return -errno.ENOTSUPP;
	const headerBytes = protocol === etherType.ipv4 ? ipv4Bytes : ipv6Bytes;
	let least = headerBytes;
	let offset = skb.networkHeader - machine.data;
	if (where === mode.network) offset += headerBytes;
	else if (where !== mode.mac) return -errno.ENOTSUPP;
	if ((low & decapMask) !== 0) {
		if (!shrinks || (low & decapMask) === decapMask) return -errno.EINVAL;
		least = (low & flag.decapIpv4) !== 0 ? ipv4Bytes : ipv6Bytes;
	}
	const current = skb.length - (skb.networkHeader - machine.data);
	if (shrinks && (bytes >= current || current - bytes < least)) return -errno.ENOTSUPP;
	if (!shrinks && skb.length + bytes > skbMostBytes && !isGso(machine)) return -errno.ENOTSUPP;
	const result = shrinks
		? shrink(machine, skb, offset, bytes, low, high)
		: grow(machine, skb, offset, bytes, low, high >>> 24);
	if (result === 0 && (low & flag.noChecksumReset) === 0) resetChecksumUnnecessary(skb);
	return result;
}

/** Only TCP's segments may become shorter; the size of UDP's may stay. */
function refusesGso(machine: Machine, skb: SkbState, flags: number): boolean {
	if (!isGso(machine) || (skb.gsoType & (gsoType.tcpIpv4 | gsoType.tcpIpv6)) !== 0) return false;
	return (skb.gsoType & gsoType.udpSegments) === 0 || (flags & flag.fixedGso) === 0;
}

/** bpf_skb_net_grow */
function grow(
	machine: Machine,
	skb: SkbState,
	offset: number,
	bytes: number,
	flags: number,
	innerMacBytes: number,
): number {
	const encapsulates = (flags & encapMask) !== 0;
	const { networkHeader, transportHeader } = skb;
	const macBytes = networkHeader - machine.data;
	if (refusesGso(machine, skb, flags)) return -errno.ENOTSUPP;
	if (encapsulates) {
		if ((flags & encapMask) === encapMask) return -errno.EINVAL;
		if ((flags & flag.encapGre) !== 0 && (flags & flag.encapUdp) !== 0) return -errno.EINVAL;
		if ((flags & flag.encapEthernet) !== 0 && innerMacBytes < ethernetBytes) return -errno.EINVAL;
		if (skb.encapsulation) return -errno.EALREADY;
		if (innerMacBytes > bytes) return -errno.EINVAL;
	}
	const result = openHole(machine, offset, bytes);
	if (result !== 0) return result;
	skb.networkHeader -= bytes;
	if (transportHeader === networkHeader) skb.transportHeader = skb.networkHeader;
	let type: number = gsoType.dodgy;
	if (encapsulates) {
		const protocol = protocolOf(machine);
		skb.innerMacHeader = networkHeader - innerMacBytes;
		skb.innerNetworkHeader = networkHeader;
		skb.innerTransportHeader = transportHeader;
		skb.innerProtocol = (flags & flag.encapEthernet) !== 0 ? etherType.ethernet : protocol;
		skb.encapsulation = true;
		skb.networkHeader = machine.data + macBytes;
		const isIpv6 = (flags & flag.encapIpv6) !== 0;
		if ((flags & flag.encapUdp) !== 0) type |= gsoType.udpTunnel;
		else if ((flags & flag.encapGre) !== 0) type |= gsoType.gre;
		else type |= isIpv6 ? gsoType.ipInIpv6 : gsoType.ipInIpv4;
		if ((flags & (flag.encapGre | flag.encapUdp)) !== 0) {
			skb.transportHeader = skb.networkHeader + (isIpv6 ? ipv6Bytes : ipv4Bytes);
		}
		setProtocol(machine, isIpv6 ? etherType.ipv6 : etherType.ipv4);
	}
	adjustGso(machine, skb, type, (flags & flag.fixedGso) !== 0 ? 0 : -bytes);
	return 0;
}

/** bpf_skb_net_shrink */
function shrink(
	machine: Machine,
	skb: SkbState,
	offset: number,
	bytes: number,
	flags: number,
	high: number,
): number {
	if (high !== 0 || (flags & ~(flag.fixedGso | decapMask | flag.noChecksumReset)) !== 0) return -errno.EINVAL;
	if (refusesGso(machine, skb, flags)) return -errno.ENOTSUPP;
	const same = skb.transportHeader === skb.networkHeader;
	const result = closeHole(machine, offset, bytes);
	if (result !== 0) return result;
	skb.networkHeader += bytes;
	if (same) skb.transportHeader = skb.networkHeader;
	if ((flags & flag.decapIpv6) !== 0) setProtocol(machine, etherType.ipv6);
	else if ((flags & flag.decapIpv4) !== 0) setProtocol(machine, etherType.ipv4);
	adjustGso(machine, skb, gsoType.dodgy, (flags & flag.fixedGso) !== 0 ? 0 : bytes);
	return 0;
}

/** Of a merged packet: the headers are to be checked, the segments counted anew, and have less or more room. */
function adjustGso(machine: Machine, skb: SkbState, type: number, difference: number): void {
	if (!isGso(machine)) return;
	skb.gsoType |= type;
	setSkbValue(machine, skbField.gsoSegments, 0);
	setSkbValue(machine, skbField.gsoSize, (skbValue(machine, skbField.gsoSize) + difference) & 0xffff);
}

/** bpf_skb_change_proto: from one family's header to the other's, of which only the difference in length is made. */
export function changeProtocol(machine: Machine, to = 0, flags = 0, rest = 0): number {
	const skb = currentSkb(machine);
	const [from, target] = [protocolOf(machine), swap16(to & 0xffff)];
	const opens = from === etherType.ipv4 && target === etherType.ipv6;
	if ((flags | rest) !== 0) return -errno.EINVAL;
	if (!opens && (from !== etherType.ipv6 || target !== etherType.ipv4)) return -errno.ENOTSUPP;
	if (isGso(machine) && (skb.gsoType & (gsoType.tcpIpv4 | gsoType.tcpIpv6)) === 0) return -errno.ENOTSUPP;
	const bytes = ipv6Bytes - ipv4Bytes;
	const offset = skb.networkHeader - machine.data;
	const same = skb.transportHeader === skb.networkHeader;
	const result = (opens ? openHole : closeHole)(machine, offset, bytes);
	if (result !== 0) return result;
	skb.networkHeader += opens ? -bytes : bytes;
	if (same) skb.transportHeader = skb.networkHeader;
	if (isGso(machine)) {
		const [old, now] = opens ? [gsoType.tcpIpv4, gsoType.tcpIpv6] : [gsoType.tcpIpv6, gsoType.tcpIpv4];
		if ((skb.gsoType & old) !== 0) skb.gsoType = (skb.gsoType & ~old) | now;
		adjustGso(machine, skb, gsoType.dodgy, 0);
	}
	setProtocol(machine, target);
	setSkbValue(machine, skbField.hash, 0);
	return 0;
}
