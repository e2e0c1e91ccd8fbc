/** Random tunnels. */
import type { Family } from '../../packet/address.ts';
import type { Tunnel } from '../../tunnel/tunnel.ts';
import { anyAddress, destinationAddress, remotePrefix } from './addresses.ts';
import type { Source } from './source.ts';
import type { World } from './world.ts';

function randomTunnel(source: Source, world: World, match: string, device: string): Tunnel {
	const outer: Family = source.pick(['ipv4', 'ipv6'] as const);
	const own = source.anyOf(world.known[outer].own);
	const common = {
		match,
		source: own !== undefined && source.percent(50) ? own : unicast(source, world, outer),
		destination: unicastDestination(source, world, outer, device),
		...(source.percent(20)
			? { ttl: source.percent(50) ? ('inherit' as const) : source.pick([1, 2, 64, 255]) }
			: {}),
		...(source.percent(20)
			? { dscp: source.percent(50) ? ('inherit' as const) : source.pick([0, 2, 4, 46]) }
			: {}),
		...(outer === 'ipv4' && source.percent(30) ? { dontFragment: source.percent(30) } : {}),
	};
	const udp = {
		...(source.percent(15) ? { port: source.pick([53, 4789, 6000]) } : {}),
		...(outer === 'ipv6' && source.percent(40)
			? { udpChecksum: source.pick(['zero', 'computed'] as const) }
			: {}),
	};
	return source.choose<Tunnel>([
		[40, () => ({ ...common, encapsulation: 'ip' })],
		[
			15,
			() => ({ ...common, encapsulation: 'gre', ...(source.percent(40) ? { key: source.below(1000) } : {}) }),
		],
		[15, () => ({ ...common, ...udp, encapsulation: 'gue' })],
		[15, () => ({ ...common, ...udp, encapsulation: 'vxlan', vni: source.below(1 << 24) })],
		[15, () => ({ ...common, ...udp, encapsulation: 'geneve', vni: source.below(1 << 24) })],
	]);
}

/** What a configuration can name as an outer address. */
function isUnicast(address: string): boolean {
	return !/^(0\.|127\.|22[4-9]\.|23\d\.|24\d\.|25[0-5]\.|::$|::1$|ff|::ffff)/.test(address);
}

function unicast(source: Source, world: World, family: Family): string {
	const address = anyAddress(source, world, family);
	return isUnicast(address) ? address : family === 'ipv4' ? '192.0.2.1' : '2001:db8:1::1';
}

function unicastDestination(source: Source, world: World, family: Family, device: string): string {
	const address = destinationAddress(source, world, family, device);
	return isUnicast(address) ? address : family === 'ipv4' ? '192.0.2.1' : '2001:db8:1::1';
}

/** One or two tunnels, each with a match of its own. */
export function randomTunnels(source: Source, world: World, device: string): Tunnel[] {
	const matches = new Set(
		source.percent(70)
			? ['0.0.0.0/0', '::/0']
			: [remotePrefix(source, 'ipv4'), remotePrefix(source, 'ipv6'), '10.0.0.0/16'],
	);
	return [...matches].map((match) => randomTunnel(source, world, match, device));
}
