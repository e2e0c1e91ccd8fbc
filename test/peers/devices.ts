/** The kernel's own tunnel devices: for each of our encapsulations the one that takes it apart, and makes it. */
import type { Family } from '../../src/packet/address.ts';
import type { Hook } from '../../src/scenario/scenario.ts';
import type { Decapsulation } from '../../src/tunnel/decapsulation.ts';
import type { Encapsulation, Tunnel } from '../../src/tunnel/tunnel.ts';
import { ends } from './network.ts';

export interface Peer {
	/** Our tunnel's members beside the common ones. */
	readonly tunnel: { readonly encapsulation: Encapsulation; readonly key?: number; readonly vni?: number };
	/** Types of the devices, as a reader knows them. */
	readonly types: readonly string[];
	/** Commands for `ip` that make them, tun0 and perhaps tun1, and those that take away what stays. */
	readonly make: readonly string[];
	/** More of them, once the devices are up: the way to the client. */
	readonly route: readonly string[];
	readonly remove?: readonly string[];
}

const key = 0xfe02_0304;
const vni = 0x12_3456;
/** What `innerMac` makes of the server's end. */
const mac = { ipv4: '02:00:0a:02:00:02', ipv6: '02:00:00:00:00:02' } as const;
const guePort = 6080;

/** Routes to the client by these devices, which take an Ethernet address each if they carry Ethernet. */
function routes(devices: { readonly ipv4: string; readonly ipv6: string }, mac?: string): string[] {
	const neighbours = ['10.1.0.2', 'fd01::2'].map(
		(address) => `neighbour add ${address} lladdr ${mac} dev tun0`,
	);
	return [
		`route add 10.1.0.0/24 dev ${devices.ipv4} src ${ends.ipv4.inner}`,
		`route add fd01::/64 dev ${devices.ipv6} src ${ends.ipv6.inner}`,
		...(mac === undefined ? [] : neighbours),
	];
}

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
	const one = routes({ ipv4: 'tun0', ipv6: 'tun0' });
	const ipRoutes = isIpv4 ? routes({ ipv4: 'tun0', ipv6: 'tun1' }) : one;
	const ethernet = routes({ ipv4: 'tun0', ipv6: 'tun0' }, '02:00:00:00:00:01');
	const ipTypes = isIpv4 ? ['ipip', 'sit'] : ['ip6tnl'];
	const gre = (more = ''): string =>
		`link add tun0 type ${isIpv4 ? `gre ${between}` : `ip6gre ${between} encaplimit none`}${more}`;
	const greTypes = isIpv4 ? ['gre'] : ['ip6gre'];
	const zero = isIpv4 ? '' : ' udp6zerocsumrx';
	const fou = `port ${guePort} gue${isIpv4 ? '' : ' -6'}`;
	return {
		ip: { tunnel: { encapsulation: 'ip' }, types: ipTypes, make: ip(), route: ipRoutes },
		gre: { tunnel: { encapsulation: 'gre' }, types: greTypes, make: [gre()], route: one },
		'gre with a key': {
			tunnel: { encapsulation: 'gre', key },
			types: greTypes,
			make: [gre(` key ${key}`)],
			route: one,
		},
		gue: {
			tunnel: { encapsulation: 'gue' },
			types: ['fou', ...ipTypes],
			make: [`fou add ${fou}`, ...ip(` encap gue encap-sport auto encap-dport ${guePort}`)],
			route: ipRoutes,
			remove: [`fou del ${fou}`],
		},
		vxlan: {
			tunnel: { encapsulation: 'vxlan', vni },
			types: ['vxlan'],
			make: [`link add tun0 address ${mac[family]} type vxlan id ${vni} ${between} dstport 4789${zero}`],
			route: ethernet,
		},
		geneve: {
			tunnel: { encapsulation: 'geneve', vni },
			types: ['geneve'],
			make: [
				`link add tun0 address ${mac[family]} type geneve id ${vni} remote ${gateway} dstport 6081${zero}`,
			],
			route: ethernet,
		},
	};
}

/**
 * Our tunnels to the server for both inner families. At TC a local sender's packets are merged ones, whose
 * segments cannot have a UDP checksum each.
 */
export function tunnelsTo(family: Family, { tunnel }: Peer, hook: Hook): readonly Tunnel[] {
	const { gateway, server } = ends[family];
	const isUdp = ['gue', 'vxlan', 'geneve'].includes(tunnel.encapsulation);
	const checksum = isUdp && family === 'ipv6' && hook === 'tc' ? { udpChecksum: 'zero' } : {};
	return ['10.9.0.0/24', 'fd09::/64'].map(
		(match) => ({ ...tunnel, ...checksum, match, source: gateway, destination: server }) as Tunnel,
	);
}

/** Our end of them: what the server's devices make is taken apart. */
export function decapsulationOf(family: Family, { tunnel }: Peer): Decapsulation {
	return { ...tunnel, local: ends[family].gateway } as Decapsulation;
}
