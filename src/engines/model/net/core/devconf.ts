/**
 * net.ipv4.conf and net.ipv6.conf: the values of each device as they stand in the end, and how the kernel
 * combines those of `all` and of the device (include/linux/inetdevice.h).
 */

const ipv4Defaults = {
	forwarding: 0,
	mc_forwarding: 0,
	bc_forwarding: 0,
	rp_filter: 0,
	accept_local: 0,
	src_valid_mark: 0,
	route_localnet: 0,
	log_martians: 0,
	send_redirects: 1,
	accept_source_route: 1,
	drop_unicast_in_l2_multicast: 0,
	ignore_routes_with_linkdown: 0,
	proxy_arp: 0,
	arp_announce: 0,
	arp_ignore: 0,
};

const ipv6Defaults = {
	forwarding: 0,
	force_forwarding: 0,
	disable_ipv6: 0,
	mtu: 0,
	proxy_ndp: 0,
	drop_unicast_in_l2_multicast: 0,
	ignore_routes_with_linkdown: 0,
	addr_gen_mode: 0,
	accept_source_route: 0,
};

export type Ipv4Setting = keyof typeof ipv4Defaults;
export type Ipv6Setting = keyof typeof ipv6Defaults;
export type Ipv4Devconf = Readonly<Record<Ipv4Setting, number>>;
export type Ipv6Devconf = Readonly<Record<Ipv6Setting, number>>;

/** Sysctls by what they are about. */
export interface Sysctls {
	/** Of net.ipv4.conf.all. */
	readonly all4: Ipv4Devconf;
	readonly all6: Ipv6Devconf;
	ipv4(device: string): Ipv4Devconf;
	ipv6(device: string): Ipv6Devconf;
	/** Every other by its full name. */
	readonly others: Readonly<Record<string, number>>;
}

/** What is written to `all` and so to every device (devinet_sysctl_forward, addrconf_fixup_forwarding, ...). */
const copied4: ReadonlySet<string> = new Set(['forwarding']);
const copied6: ReadonlySet<string> = new Set(['forwarding', 'disable_ipv6', 'ignore_routes_with_linkdown']);

interface Family {
	readonly all: Record<string, number>;
	readonly devices: Map<string, Record<string, number>>;
}

/** Read what a namespace's sysctls are set to; values that are not given are a new namespace's. */
export function readSysctls(values: Readonly<Record<string, number>>): Sysctls {
	const ipv4: Family = { all: {}, devices: new Map() };
	const ipv6: Family = { all: {}, devices: new Map() };
	const others: Record<string, number> = {};
	for (const name in values) {
		const value = values[name] ?? 0;
		const family = name.startsWith('net.ipv4.conf.')
			? ipv4
			: name.startsWith('net.ipv6.conf.')
				? ipv6
				: undefined;
		if (family === undefined) {
			if (name === 'net.ipv4.ip_forward') ipv4.all.forwarding ??= value;
			else others[name] = value;
			continue;
		}
		const dot = name.lastIndexOf('.');
		const device = name.slice(14, dot);
		const setting = name.slice(dot + 1);
		if (device === 'all') family.all[setting] = value;
		else if (device !== 'default') {
			const own = family.devices.get(device);
			if (own === undefined) family.devices.set(device, { [setting]: value });
			else own[setting] = value;
		}
	}
	const own = (family: Family, device: string): Record<string, number> | undefined =>
		family.devices.get(device) ??
		(device.includes('.') ? family.devices.get(device.replaceAll('.', '/')) : undefined);
	const common4 = { ...ipv4Defaults, ...copiedOf(ipv4.all, copied4) };
	const common6 = { ...ipv6Defaults, ...copiedOf(ipv6.all, copied6) };
	const set4 = ipv4.all as Partial<Ipv4Devconf>;
	const set6 = ipv6.all as Partial<Ipv6Devconf>;
	return {
		all4: { ...ipv4Defaults, accept_source_route: 0, ...set4 },
		all6: { ...ipv6Defaults, ...set6 },
		ipv4: (device) => {
			const set = own(ipv4, device);
			return set === undefined ? common4 : { ...common4, ...set };
		},
		ipv6: (device) => {
			const set = own(ipv6, device);
			return set === undefined ? common6 : { ...common6, ...set };
		},
		others,
	};
}

function copiedOf(all: Record<string, number>, names: ReadonlySet<string>): Record<string, number> {
	const copied: Record<string, number> = {};
	for (const name in all) if (names.has(name)) copied[name] = all[name] ?? 0;
	return copied;
}
