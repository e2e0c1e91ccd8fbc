/** Random neighbour entries of the router. */
import type { Neighbour } from '../scenario.ts';
import type { Source } from './source.ts';
import { hasIpv6, type World } from './world.ts';

const states = [
	[40, 'permanent'],
	[15, 'reachable'],
	[15, 'stale'],
	[8, 'noarp'],
	[6, 'delay'],
	[6, 'probe'],
	[10, 'failed'],
] as const;

/**
 * Entries for most of those that could be a next hop. One that nobody knows and nobody answers for takes time to
 * give up on: there are few of them.
 */
export function randomNeighbours(source: Source, world: World): Neighbour[] {
	const macs = Object.values(world.host).map(({ mac }) => mac);
	const near = (['ipv4', 'ipv6'] as const).flatMap((family) => [
		...world.known[family].near,
		...Object.keys(world.router).map((device) => ({
			device,
			address: family === 'ipv4' ? '192.0.2.254' : 'fe80::254',
			answers: false,
		})),
	]);
	return near.flatMap(({ device, address, answers }): Neighbour[] => {
		const isIpv6 = address.includes(':');
		if (isIpv6 && (device === world.noIpv6 || !hasIpv6(world.router[device]))) return [];
		if (world.router[device]?.up === false || !source.percent(answers ? 50 : 92)) return [];
		const state = source.weigh(states);
		// An entry that has failed is asked for anew: what answers is found.
		if (state === 'failed') return source.percent(answers ? 100 : 10) ? [{ device, address, state }] : [];
		const mac = source.percent(80) ? (macs[Number(device.slice(-1))] ?? '') : '02:00:00:00:09:09';
		return [{ device, address, mac, state }];
	});
}
