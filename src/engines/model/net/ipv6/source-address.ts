/** Which address the host speaks from: ipv6_dev_get_saddr() of net/ipv6/addrconf.c (RFC 6724). */
import { type Bytes, isLinkLocal6, isMulticast6 } from '../core/address.ts';
import { masterIfindex, type NetDevice } from '../core/device.ts';
import type { Net } from '../core/net.ts';

/** Link-local, or beyond: only that much of scopes exists here. */
function scopeOf(address: Bytes): number {
	if (isMulticast6(address)) return (address[1] ?? 0) & 15;
	return isLinkLocal6(address) ? 2 : 14;
}

/** By rules 1, 2, 5 and 8: the address itself, a fitting scope, the egress device, the longest common prefix. */
export function ipv6DevGetSaddr(net: Net, device: NetDevice, destination: Bytes): Bytes | undefined {
	const scope = scopeOf(destination);
	let best: { readonly address: Bytes; readonly rank: readonly number[] } | undefined;
	for (const other of net.devices) {
		if (other === undefined || other.loopback || masterIfindex(other) !== masterIfindex(device)) continue;
		if (other !== device && scope <= 2) continue;
		for (const { address } of other.ipv6) {
			const own = scopeOf(address);
			const fits = own >= scope ? 1000 - own : own;
			const common = commonBits(address, destination);
			const rank = [common === 128 ? 1 : 0, fits, other === device ? 1 : 0, common];
			if (best === undefined || isMore(rank, best.rank)) best = { address, rank };
		}
	}
	return best?.address;
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
