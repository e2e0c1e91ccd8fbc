/** The sysctls of a host: what a new namespace is given, and in what order they are written. Pure. */

import type { Host } from '../../scenario/scenario.ts';

/** A sysctl's full name and value. */
export type Setting = readonly [name: string, value: number];

/**
 * IPv4 settings of a new namespace as the kernel is compiled. It may have inherited others from the first
 * one (net.core.devconf_inherit_init_net).
 */
const compiled: Readonly<Record<string, number>> = {
	forwarding: 0,
	rp_filter: 0,
	accept_local: 0,
	src_valid_mark: 0,
	route_localnet: 0,
	send_redirects: 1,
	bc_forwarding: 0,
	drop_unicast_in_l2_multicast: 0,
	ignore_routes_with_linkdown: 0,
	log_martians: 0,
	proxy_arp: 0,
	arp_filter: 0,
	arp_ignore: 0,
	arp_announce: 0,
};

/**
 * Written in both namespaces before any device is there: the kernel's own defaults, nothing sent of the
 * kernel's own accord, no delay. A fragment whose others have not come is given up on at once: here, none
 * will come.
 */
export const initial: readonly Setting[] = [
	...(['all', 'default'] as const).flatMap((device) =>
		Object.entries(compiled).map(
			([name, value]) => [`net.ipv4.conf.${device}.${name}`, value] as const satisfies Setting,
		),
	),
	['net.ipv4.conf.all.accept_source_route', 0],
	['net.ipv4.conf.default.accept_source_route', 1],
	['net.ipv6.conf.default.accept_dad', 0],
	['net.ipv6.conf.default.router_solicitations', 0],
	['net.ipv6.conf.default.router_solicitation_delay', 0],
	['net.ipv6.conf.all.disable_ipv6', 0],
	['net.ipv6.conf.default.disable_ipv6', 0],
	['net.ipv4.ipfrag_time', 0],
	['net.ipv6.ip6frag_time', 0],
	['net.ipv4.icmp_ratelimit', 0],
	['net.ipv6.icmp.ratelimit', 0],
];

/** Written where the kernel has them in each namespace: what it does not say for being too much of it. */
export const optional: readonly Setting[] = [
	['net.ipv4.icmp_msgs_per_sec', 1_000_000],
	['net.ipv4.icmp_msgs_burst', 1_000_000],
];

/** Below so many bytes a device has no IPv6 (RFC 8200 section 5). */
const ipv6Mtu = 1280;

/** How often a next hop that does not answer is asked: so many milliseconds after each other. */
export function retransmission(devices: Host['devices'], milliseconds: number): Setting[] {
	return Object.entries(devices).flatMap(([name, { mtu = 1500 }]) =>
		(mtu < ipv6Mtu ? (['ipv4'] as const) : (['ipv4', 'ipv6'] as const)).map(
			(family): Setting => [`net.${family}.neigh.${name.replaceAll('.', '/')}.retrans_time_ms`, milliseconds],
		),
	);
}

/** What the kernel copies to every device when it is written to `all` (or as ip_forward). */
const copied = /ip_forward$|\.forwarding$|\.disable_ipv6$|\.ignore_routes_with_linkdown$/;

/** What cannot be taken back while the devices stand: IPv6 loses its addresses. */
const lasting = /\.disable_ipv6$/;

function rank(name: string): number {
	if (/^net\.ipv4\.ip_forward$/.test(name)) return 0;
	if (/\.all\./.test(name)) return 1;
	if (/\.default\./.test(name)) return 2;
	return 3;
}

/** In the order they are meant: what the kernel copies from is written before what it is copied to. */
export function inOrder(settings: Readonly<Record<string, number>>): Setting[] {
	return Object.entries(settings).toSorted(([one], [other]) => rank(one) - rank(other));
}

/** Those settings that the hosts must be made anew for. */
export function lastingSettings(settings: Readonly<Record<string, number>>): Setting[] {
	return inOrder(settings).filter(([name]) => lasting.test(name));
}

/**
 * What to write to come from one set of values to another.
 * @param base the values before any was written, of all names of both
 */
export function changedSettings(
	before: Readonly<Record<string, number>>,
	next: Readonly<Record<string, number>>,
	base: ReadonlyMap<string, number>,
): Setting[] {
	const names = new Set([...Object.keys(before), ...Object.keys(next)]);
	const differs = (name: string): boolean => before[name] !== next[name];
	const gone = [...names].filter((name) => next[name] === undefined);
	const all = [...names].some((name) => differs(name) && copied.test(name));
	const back = (all ? [...names] : gone).map((name) => [name, base.get(name) ?? 0] as const);
	return [...inOrder(Object.fromEntries(back)), ...inOrder(next).filter(([name]) => all || differs(name))];
}
