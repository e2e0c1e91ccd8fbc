/** The sysctls that decide a packet's fate on the input path, and how their names are made. */
import type { Family } from '../packet/address.ts';

/** Of `all`, `default` and each device: `net.ipv4.conf.eth0.rp_filter`. */
export const deviceSysctls: Readonly<Record<Family, readonly string[]>> = {
	ipv4: [
		'forwarding',
		'rp_filter',
		'accept_local',
		'src_valid_mark',
		'route_localnet',
		'send_redirects',
		'log_martians',
		'bc_forwarding',
		'accept_source_route',
		'drop_unicast_in_l2_multicast',
		'ignore_routes_with_linkdown',
		'proxy_arp',
		'arp_announce',
		'arp_ignore',
		'arp_filter',
		'disable_policy',
		'disable_xfrm',
	],
	ipv6: [
		'forwarding',
		'force_forwarding',
		'disable_ipv6',
		'accept_source_route',
		'drop_unicast_in_l2_multicast',
		'ignore_routes_with_linkdown',
		'mtu',
		'proxy_ndp',
	],
};

/** Of the namespace as a whole. */
export const namespaceSysctls: readonly string[] = [
	'net.ipv4.ip_forward',
	'net.ipv4.ip_forward_use_pmtu',
	'net.ipv4.ip_early_demux',
	'net.ipv4.fib_multipath_hash_policy',
	'net.ipv4.fib_multipath_use_neigh',
	'net.ipv4.fwmark_reflect',
	'net.ipv4.icmp_echo_ignore_all',
	'net.ipv4.icmp_echo_ignore_broadcasts',
	'net.ipv4.icmp_errors_use_inbound_ifaddr',
	'net.ipv4.ipfrag_time',
	'net.ipv6.fib_multipath_hash_policy',
	'net.ipv6.icmp.echo_ignore_all',
	'net.ipv6.ip6frag_time',
	'net.ipv6.max_dst_opts_number',
	'net.ipv6.max_hbh_opts_number',
];

/** How a device's neighbours are asked: `net.ipv4.neigh.eth0.mcast_solicit`. */
export const neighbourSysctls: readonly string[] = ['mcast_solicit', 'app_solicit', 'retrans_time_ms'];

/**
 * The full name of a device's sysctl. A dot of the device's own name is written as a slash, as sysctl(8) has
 * it: `net.ipv4.conf.eth0/100.rp_filter`.
 */
export function deviceSysctl(family: Family, device: string, name: string): string {
	return `net.${family}.conf.${device.replaceAll('.', '/')}.${name}`;
}

export function neighbourSysctl(family: Family, device: string, name: string): string {
	return `net.${family}.neigh.${device.replaceAll('.', '/')}.${name}`;
}
