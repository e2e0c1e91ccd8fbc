/** Random sysctls, on all devices, on new ones and on one. */
import type { Source } from './source.ts';
import { hasIpv6, type World } from './world.ts';

/** What the running kernel has beyond what all have. */
export interface Features {
	/** net.ipv6.conf.*.force_forwarding, Linux 6.17 */
	readonly forceForwarding: boolean;
}

const ipv4 = {
	rp_filter: [0, 1, 2],
	accept_local: [0, 1],
	src_valid_mark: [0, 1],
	route_localnet: [0, 1],
	send_redirects: [0, 1],
	bc_forwarding: [0, 1],
	drop_unicast_in_l2_multicast: [0, 1],
	ignore_routes_with_linkdown: [0, 1],
	accept_source_route: [0, 1],
} as const satisfies Record<string, readonly [number, ...number[]]>;

const ipv6 = {
	ignore_routes_with_linkdown: [0, 1],
	accept_source_route: [-1, 0, 1],
	drop_unicast_in_l2_multicast: [0, 1],
} as const satisfies Record<string, readonly [number, ...number[]]>;

const whole = {
	'net.ipv4.ip_forward_use_pmtu': [0, 1],
	'net.ipv4.icmp_echo_ignore_all': [0, 1],
	'net.ipv4.icmp_echo_ignore_broadcasts': [0, 1],
	'net.ipv6.icmp.echo_ignore_all': [0, 1],
} as const satisfies Record<string, readonly [number, ...number[]]>;

export function randomSysctls(source: Source, world: World, features: Features): Record<string, number> {
	const values: Record<string, number> = {};
	const devices = Object.keys(world.router);
	const maybe = (chance: number, name: string, choices: readonly [number, ...number[]]): void => {
		if (source.percent(chance)) values[name] = source.pick(choices);
	};
	if (source.percent(90)) values['net.ipv4.ip_forward'] = 1;
	if (source.percent(85)) values['net.ipv6.conf.all.forwarding'] = 1;
	for (const [name, choices] of Object.entries(ipv4)) {
		maybe(12, `net.ipv4.conf.all.${name}`, choices);
		maybe(3, `net.ipv4.conf.default.${name}`, choices);
		for (const device of devices) maybe(25, `net.ipv4.conf.${device}.${name}`, choices);
	}
	for (const device of devices) {
		maybe(6, `net.ipv4.conf.${device}.forwarding`, [0, 1]);
		if (!hasIpv6(world.router[device])) continue;
		maybe(6, `net.ipv6.conf.${device}.forwarding`, [0, 1]);
		if (features.forceForwarding) maybe(8, `net.ipv6.conf.${device}.force_forwarding`, [0, 1]);
		for (const [name, choices] of Object.entries(ipv6)) maybe(8, `net.ipv6.conf.${device}.${name}`, choices);
		if (device === world.noIpv6) values[`net.ipv6.conf.${device}.disable_ipv6`] = 1;
	}
	for (const [name, choices] of Object.entries(ipv6)) maybe(5, `net.ipv6.conf.all.${name}`, choices);
	for (const [name, choices] of Object.entries(whole)) maybe(5, name, choices);
	return values;
}
