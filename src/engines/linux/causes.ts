/** Why a packet was dropped, where the kernel's reason leaves more than one answer: by its headers and its host. */
import { type Cause, causeOfDrop, type Drop } from '../../journey/cause.ts';
import type { Sighting } from '../../journey/journey.ts';
import { formatMac } from '../../packet/address.ts';
import { viewOf } from '../../packet/bytes.ts';
import { internetChecksum } from '../../packet/checksum.ts';
import { dissect } from '../../packet/dissect.ts';
import { ethernetLength } from '../../packet/ethernet.ts';
import { ipv4Length } from '../../packet/ipv4.ts';
import { ipv6Length } from '../../packet/ipv6.ts';
import { outerAddresses } from '../../packet/outer.ts';
import { ownerOf } from '../../scenario/addresses.ts';
import type { Host } from '../../scenario/scenario.ts';

/** The cause of a drop in the router. */
export function causeIn(sighting: Sighting, drop: Drop, router: Host): Cause {
	const { frame, device } = sighting;
	const withoutReason =
		drop.reason === 'NOT_SPECIFIED' ? causeAgain(sighting, drop.where, router) : undefined;
	if (withoutReason !== undefined) return withoutReason;
	const addresses = outerAddresses(frame);
	const sourceIsLocal = addresses !== undefined && ownerOf(router, addresses.source) !== undefined;
	const cause = causeOfDrop(drop, sourceIsLocal);
	if (addresses === undefined || drop.reversePathFailed === true) return cause;
	const { source, destination } = addresses;
	switch (`${drop.reason} ${drop.where}`) {
		case 'IP_INHDR ip6_rcv_core':
			return ipv6AddressCause(source, destination) ?? cause;
		case 'IP_INADDRERRORS ip6_forward':
			return forwardsIpv6(router, device) ? 'source-invalid' : cause;
		case 'NOT_SPECIFIED ip_forward':
		case 'NOT_SPECIFIED ip6_forward':
			// A unicast packet in a frame for many.
			return ((frame[0] ?? 0) & 1) === 1 ? 'destination-invalid' : cause;
		case 'NOT_SPECIFIED ip_rcv_finish_core':
			if (isOtherGroup(destination)) return 'destination-invalid';
			// A local source is named so by Linux 6.13 and later, and by none before.
			return hasOptions(frame) ? (sourceIsLocal ? 'unknown' : 'header-invalid') : cause;
		default:
			return cause;
	}
}

/** Before Linux 5.17 there are no reasons: what the kernel looks at is looked at again. */
function causeAgain(sighting: Sighting, where: string, router: Host): Cause | undefined {
	switch (where) {
		case 'ip_rcv_core':
			return ipv4HeaderCause(sighting, router);
		case 'ip6_rcv_core':
			return ipv6HeaderCause(sighting, router);
		case 'ip_error':
			return forwardsIpv4(router, sighting.device) ? undefined : 'forwarding-off';
		default:
			return undefined;
	}
}

/** What ip_rcv_core() refuses, in its order. */
function ipv4HeaderCause({ frame, length, device }: Sighting, router: Host): Cause | undefined {
	if (isForAnother(frame, router.devices[device]?.mac)) return 'wrong-mac';
	const header = frame.subarray(ethernetLength);
	const headerBytes = ((header[0] ?? 0) & 0x0f) * 4;
	const isWhole = header.length >= ipv4Length && headerBytes >= ipv4Length && header.length >= headerBytes;
	if (!isWhole || (header[0] ?? 0) >> 4 !== 4) return 'header-invalid';
	if (internetChecksum(header.subarray(0, headerBytes)) !== 0) return 'bad-checksum';
	const total = viewOf(header).getUint16(2);
	if (length - ethernetLength < total) return 'truncated';
	return total < headerBytes ? 'header-invalid' : undefined;
}

/** What ip6_rcv_core() refuses, in its order. */
function ipv6HeaderCause({ frame, length, device }: Sighting, router: Host): Cause {
	if (isForAnother(frame, router.devices[device]?.mac)) return 'wrong-mac';
	if (!hasIpv6(router, device)) return 'ipv6-disabled';
	const header = frame.subarray(ethernetLength);
	if (header.length < ipv6Length || (header[0] ?? 0) >> 4 !== 6) return 'header-invalid';
	const addresses = ipv6AddressCause(header.subarray(8, 24), header.subarray(24, 40));
	if (addresses !== undefined) return addresses;
	const payload = viewOf(header).getUint16(4);
	return ipv6Length + payload > length - ethernetLength ? 'truncated' : 'header-invalid';
}

/** Whether a frame is for one host, and not for the device's. */
function isForAnother(frame: Uint8Array, mac: string | undefined): boolean {
	return ((frame[0] ?? 0) & 1) === 0 && mac !== undefined && formatMac(frame.subarray(0, 6)) !== mac;
}

function hasIpv6({ devices, sysctls }: Host, device: string): boolean {
	const value = (name: string): number | undefined => sysctls[`net.ipv6.conf.${name}.disable_ipv6`];
	return (devices[device]?.mtu ?? 1500) >= 1280 && (value(device) ?? value('all') ?? 0) === 0;
}

/** What ip6_rcv_core() refuses of addresses, in its order. */
function ipv6AddressCause(source: Uint8Array, destination: Uint8Array): Cause | undefined {
	if (isLoopback(source) || isLoopback(destination)) return 'loopback-address';
	// Multicast of no scope, and of the scope of one device (RFC 4291 section 2.7).
	if (destination[0] === 0xff && ((destination[1] ?? 0) & 0x0f) < 2) return 'destination-invalid';
	return source[0] === 0xff ? 'source-invalid' : undefined;
}

function isLoopback(address: Uint8Array): boolean {
	return address.length === 16 && address.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

function forwardsIpv4({ sysctls }: Host, device: string): boolean {
	const value = (name: string): number | undefined => sysctls[`net.ipv4.conf.${name}.forwarding`];
	return (value(device) ?? value('all') ?? sysctls['net.ipv4.ip_forward'] ?? 0) !== 0;
}

function forwardsIpv6({ sysctls }: Host, device: string): boolean {
	const on = (name: string): boolean => (sysctls[`net.ipv6.conf.${name}`] ?? 0) !== 0;
	return on('all.forwarding') || on('all.force_forwarding') || on(`${device}.force_forwarding`);
}

/** Of IPv4 multicast, all but 224.0.0.1: every host is in that group. */
function isOtherGroup([first = 0, second, third, last]: Uint8Array): boolean {
	const isAllHosts = first === 224 && second === 0 && third === 0 && last === 1;
	return (first & 0xf0) === 0xe0 && !isAllHosts;
}

function hasOptions(frame: Uint8Array): boolean {
	return dissect(frame).some(({ protocol, length }) => protocol === 'ipv4' && length > 20);
}
