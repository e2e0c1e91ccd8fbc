/** What a scenario's hosts are set to, judged by iproute2 and /proc/sys: random scenarios, one after the other. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Hosts, openHosts } from '../../../src/engines/linux/hosts.ts';
import { openPrograms, type Programs } from '../../../src/engines/linux/programs.ts';
import { openWatch, type Watch } from '../../../src/engines/linux/watch.ts';
import { ipJson } from '../../../src/kernel/ip.ts';
import { anonymousNamespace, inNamespace } from '../../../src/kernel/namespace.ts';
import { readSysctl } from '../../../src/kernel/sysctl.ts';
import { formatIp, parseIp } from '../../../src/packet/address.ts';
import { randomScenario, worldSize } from '../../../src/scenario/random/scenario.ts';
import type { Host, NextHop, Route, Rule, Scenario } from '../../../src/scenario/scenario.ts';
import { requires } from '../../needs.ts';

type Json = Readonly<Record<string, unknown>>;

/** A scenario's random ones share a topology: hosts are kept as long as they fit, as the engine does. */
const scenarios = [...Array(3).keys()].flatMap((world) =>
	[...Array(8).keys()].map((number) =>
		randomScenario(7, world * worldSize + number, { forceForwarding: false }),
	),
);

/** Address and device of a neighbour in words. */
function placeOf(neighbour: string): string {
	return neighbour.split(' ').slice(0, 2).join(' ');
}

describe('on the running kernel', requires('root', 'ip'), () => {
	let watch: Watch;
	let programs: Programs;
	let hosts: Hosts | undefined;
	beforeAll(() => {
		watch = openWatch();
		programs = openPrograms(watch.sightings);
	});
	afterAll(() => {
		hosts?.close();
		programs.close();
		watch.close();
	});

	/** What `ip -j` says in the router's namespace, once the scenario is set. */
	function standing(scenario: Scenario): (...command: readonly string[]) => Json[] {
		if (!hosts?.fits(scenario)) {
			hosts?.close();
			const namespaces = { router: anonymousNamespace(), host: anonymousNamespace() };
			hosts = openHosts(scenario, namespaces, watch, programs);
		}
		hosts.set(scenario, false);
		const { router } = hosts.namespaces;
		return (...command) => inNamespace(router, () => ipJson<Json[]>(...command));
	}

	test('hosts stand as their scenarios say, whatever they were before', () => {
		for (const [index, scenario] of scenarios.entries()) {
			const ip = standing(scenario);
			const { router } = scenario;
			const of = (what: string): string => `scenario ${index}: ${what}`;
			expect(devicesShown(ip), of('devices')).toEqual(devicesGiven(router));
			expect(routesShown(ip, '-4'), of('IPv4 routes')).toEqual(routesGiven(router, 'ipv4'));
			expect(routesShown(ip, '-6'), of('IPv6 routes')).toEqual(routesGiven(router, 'ipv6'));
			expect(rulesShown(ip, '-4'), of('IPv4 rules')).toEqual(rulesGiven(router, 'ipv4'));
			expect(rulesShown(ip, '-6'), of('IPv6 rules')).toEqual(rulesGiven(router, 'ipv6'));
			expect(nextHopsShown(ip), of('next hops')).toEqual(nextHopsGiven(router));
			const neighbours = neighboursGiven(router);
			// A host at the far end may have asked meanwhile, and is known since.
			const wanted = new Set(neighbours.map(placeOf));
			const shown = neighboursShown(ip).filter((each) => wanted.has(placeOf(each)));
			expect(shown, of('neighbours')).toEqual(neighbours);
			const values = inNamespace(hosts?.namespaces.router ?? anonymousNamespace(), () =>
				Object.fromEntries(Object.keys(router.sysctls).map((name) => [name, Number(readSysctl(name))])),
			);
			expect(values, of('sysctls')).toEqual(router.sysctls);
		}
	});

	test('what a scenario does not set is as in a new namespace again', () => {
		const [first] = scenarios;
		if (first === undefined) return;
		const bare = { ...first.router, sysctls: {}, routes: [], nextHopObjects: [], neighbours: [] };
		const names = Object.keys(first.router.sysctls);
		const read = (): string[] =>
			inNamespace(hosts?.namespaces.router ?? anonymousNamespace(), () => names.map(readSysctl));
		hosts?.close();
		hosts = undefined;
		standing({ ...first, router: bare });
		const before = read();
		standing(first);
		expect(read()).not.toEqual(before);
		standing({ ...first, router: bare });
		expect(read()).toEqual(before);
	});

	test('what the kernel refuses is named, with its own words', () => {
		const [first] = scenarios;
		if (first === undefined) return;
		const route: Route = {
			family: 'ipv4',
			destination: '198.51.100.0/24',
			nextHops: [{ device: 'veth0', via: '203.0.113.1' }],
		};
		const router = { ...first.router, routes: [route] };
		expect(() => standing({ ...first, router })).toThrow(
			expect.objectContaining({
				code: 'EF_KERNEL',
				message:
					'the kernel refused to add the route unicast 198.51.100.0/24 via 203.0.113.1 dev veth0: ENETUNREACH: Nexthop has invalid gateway',
			}),
		);
		hosts?.close();
		hosts = undefined;
	});
});

