/** A random topology: what many random scenarios can share, for it is slow to change in a kernel. */
import { type Family, formatIp, maskBytes, parseIp, parseMac, prefixContains } from '../../packet/address.ts';
import type { Device, Forwarding, Hook, Link, Neighbour } from '../scenario.ts';
import type { Source } from './source.ts';

export interface World {
	readonly links: readonly Link[];
	readonly router: Readonly<Record<string, Device>>;
	readonly host: Readonly<Record<string, Device>>;
	/** Whether the router ever had IPv4 rules, and has routes of type local: the kernel never forgets either. */
	readonly rules: boolean;
	readonly localRoutes: boolean;
	/** Whether IPv6 is off on a device. */
	readonly noIpv6: string | undefined;
	/** Hook and way of forwarding of the datapath, if there is one, and the device it is at. */
	readonly datapath:
		| { readonly hook: Hook; readonly forwarding: Forwarding; readonly device: string }
		| undefined;
	/** Whether packets get a mark. */
	readonly marked: boolean;
	/** Addresses by what they are to the router. */
	readonly known: Readonly<Record<Family, Known>>;
}

export interface Known {
	/** The router's own. */
	readonly own: readonly string[];
	/** On a link that is up: who answers there, and what device leads there. */
	readonly near: readonly Near[];
}

export interface Near {
	readonly device: string;
	readonly address: string;
	/** Whether the host has the address, and so answers. */
	readonly answers: boolean;
	/** Whether the router has the address's subnet on the device: it can be a gateway. */
	readonly onLink: boolean;
}

/** The two ends of link `index`. */
function macs(index: number): { readonly router: string; readonly host: string } {
	return { router: `02:00:00:00:0${index}:02`, host: `02:00:00:00:0${index}:01` };
}

/** The link-local address that the kernel makes of an Ethernet address (RFC 4291, appendix A). */
export function linkLocal(mac: string): string {
	const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = parseMac(mac) ?? [];
	return formatIp(Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f));
}

/** Addresses of both ends of link `index`, or of another subnet on it, without lengths. */
function subnet(index: number, number: number): Readonly<Record<Family, (end: number) => string>> {
	return {
		ipv4: (end) => `10.${number}.${index}.${end}`,
		ipv6: (end) => `fc00:${number}:${index}::${end.toString(16)}`,
	};
}

interface Ends {
	readonly router: string[];
	readonly host: string[];
}

/** Give both ends of a link addresses of one subnet. */
function number(source: Source, ends: Ends, family: Family, index: number, which: number): void {
	const at = subnet(index, which)[family];
	const length =
		family === 'ipv4'
			? source.weigh([
					[60, 24],
					[15, 30],
					[5, 31],
					[20, 32],
				])
			: source.weigh([
					[70, 64],
					[10, 127],
					[20, 128],
				]);
	ends.router.push(`${at(2)}/${length}`);
	if (source.percent(20) && length < 30) ends.router.push(`${at(5)}/${length}`);
	if (source.percent(85)) ends.host.push(`${at(1)}/${family === 'ipv4' ? 24 : 64}`);
	if (source.percent(30)) ends.host.push(`${at(7)}/${family === 'ipv4' ? 24 : 64}`);
}

function addresses(source: Source, index: number): Ends {
	const ends: Ends = { router: [], host: [] };
	for (const family of ['ipv4', 'ipv6'] as const) {
		if (source.percent(10)) continue; // unnumbered
		// The same subnet as another link's, now and then.
		number(source, ends, family, source.percent(8) ? 0 : index, 0);
		if (source.percent(25)) number(source, ends, family, index, 1);
	}
	return {
		router: [...new Set(ends.router)],
		host: [...new Set(ends.host)],
	};
}

