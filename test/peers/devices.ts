/** The kernel's own tunnel devices: for each of our encapsulations the one that takes it apart. */
import type { Family } from '../../src/packet/address.ts';
import type { Encapsulation, Tunnel } from '../../src/tunnel/tunnel.ts';
import { ends } from './network.ts';

export interface Peer {
	/** Our tunnel's members beside the common ones. */
	readonly tunnel: { readonly encapsulation: Encapsulation; readonly key?: number; readonly vni?: number };
	/** Types of the devices, as a reader knows them. */
	readonly types: readonly string[];
	/** Commands for `ip` that make them, tun0 and perhaps tun1, and those that take away what stays. */
	readonly make: readonly string[];
	readonly remove?: readonly string[];
}

const key = 0xfe02_0304;
const vni = 0x12_3456;
/** What `innerMac` makes of the server's end. */
const mac = { ipv4: '02:00:0a:02:00:02', ipv6: '02:00:00:00:00:02' } as const;
const guePort = 6080;

/** The devices for one outer family, by what a tunnel is called. */
export function peers(family: Family): Readonly<Record<string, Peer>> {
	const { gateway, server } = ends[family];
	const between = `local ${server} remote ${gateway}`;
	const isIpv4 = family === 'ipv4';
	// Over IPv4 each inner family has a device of its own; ip6tnl takes both.
	const ip = (more = ''): string[] =>
		isIpv4
			? [`link add tun0 type ipip ${between}${more}`, `link add tun1 type sit ${between}${more}`]
			: [`link add tun0 type ip6tnl mode any ${between} encaplimit none${more}`];
	const ipTypes = isIpv4 ? ['ipip', 'sit'] : ['ip6tnl'];
	const gre = (more = ''): string =>
		`link add tun0 type ${isIpv4 ? `gre ${between}` : `ip6gre ${between} encaplimit none`}${more}`;
	const greTypes = isIpv4 ? ['gre'] : ['ip6gre'];
	const fou = `port ${guePort} gue${isIpv4 ? '' : ' -6'}`;
	return {
		ip: { tunnel: { encapsulation: 'ip' }, types: ipTypes, make: ip() },
		gre: { tunnel: { encapsulation: 'gre' }, types: greTypes, make: [gre()] },
		'gre with a key': { tunnel: { encapsulation: 'gre', key }, types: greTypes, make: [gre(` key ${key}`)] },
		gue: {
			tunnel: { encapsulation: 'gue' },
			types: ['fou', ...ipTypes],
			make: [`fou add ${fou}`, ...ip(` encap gue encap-sport auto encap-dport ${guePort}`)],
			remove: [`fou del ${fou}`],
		},
		vxlan: {
			tunnel: { encapsulation: 'vxlan', vni },
			types: ['vxlan'],
			make: [`link add tun0 address ${mac[family]} type vxlan id ${vni} ${between} dstport 4789`],
		},
		geneve: {
			tunnel: { encapsulation: 'geneve', vni },
			types: ['geneve'],
			make: [`link add tun0 address ${mac[family]} type geneve id ${vni} remote ${gateway} dstport 6081`],
		},
	};
}

/** Our tunnels to the server for both inner families. */
export function tunnelsTo(family: Family, { tunnel }: Peer): readonly Tunnel[] {
	const { gateway, server } = ends[family];
	return ['10.9.0.0/24', 'fd09::/64'].map(
		(match) => ({ ...tunnel, match, source: gateway, destination: server }) as Tunnel,
	);
}
