/** Why a packet was dropped, where the kernel's reason leaves more than one answer: by its headers and its host. */
import { type Cause, causeOfDrop, type Drop } from '../../journey/cause.ts';
import type { Sighting } from '../../journey/journey.ts';
import { dissect } from '../../packet/dissect.ts';
import { outerAddresses } from '../../packet/outer.ts';
import { ownerOf } from '../../scenario/addresses.ts';
import type { Host } from '../../scenario/scenario.ts';

/** The cause of a drop in the router. */
export function causeIn({ frame, device }: Sighting, drop: Drop, router: Host): Cause {
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
			if (((destination[0] ?? 0) & 0xf0) === 0xe0) return 'destination-invalid';
			// A local source is named so by Linux 6.13 and later, and by none before.
			return hasOptions(frame) ? (sourceIsLocal ? 'unknown' : 'header-invalid') : cause;
		default:
			return cause;
	}
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

function forwardsIpv6({ sysctls }: Host, device: string): boolean {
	const on = (name: string): boolean => (sysctls[`net.ipv6.conf.${name}`] ?? 0) !== 0;
	return on('all.forwarding') || on('all.force_forwarding') || on(`${device}.force_forwarding`);
}

function hasOptions(frame: Uint8Array): boolean {
	return dissect(frame).some(({ protocol, length }) => protocol === 'ipv4' && length > 20);
}