export function randomWorld(source: Source): World {
	const count = source.weigh([
		[65, 2],
		[35, 3],
	]);
	const links: Link[] = [];
	const router: Record<string, Device> = {};
	const host: Record<string, Device> = {};
	const taken = new Set<string>();
	/** One address may stand on one device of a side only, lest it be two hosts'. */
	const free = (side: string, list: readonly string[]): string[] =>
		list.filter((address) => {
			const key = `${side} ${address.split('/')[0]}`;
			return !taken.has(key) && taken.add(key);
		});
	for (let index = 0; index < count; index++) {
		const ends = addresses(source, index);
		// What comes in must be able to: the first link is as it should be.
		const state =
			index === 0
				? 'well'
				: source.weigh([
						[88, 'well'],
						[6, 'down'],
						[6, 'no carrier'],
					] as const);
		const mtu =
			index === 0
				? source.pick([undefined, 1900])
				: source.weigh([
						[60, undefined],
						[15, 1400],
						[15, 1280],
						[5, 576],
						[5, 1900],
					]);
		links.push({ router: `veth${index}`, host: `host${index}` });
		router[`veth${index}`] = {
			mac: macs(index).router,
			addresses: free('router', ends.router).filter(
				// Below 1280 bytes a device has no IPv6 (RFC 8200 section 5).
				(address) => mtu === undefined || mtu >= 1280 || !address.includes(':'),
			),
			...(mtu === undefined ? {} : { mtu }),
			...(state === 'down' ? { up: false } : {}),
			...(state === 'no carrier' ? { carrier: false } : {}),
		};
		// The host's end takes and sends whatever there is.
		host[`host${index}`] = { mac: macs(index).host, addresses: free('host', ends.host), mtu: 2000 };
	}
	const well = links.map((link) => link.router).filter((name) => isWell(router[name]));
	const datapath = source.percent(50)
		? {
				hook: source.pick(['xdp', 'tc'] as const),
				forwarding: source.pick(['stack', 'fib'] as const),
				device: source.anyOf(well) ?? 'veth0',
			}
		: undefined;
	return {
		links,
		router,
		host,
		rules: source.percent(50),
		localRoutes: source.percent(15),
		noIpv6: source.percent(4) ? source.anyOf(well) : undefined,
		datapath,
		marked: source.percent(25),
		known: { ipv4: known('ipv4', links, router, host), ipv6: known('ipv6', links, router, host) },
	};
}

export function isWell(device: Device | undefined): boolean {
	return device !== undefined && device.up !== false && device.carrier !== false;
}

/** Whether a device has IPv6 at all. */
export function hasIpv6(device: Device | undefined): boolean {
	return (device?.mtu ?? 1500) >= 1280;
}

function known(family: Family, links: readonly Link[], router: World['router'], host: World['host']): Known {
	const isOf = (text: string): boolean => parseIp(text.split('/')[0] ?? '')?.family === family;
	const plain = (text: string): string => text.split('/')[0] ?? '';
	const own = Object.values(router).flatMap(({ addresses }) => addresses.filter(isOf).map(plain));
	const near = links.flatMap(({ router: device, host: far }, index): Near[] => {
		const mine = router[device]?.addresses.filter(isOf) ?? [];
		if (!isWell(router[device])) return [];
		const ranges = mine.map((text) => [text.split('/')[0] ?? '', Number(text.split('/')[1])] as const);
		const onLink = (address: string): boolean =>
			!own.includes(address) && ranges.some(([own, length]) => sameSubnet(own, address, length));
		const answering = (host[far]?.addresses ?? []).filter(isOf).map(plain);
		const silent = [subnet(index, 0)[family](9), subnet(index, 0)[family](1)].filter(
			(address) => !answering.includes(address),
		);
		return [
			...answering.map((address) => ({ device, address, answers: true, onLink: onLink(address) })),
			...silent.map((address) => ({ device, address, answers: false, onLink: onLink(address) })),
			...(family === 'ipv6' && hasIpv6(router[device])
				? [{ device, address: linkLocal(host[far]?.mac ?? ''), answers: true, onLink: true }]
				: []),
		];
	});
	return { own, near };
}

/** Whether two addresses share a prefix that has room for a gateway. */
function sameSubnet(one: string, other: string, length: number): boolean {
	const [ip, address] = [parseIp(one), parseIp(other)];
	if (ip === undefined || address === undefined || length >= ip.bytes.length * 8 - 1) return false;
	return prefixContains({ ...ip, bytes: maskBytes(ip.bytes, length), length }, address.bytes);
}

/** The host knows the router from the start, so that it asks nothing of it that could teach the router. */
export function routerAsSeenByHost({ links, router }: Pick<World, 'links' | 'router'>): Neighbour[] {
	return links.flatMap(({ router: device, host }) => {
		const mac = router[device]?.mac ?? '';
		const addresses = router[device]?.addresses.map((text) => text.split('/')[0] ?? '') ?? [];
		return [...addresses, linkLocal(mac)].map((address) => ({ device: host, address, mac }));
	});
}