function sorted(lines: readonly string[]): string[] {
	return lines.toSorted();
}

/** An address or prefix as one text, however it was written: `default`, without a length, shortened. */
function prefix(text: unknown, family: 'ipv4' | 'ipv6'): string {
	const bits = family === 'ipv4' ? 32 : 128;
	if (text === 'default' || text === 'all' || text === undefined) return 'any';
	const [address = '', length = String(bits)] = String(text).split('/');
	if (length === '0') return 'any';
	return `${formatIp(parseIp(address)?.bytes ?? new Uint8Array())}/${length}`;
}

function devicesShown(ip: (...command: string[]) => Json[]): string[] {
	return sorted(
		ip('address').flatMap(({ ifname, mtu, address, flags, addr_info }) =>
			ifname === 'lo'
				? []
				: [
						`${ifname} ${address} mtu ${mtu} up ${(flags as string[]).includes('UP')} carrier ${(flags as string[]).includes('LOWER_UP')}`,
						...(addr_info as Json[])
							// Those that the kernel gives itself.
							.filter(({ scope, local }) => scope !== 'link' || !String(local).startsWith('fe80'))
							.map(({ local, prefixlen }) => `${ifname} ${local}/${prefixlen}`),
					],
		),
	);
}

function devicesGiven({ devices, sysctls }: Host): string[] {
	return sorted(
		Object.entries(devices).flatMap(([name, { mac, addresses, mtu = 1500, up = true, carrier = true }]) => [
			`${name} ${mac} mtu ${mtu} up ${up} carrier ${up && carrier}`,
			...addresses
				.filter((address) => !address.includes(':') || !sysctls[`net.ipv6.conf.${name}.disable_ipv6`])
				.map((address) => `${name} ${prefix(address, address.includes(':') ? 'ipv6' : 'ipv4')}`),
		]),
	);
}

const tables: Readonly<Record<string, number>> = { local: 255, main: 254, default: 253 };

function tableOf(table: unknown): number {
	return tables[String(table ?? 'main')] ?? Number(table);
}

function wayText(way: Json, family: 'ipv4' | 'ipv6'): string {
	const { gateway, via, dev, weight, flags } = way;
	const host = gateway ?? (via as Json | undefined)?.host;
	const to = host === undefined ? '' : ` via ${prefix(host, String(host).includes(':') ? 'ipv6' : family)}`;
	const onlink = (flags as string[] | undefined)?.includes('onlink') ? ' onlink' : '';
	return `dev ${dev}${to}${onlink}${weight === undefined ? '' : ` weight ${weight}`}`;
}

function routesShown(ip: (...command: string[]) => Json[], option: '-4' | '-6'): string[] {
	const family = option === '-4' ? 'ipv4' : 'ipv6';
	return sorted(
		ip(option, 'route', 'show', 'table', 'all', 'protocol', 'static').map((route) => {
			const { type = 'unicast', dst, from, table, metric, tos, nhid, nexthops, encap } = route;
			const reject = ['blackhole', 'unreachable', 'prohibit', 'throw'].includes(String(type));
			const ways = nexthops === undefined ? [route] : (nexthops as Json[]);
			const through =
				nhid !== undefined
					? `nhid ${nhid}`
					: reject
						? ''
						: ways.map((way) => wayText(way, family)).join(', ');
			const metrics = (route.metrics as Json[] | undefined)?.[0]?.mtu;
			return `${type} ${prefix(dst, family)} from ${prefix(from, family)} table ${tableOf(table)} metric ${metric ?? 0} tos ${tos ?? 0} ${through} mtu ${metrics ?? 'any'} encap ${encap ?? 'none'}`;
		}),
	);
}

function givenWay({ device, via, weight, onlink }: NextHop, family: 'ipv4' | 'ipv6', many: boolean): string {
	return wayText(
		{
			dev: device,
			...(via === undefined ? {} : { gateway: via }),
			...(many ? { weight: weight ?? 1 } : {}),
			flags: onlink ? ['onlink'] : [],
		},
		family,
	);
}

function routesGiven(host: Host, family: 'ipv4' | 'ipv6'): string[] {
	const routes = (host.routes ?? []).filter((route) => route.family === family);
	return sorted(
		routes.map((route) => {
			const { type = 'unicast', destination, from, table = 254, metric, tos, nextHopObject, mtu } = route;
			const hops = route.nextHops ?? [];
			const ways = hops.map((hop) => givenWay(hop, family, hops.length > 1)).join(', ');
			const through = nextHopObject === undefined ? ways : `nhid ${nextHopObject}`;
			const value = metric ?? (family === 'ipv6' ? 1024 : 0);
			const encap = route.lightweightTunnel ? (family === 'ipv4' ? 'ip' : 'ip6') : 'none';
			const shownTos = tos === undefined ? 0 : `0x${tos.toString(16).padStart(2, '0')}`;
			return `${type} ${prefix(destination, family)} from ${prefix(from, family)} table ${table} metric ${value} tos ${shownTos} ${through} mtu ${mtu ?? 'any'} encap ${encap}`;
		}),
	);
}

