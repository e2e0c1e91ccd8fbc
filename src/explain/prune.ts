/**
 * A host without what cannot matter to some addresses: a router's hundred thousand routes are read once, and
 * the few that cover an address of the packet's are what a search works with.
 */
import { parseIp, parsePrefix } from '../packet/address.ts';
import type { Host, Route } from '../scenario/scenario.ts';
import { sameBits, waysOf } from './state.ts';

/** @param texts addresses, and prefixes that addresses are taken from */
export function pruneHost(host: Host, ingress: string, texts: readonly string[]): Host {
	const wanted = texts.flatMap((text) => {
		const [address = '', length] = text.split('/');
		const ip = parseIp(address);
		return ip === undefined
			? []
			: [{ ...ip, length: length === undefined ? ip.bytes.length * 8 : Number(length) }];
	});
	const covers = (text: string): boolean => {
		const prefix = parsePrefix(text);
		return (
			prefix !== undefined &&
			wanted.some(
				({ family, bytes, length }) =>
					family === prefix.family && sameBits(prefix.bytes, bytes, Math.min(prefix.length, length)),
			)
		);
	};
	const covering = new Set((host.routes ?? []).filter(({ destination }) => covers(destination)));
	const kept = keptDevices(host, ingress, covering);
	const has = (device: string): boolean => kept.has(device);
	// What answers the host's own questions comes to its own addresses.
	const own = (route: Route): boolean =>
		route.type === 'local' && waysOf(host, route).every(({ device }) => has(device));
	const routes = (host.routes ?? []).filter((route) => covering.has(route) || own(route));
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
function keptDevices(host: Host, ingress: string, routes: Iterable<Route>): ReadonlySet<string> {
	const kept = new Set(['lo', ingress, ...Object.keys(host.vrfs ?? {})]);
	for (const [name, { addresses }] of Object.entries(host.devices)) {
		if (addresses.some((address) => !/^fe[89ab]/i.test(address))) kept.add(name);
	}
	for (const route of routes) for (const { device } of waysOf(host, route)) kept.add(device);
	for (const { nextHop } of host.nextHopObjects ?? []) if (nextHop !== undefined) kept.add(nextHop.device);
	return kept;
}
