/** Which address the host speaks from: net/ipv6/addrconf.c, by the rules of RFC 6724. */
import {
	type Bytes,
	isLinkLocal6,
	isLoopback6,
	isMulticast6,
	sameBytes,
	samePrefix,
} from '../core/address.ts';
import { masterIfindex, type NetDevice } from '../core/device.ts';
import type { Net } from '../core/net.ts';

const linkLocalScope = 2;

/** Link-local, or beyond: only that much of scopes exists here. */
function scopeOf(address: Bytes): number {
	if (isMulticast6(address)) return (address[1] ?? 0) & 15;
	return isLinkLocal6(address) || isLoopback6(address) ? linkLocalScope : 14;
}

/** The kernel's policy table (net/ipv6/addrlabel.c), the longest prefixes first. */
const labels = (
	[
		[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 128, 0],
		[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96, 4],
		[[], 96, 3],
		[[0x20, 0x01], 32, 6],
		[[0x20, 0x01, 0, 0x10], 28, 7],
		[[0x3f, 0xfe], 16, 12],
		[[0x20, 0x02], 16, 2],
		[[0xfe, 0xc0], 10, 11],
		[[0xfc], 7, 5],
	] as const
).map(([prefix, length, label]) => ({
	prefix: Uint8Array.from({ length: 16 }, (_, index) => prefix[index] ?? 0),
	length,
	label,
}));

/** ipv6_addr_label() */
function labelOf(address: Bytes): number {
	return labels.find(({ prefix, length }) => samePrefix(prefix, address, length))?.label ?? 1;
}

/**
 * ipv6_dev_get_saddr(): by rules 1, 2, 5, 6 and 8: the address itself, a fitting scope, the egress device, the
 * same label, the longest common prefix.
 * @param device where it is to leave by, if that is known
 */
export function ipv6DevGetSaddr(
	net: Net,
	device: NetDevice | undefined,
	destination: Bytes,
): Bytes | undefined {
	const scope = scopeOf(destination);
	const label = labelOf(destination);
	const isLinks = isMulticast6(destination) || scope <= linkLocalScope;
	let best: { readonly address: Bytes; readonly rank: readonly number[] } | undefined;
	for (const other of candidates(net, device, isLinks)) {
		// The kernel lists the newest first.
		for (const { address, length } of other.ipv6.toReversed()) {
			const own = scopeOf(address);
			const rank = [
				sameBytes(address, destination) ? 1 : 0,
				own >= scope ? -own : own - 128,
				device === undefined || other === device ? 1 : 0,
				labelOf(address) === label ? 1 : 0,
				Math.min(commonBits(address, destination), length),
			];
			if (best === undefined || isMore(rank, best.rank)) best = { address, rank };
		}
	}
	return best?.address;
}

/** The devices whose addresses it may be: of the same VRF, and of what is the link's own that device's alone. */
function candidates(net: Net, device: NetDevice | undefined, isLinks: boolean): readonly NetDevice[] {
	if (device !== undefined && isLinks) return [device];
	const vrf = device === undefined ? 0 : masterIfindex(device);
	const domain = net.devices.filter((other) => other !== undefined && masterIfindex(other) === vrf);
	// Of equals the first counts: in a VRF, the device's own, then the VRF device's.
	return [...(device && vrf !== 0 ? [device, net.devices[vrf]] : []), ...domain].filter(
		(other) => other !== undefined,
	);
}

function isMore(a: readonly number[], b: readonly number[]): boolean {
	for (let index = 0; index < a.length; index++) {
		const difference = (a[index] ?? 0) - (b[index] ?? 0);
		if (difference !== 0) return difference > 0;
	}
	return false;
}

function commonBits(a: Bytes, b: Bytes): number {
	for (let index = 0; index < 16; index++) {
		const difference = (a[index] ?? 0) ^ (b[index] ?? 0);
		if (difference !== 0) return index * 8 + Math.clz32(difference) - 24;
	}
	return 128;
}