function rulesShown(ip: (...command: string[]) => Json[], option: '-4' | '-6'): string[] {
	const family = option === '-4' ? 'ipv4' : 'ipv6';
	return ip(option, 'rule').map((rule) => {
		const {
			priority,
			src,
			srclen,
			dst,
			dstlen,
			iif,
			oif,
			fwmark,
			fwmask,
			tos,
			table,
			action,
			goto: to,
		} = rule;
		const net = (address: unknown, length: unknown): string =>
			prefix(length === undefined ? address : `${address}/${length}`, family);
		const named = 'nop' in rule ? 'nop' : (action ?? `lookup ${tableOf(table)}`);
		const done = to !== undefined ? `goto ${to}` : named;
		return [
			priority,
			'not' in rule ? 'not' : '',
			`from ${net(src, srclen)} to ${net(dst, dstlen)} iif ${iif ?? 'any'} oif ${oif ?? 'any'}`,
			`mark ${Number(fwmark ?? 0)}/${fwmark === undefined ? 0 : Number(fwmask ?? 0xffffffff)} tos ${tos ?? 0}`,
			`suppress ${rule.suppress_prefixlen ?? 'none'} ${done}`,
		].join(' ');
	});
}

function rulesGiven(host: Host, family: 'ipv4' | 'ipv6'): string[] {
	const initial = (priority: number, table: number): Rule => ({ family, priority, action: 'lookup', table });
	const given = host.rules?.filter((rule) => rule.family === family) ?? [];
	const kernel = [initial(0, 255), initial(32766, 254), ...(family === 'ipv4' ? [initial(32767, 253)] : [])];
	return (given.length > 0 ? given : kernel).map((rule) => {
		const { priority, action, table, goto: to, mark, markMask, tos, suppressPrefixLength } = rule;
		const done = action === 'lookup' ? `lookup ${table}` : action === 'goto' ? `goto ${to}` : action;
		const shownTos = tos === undefined ? 0 : `0x${tos.toString(16).padStart(2, '0')}`;
		return [
			priority,
			rule.invert ? 'not' : '',
			`from ${prefix(rule.from, family)} to ${prefix(rule.to, family)} iif ${rule.iif ?? 'any'} oif ${rule.oif ?? 'any'}`,
			`mark ${mark ?? 0}/${mark === undefined ? 0 : (markMask ?? 0xffffffff)} tos ${shownTos}`,
			`suppress ${suppressPrefixLength ?? 'none'} ${done}`,
		].join(' ');
	});
}

function nextHopsShown(ip: (...command: string[]) => Json[]): string[] {
	return sorted(
		ip('nexthop').map(({ id, gateway, dev, blackhole, group }) =>
			group !== undefined
				? `${id} group ${(group as Json[]).map((member) => member.id).join()}`
				: `${id} ${blackhole === undefined ? wayText({ gateway, dev }, 'ipv4') : 'blackhole'}`,
		),
	);
}

function nextHopsGiven({ nextHopObjects = [] }: Host): string[] {
	return sorted(
		nextHopObjects.map(({ id, nextHop, blackhole, group }) =>
			group !== undefined
				? `${id} group ${group.map((member) => member.id).join()}`
				: `${id} ${blackhole ? 'blackhole' : wayText({ gateway: nextHop?.via, dev: nextHop?.device }, 'ipv4')}`,
		),
	);
}

/** The kernel goes on by itself from one of these to the next. */
function probing(state: string): string {
	return ['delay', 'probe', 'reachable'].includes(state) ? 'asked' : state;
}

function neighboursShown(ip: (...command: string[]) => Json[]): string[] {
	return sorted(
		ip('neigh', 'show', 'nud', 'all').flatMap(({ dst, dev, lladdr, state }) =>
			// Groups have an entry of the kernel's own.
			/^(ff|22[4-9]|23\d)/.test(String(dst)) || dev === 'lo'
				? []
				: [`${dst} ${dev} ${lladdr ?? 'nowhere'} ${probing(String((state as string[])[0]).toLowerCase())}`],
		),
	);
}

function neighboursGiven({ neighbours }: Host): string[] {
	return sorted(
		neighbours.map(({ device, address, mac, state = 'permanent' }) => {
			const text = formatIp(parseIp(address)?.bytes ?? new Uint8Array());
			return `${text} ${device} ${mac ?? 'nowhere'} ${probing(state)}`;
		}),
	);
}
