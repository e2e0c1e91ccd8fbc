/**
 * A host without what cannot matter to some addresses: a router's hundred thousand routes are read once, and
 * the few that cover an address of the packet's are what a search works with.
 */
import { type Family, parsePrefix } from '../packet/address.ts';
import type { Host } from '../scenario/scenario.ts';
import { routeNetwork } from './ip-words.ts';
import type { Snapshot } from './snapshot.ts';
import { sameBits, waysOf } from './state.ts';

/**
 * The snapshot with those routes only that cover an address, and those to the host's own, to which what answers
 * its own questions comes.
 * @param texts addresses, and prefixes that addresses are taken from
 */
export function pruneRoutes(snapshot: Snapshot, texts: readonly string[]): Snapshot {
	const wanted = texts.flatMap((text) => parsePrefix(text) ?? []);
	const covers = (family: Family, dst: string): boolean => {
		const network = routeNetwork(family, dst);
		if (network === undefined) return false;
		return wanted.some(
			({ bytes, length, family: other }) =>
				family === other && sameBits(network.bytes, bytes, Math.min(network.length, length)),
		);
	};
	const kept = (family: Family) =>
		snapshot.routes[family].filter(({ type, dst }) => type === 'local' || covers(family, dst));
	return { ...snapshot, routes: { ipv4: kept('ipv4'), ipv6: kept('ipv6') } };
}

/** The host without devices that neither carry the packet nor have an address that it could be taken for. */
export function pruneDevices(host: Host, ingress: string): Host {
	const kept = keptDevices(host, ingress);
	const has = (device: string): boolean => kept.has(device);
	const routes = (host.routes ?? []).filter(
		(route) => route.type !== 'local' || waysOf(host, route).every(({ device }) => has(device)),
	);
	return {
		...host,
		devices: Object.fromEntries(Object.entries(host.devices).filter(([name]) => has(name))),
		routes,
		neighbours: host.neighbours.filter(({ device }) => has(device)),
		sysctls: Object.fromEntries(
			Object.entries(host.sysctls).filter(([name]) => {
				const device = /^net\.ipv[46]\.conf\.(.*)\.[^.]+$/.exec(name)?.[1];
				return device === undefined || device === 'all' || has(device.replaceAll('/', '.')) || has(device);
			}),
		),
	};
}

/** Those with an address that another could take for the host's own, and those that routes lead out of. */
function keptDevices(host: Host, ingress: string): ReadonlySet<string> {
	const kept = new Set(['lo', ingress, ...Object.keys(host.vrfs ?? {})]);
	for (const [name, { addresses }] of Object.entries(host.devices)) {
		if (addresses.some((address) => !/^fe[89ab]/i.test(address))) kept.add(name);
	}
	for (const route of host.routes ?? []) {
		if (route.type === 'local') continue;
		for (const { device } of waysOf(host, route)) kept.add(device);
	}
	for (const { nextHop } of host.nextHopObjects ?? []) if (nextHop !== undefined) kept.add(nextHop.device);
	return kept;
}
