/** Members of a tunnel that are each right and cannot stand together. */
import type { Family } from '../packet/address.ts';

export interface Contradiction {
	/** The member to change. */
	readonly member: 'source' | 'dontFragment' | 'udpChecksum';
	readonly message: string;
}

export const familyName: Readonly<Record<Family, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' };

/** What is said of a tunnel, given the families of its ends. */
export function contradictions(
	tunnel: { readonly dontFragment?: unknown; readonly udpChecksum?: unknown },
	source: Family,
	destination: Family,
): readonly Contradiction[] {
	const found: Contradiction[] = [];
	if (source !== destination) {
		found.push({
			member: 'source',
			message: `it is ${familyName[source]} and the destination ${familyName[destination]}; give both of one family`,
		});
	}
	if (tunnel.dontFragment !== undefined && destination === 'ipv6') {
		found.push({
			member: 'dontFragment',
			message: 'an outer IPv6 header has no such bit, routers never fragment it; remove the member',
		});
	}
	if (tunnel.udpChecksum !== undefined && destination === 'ipv4') {
		found.push({
			member: 'udpChecksum',
			message: 'it is a choice over IPv6 only, over IPv4 it is always zero; remove the member',
		});
	}
	return found;
}
