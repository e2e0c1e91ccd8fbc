/** What in a snapshot cannot hold together: the first that is found, its place, and what to do. */
import { parseIp } from '../packet/address.ts';
import { dsField, parseNumber, protocolNumber, routePrefix, tableNumber } from './ip-words.ts';
import type { IpRoute, IpRouteNextHop, Snapshot } from './snapshot.ts';
import { deviceSysctl } from './sysctls.ts';

const routeTypes: ReadonlySet<string> = new Set([
	...['unicast', 'local', 'broadcast', 'anycast', 'multicast'],
	...['blackhole', 'unreachable', 'prohibit', 'throw'],
]);

const again = 'take the snapshot again';

/** The sysctls without which there is no answer: those the input path asks on `all` and on each device. */
const needed = ['rp_filter', 'accept_local', 'forwarding'] as const;

export function snapshotContradiction(snapshot: Snapshot): string | undefined {
	return (
		linkProblem(snapshot) ??
		sysctlProblem(snapshot) ??
		routeProblem(snapshot) ??
		ruleProblem(snapshot) ??
		neighbourProblem(snapshot) ??
		nextHopProblem(snapshot) ??
		forwarderProblem(snapshot)
	);
}

function linkProblem({ links }: Snapshot): string | undefined {
	const names = new Set<string>();
	for (const [index, { ifname, addr_info, master, linkinfo }] of links.entries()) {
		const place = `links[${index}]`;
		if (names.has(ifname)) return `${place}.ifname: there are two devices ${ifname}; ${again}`;
		names.add(ifname);
		if (master !== undefined && !links.some((other) => other.ifname === master)) {
			return `${place}.master: ${ifname} belongs to ${master}, which is not among the links; ${again}`;
		}
		if (linkinfo?.info_kind === 'vrf' && typeof linkinfo.info_data?.table !== 'number') {
			return `${place}.linkinfo.info_data.table: the VRF ${ifname} has no table; take it with "ip -details"`;
		}
		for (const [at, { local, family, prefixlen }] of addr_info.entries()) {
			const ip = parseIp(local);
			const longest = family === 'inet' ? 32 : 128;
			if (ip?.bytes.length !== longest / 8) {
				return `${place}.addr_info[${at}].local: "${local}" is no ${family} address; correct it`;
			}
			if (prefixlen < 0 || prefixlen > longest) {
				return `${place}.addr_info[${at}].prefixlen: ${prefixlen} is not from 0 to ${longest}; correct it`;
			}
		}
	}
	return undefined;
}

function sysctlProblem({ links, sysctls }: Snapshot): string | undefined {
	if (sysctls['net.ipv4.ip_forward'] === undefined) return 'sysctls: net.ipv4.ip_forward is missing; add it';
	const withIpv4 = links.filter(({ addr_info }) => addr_info.some(({ family }) => family === 'inet'));
	for (const device of ['all', ...withIpv4.map(({ ifname }) => ifname)]) {
		for (const name of needed) {
			const full = deviceSysctl('ipv4', device, name);
			if (sysctls[full] === undefined) return `sysctls: ${full} is missing; add it`;
		}
	}
	return undefined;
}

function deviceProblem(snapshot: Snapshot, place: string, device: string | undefined): string | undefined {
	if (device === undefined || snapshot.links.some(({ ifname }) => ifname === device)) return undefined;
	return `${place}: ${device} is not among the links; ${again}`;
}

/** Very many routes have few gateways. */
const addresses = new Set<string>();
const mostAddresses = 100_000;

function addressProblem(place: string, text: string | undefined): string | undefined {
	if (text === undefined || addresses.has(text)) return undefined;
	if (parseIp(text) !== undefined) {
		if (addresses.size >= mostAddresses) addresses.clear();
		addresses.add(text);
		return undefined;
	}
	return `${place}: "${text}" is no IP address; correct it`;
}

function wayProblem(snapshot: Snapshot, place: string, way: IpRouteNextHop): string | undefined {
	return (
		deviceProblem(snapshot, `${place}.dev`, way.dev) ??
		addressProblem(`${place}.gateway`, way.gateway) ??
		addressProblem(`${place}.via.host`, way.via?.host)
	);
}

