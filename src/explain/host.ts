/** A snapshot's host as a scenario has it: pure, from what iproute2 shows to plain data. */
import type {
	Device,
	Host,
	Neighbour,
	NextHop,
	NextHopObject,
	Route,
	RouteType,
} from '../scenario/scenario.ts';
import { dsField, routePrefix, tableNumber } from './ip-words.ts';
import { hostRules, isKernelMade, knowsRulesHistory } from './rules.ts';
import type { IpLink, IpRoute, IpRouteNextHop, Snapshot } from './snapshot.ts';
import { deviceSysctl } from './sysctls.ts';

/** Kinds of devices that take a frame from their ports before IP does. */
const portMasters = new Set(['bridge', 'bond', 'team', 'openvswitch']);

/** The device whose port this one is, if frames that come in by it are that one's. */
export function portMaster({ links }: Snapshot, device: string): string | undefined {
	const link = links.find(({ ifname }) => ifname === device);
	const master = links.find(({ ifname }) => ifname === link?.master);
	const kind = link?.linkinfo?.info_slave_kind ?? master?.linkinfo?.info_kind ?? '';
	return portMasters.has(kind) ? master?.ifname : undefined;
}

/** Whether a device's frames begin with an Ethernet header. */
export function isEthernet({ link_type }: IpLink): boolean {
	return link_type === 'ether' || link_type === 'loopback';
}

/** What decides about packets on the snapshot's host. */
export function hostOf(snapshot: Snapshot): Host {
	const { links } = snapshot;
	const vrfs = links.flatMap(({ ifname, linkinfo }) =>
		linkinfo?.info_kind === 'vrf' ? [[ifname, Number(linkinfo.info_data?.table)] as const] : [],
	);
	const vrfNames = new Set(vrfs.map(([name]) => name));
	return {
		devices: Object.fromEntries(links.map((link) => [link.ifname, deviceOf(link, vrfNames)])),
		vrfs: Object.fromEntries(vrfs),
		neighbours: snapshot.neighbours.map(neighbourOf),
		sysctls: sysctlsOf(snapshot),
		allRoutes: true,
		routes: (['ipv4', 'ipv6'] as const).flatMap((family) =>
			snapshot.routes[family].map((route) => routeOf(snapshot, family, route)),
		),
		nextHopObjects: snapshot.nextHops.map(nextHopObjectOf),
		rules: hostRules(snapshot),
		sockets: snapshot.sockets,
		...(knowsRulesHistory(snapshot) ? { everHadRules: true } : {}),
	};
}

function deviceOf(link: IpLink, vrfs: ReadonlySet<string>): Device {
	const { flags, mtu, master = '' } = link;
	const up = flags.includes('UP');
	return {
		mac: isEthernet(link) && link.address !== undefined ? link.address : '00:00:00:00:00:00',
		addresses: addressesOf(link),
		mtu,
		up,
		carrier: up && (flags.includes('LOWER_UP') || !flags.includes('NO-CARRIER')),
		...(vrfs.has(master) ? { vrf: master } : {}),
		...(flags.includes('NOARP') ? { arp: false } : {}),
	};
}

/** In the order in which they were given: the kernel lists the newest IPv6 address first (ipv6_link_dev_addr). */
function addressesOf({ addr_info }: IpLink): string[] {
	const listed = addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
	const isIpv6 = (address: string): boolean => address.includes(':');
	return [...listed.filter((each) => !isIpv6(each)), ...listed.filter(isIpv6).reverse()];
}

/** All addresses are listed: the kernel is not to make one of its own of the Ethernet address. */
function sysctlsOf({ links, sysctls }: Snapshot): Record<string, number> {
	const values: Record<string, number> = { ...sysctls };
	for (const { ifname } of links) values[deviceSysctl('ipv6', ifname, 'addr_gen_mode')] = 1;
	return values;
}

function neighbourOf({ dst, dev, lladdr, state }: Snapshot['neighbours'][number]): Neighbour {
	const known = state[0]?.toLowerCase() as Neighbour['state'] | 'none';
	return {
		device: dev,
		address: dst,
		...(lladdr === undefined || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(lladdr) ? {} : { mac: lladdr }),
		state: known === undefined || known === 'none' ? 'incomplete' : known,
	};
}

function nextHopOf({ dev, gateway, via, weight, flags }: IpRouteNextHop): NextHop[] {
	if (dev === undefined) return [];
	const by = gateway ?? via?.host;
	return [
		{
			device: dev,
			...(by === undefined ? {} : { via: by }),
			...(weight === undefined ? {} : { weight }),
			...(flags?.includes('onlink') ? { onlink: true } : {}),
		},
	];
}

const withoutWay: ReadonlySet<string> = new Set(['blackhole', 'unreachable', 'prohibit', 'throw']);

function routeOf({ tables }: Snapshot, family: 'ipv4' | 'ipv6', route: IpRoute): Route {
	const { type = 'unicast', dst, from, nhid, nexthops, metric, tos, prefsrc, encap } = route;
	const mtu = route.metrics?.find((each) => each.mtu !== undefined)?.mtu;
	const tunnel = encap !== undefined || nexthops?.some((each) => each.encap !== undefined);
	return {
		family,
		destination: routePrefix(family, dst) ?? dst,
		type: type as RouteType,
		table: tableNumber(tables, route.table) ?? 254,
		...(withoutWay.has(type)
			? {}
			: nhid === undefined
				? { nextHops: (nexthops ?? [route]).flatMap(nextHopOf) }
				: { nextHopObject: nhid }),
		...(metric === undefined ? {} : { metric }),
		...(mtu === undefined ? {} : { mtu }),
		...(tos === undefined ? {} : { tos: dsField(tos) ?? 0 }),
		...(from === undefined ? {} : { from: routePrefix(family, from) ?? from }),
		...(prefsrc === undefined ? {} : { source: prefsrc }),
		...(tunnel ? { lightweightTunnel: true } : {}),
		...(isKernelMade(route) ? { kernel: true } : {}),
	};
}

function nextHopObjectOf({ id, group, blackhole, ...way }: Snapshot['nextHops'][number]): NextHopObject {
	const [nextHop] = nextHopOf(way);
	const gateway = way.gateway ?? way.via?.host;
	return {
		id,
		family: gateway?.includes(':') ? 'ipv6' : 'ipv4',
		...(nextHop === undefined ? {} : { nextHop }),
		...(group === undefined ? {} : { group }),
		...(blackhole === undefined ? {} : { blackhole: true }),
	};
}
