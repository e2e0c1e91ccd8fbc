/** Random scenarios: everything that decides a packet's fate, drawn by a seed, as plain data. */
import type { Scenario } from '../scenario.ts';
import { randomNeighbours } from './neighbours.ts';
import { randomFrame } from './packet.ts';
import { randomRouting } from './routes.ts';
import { marks, randomRules } from './rules.ts';
import { openSource, type Source } from './source.ts';
import { type Features, randomSysctls } from './sysctls.ts';
import { randomTunnels } from './tunnels.ts';
import { isWell, randomWorld, routerAsSeenByHost, type World } from './world.ts';

export type { Features } from './sysctls.ts';

/** How many scenarios share a topology: setting it up takes a kernel longer than all the rest. */
export const worldSize = 32;

/**
 * The scenario with this number, of those that a seed draws. Packets are told by their last bytes, which are
 * random. A kernel is to take all of them.
 */
export function randomScenario(seed: number, number: number, features: Features): Scenario {
	const ground = Math.floor(number / worldSize);
	const world = randomWorld(openSource(seed, ground, 0));
	return randomOn(world, openSource(seed, ground, 1 + (number % worldSize)), features);
}

function randomOn(world: World, source: Source, features: Features): Scenario {
	const routing = randomRouting(source, world);
	const rules = randomRules(source, world);
	const well = world.links.map((link) => link.router).filter((name) => isWell(world.router[name]));
	const device = source.percent(80) ? (world.datapath?.device ?? 'veth0') : (source.anyOf(well) ?? 'veth0');
	return {
		links: world.links,
		router: {
			devices: world.router,
			neighbours: randomNeighbours(source, world),
			sysctls: randomSysctls(source, world, features),
			...routing,
			...(rules === undefined ? {} : { rules }),
			everHadRules: world.rules,
		},
		host: { devices: world.host, neighbours: routerAsSeenByHost(world), sysctls: {} },
		...(world.datapath === undefined
			? {}
			: { datapath: { ...world.datapath, tunnels: randomTunnels(source, world, world.datapath.device) } }),
		packet: {
			device,
			frame: randomFrame(source, world, device),
			...(world.marked ? { mark: source.pick(marks) } : {}),
		},
	};
}