function routeProblem(snapshot: Snapshot): string | undefined {
	for (const family of ['ipv4', 'ipv6'] as const) {
		for (const [index, route] of snapshot.routes[family].entries()) {
			const place = `routes.${family}[${index}]`;
			const found =
				oneRouteProblem(snapshot, place, family, route) ??
				wayProblem(snapshot, place, route) ??
				route.nexthops?.reduce<string | undefined>(
					(before, way, at) => before ?? wayProblem(snapshot, `${place}.nexthops[${at}]`, way),
					undefined,
				);
			if (found !== undefined) return found;
		}
	}
	return undefined;
}

function oneRouteProblem(
	{ tables, nextHops }: Snapshot,
	place: string,
	family: 'ipv4' | 'ipv6',
	{ dst, from, table, nhid, type = 'unicast', tos }: IpRoute,
): string | undefined {
	if (!routeTypes.has(type)) return `${place}.type: "${type}" is no type of route that is known; correct it`;
	if (tos !== undefined && dsField(tos) === undefined)
		return `${place}.tos: "${tos}" is no DS field; correct it`;
	if (routePrefix(family, dst) === undefined)
		return `${place}.dst: "${dst}" is no ${family} prefix; correct it`;
	if (from !== undefined && routePrefix(family, from) === undefined) {
		return `${place}.from: "${from}" is no ${family} prefix; correct it`;
	}
	if (tableNumber(tables, table) === undefined) {
		return `${place}.table: the number of the table "${table}" is not known; add it to tables`;
	}
	if (nhid !== undefined && !nextHops.some(({ id }) => id === nhid)) {
		return `${place}.nhid: the next hop ${nhid} is not among nextHops; ${again}`;
	}
	return undefined;
}

function ruleProblem({ rules, tables }: Snapshot): string | undefined {
	for (const family of ['ipv4', 'ipv6'] as const) {
		for (const [index, rule] of rules[family].entries()) {
			const { table, fwmark, fwmask, src, dst, goto, priority, tos, dscp, ipproto } = rule;
			const place = `rules.${family}[${index}]`;
			for (const [member, value] of Object.entries({ tos, dscp })) {
				if (value !== undefined && dsField(value) === undefined) {
					return `${place}.${member}: "${value}" is no DS field; correct it`;
				}
			}
			if (ipproto !== undefined && protocolNumber(ipproto) === undefined) {
				return `${place}.ipproto: the number of the protocol "${ipproto}" is not known; write its number`;
			}
			if (table !== undefined && tableNumber(tables, table) === undefined) {
				return `${place}.table: the number of the table "${table}" is not known; add it to tables`;
			}
			for (const [member, value] of Object.entries({ fwmark, fwmask })) {
				if (value !== undefined && parseNumber(value) === undefined) {
					return `${place}.${member}: "${value}" is no number; correct it`;
				}
			}
			for (const [member, value] of Object.entries({ src, dst })) {
				if (value !== undefined && value !== 'all' && parseIp(value)?.family !== family) {
					return `${place}.${member}: "${value}" is no ${family} address; correct it`;
				}
			}
			if (goto !== undefined && goto <= priority) {
				return `${place}.goto: ${goto} is not behind the rule's own priority ${priority}; correct it`;
			}
		}
	}
	return undefined;
}

function neighbourProblem(snapshot: Snapshot): string | undefined {
	for (const [index, { dst, dev }] of snapshot.neighbours.entries()) {
		const found =
			deviceProblem(snapshot, `neighbours[${index}].dev`, dev) ??
			addressProblem(`neighbours[${index}].dst`, dst);
		if (found !== undefined) return found;
	}
	return undefined;
}

function nextHopProblem(snapshot: Snapshot): string | undefined {
	for (const [index, nextHop] of snapshot.nextHops.entries()) {
		const place = `nextHops[${index}]`;
		const found = wayProblem(snapshot, place, nextHop as IpRouteNextHop);
		if (found !== undefined) return found;
		for (const { id } of nextHop.group ?? []) {
			if (!snapshot.nextHops.some((other) => other.id === id)) {
				return `${place}.group: the next hop ${id} is not among nextHops; ${again}`;
			}
		}
	}
	return undefined;
}

function forwarderProblem(snapshot: Snapshot): string | undefined {
	for (const [index, { name }] of snapshot.forwarder?.interfaces.entries() ?? []) {
		const found = deviceProblem(snapshot, `forwarder.interfaces[${index}].name`, name);
		if (found !== undefined) return found;
	}
	return undefined;
}
