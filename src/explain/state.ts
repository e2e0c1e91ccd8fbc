/** What a question is about, as plain data that changes can be made to: a host, a packet, perhaps a datapath. */
import { type IpAddress, parseIp, parsePrefix } from '../packet/address.ts';
import type { Datapath, Device, Host, Link, Route, Scenario } from '../scenario/scenario.ts';

/** A device and an address on its link. */
export interface Neighbourhood {
	readonly device: string;
	readonly address: string;
}

export interface State {
	readonly host: Host;
	/** Those at the far end of a link who answer when they are asked for their Ethernet address. */
	readonly answering: readonly Neighbourhood[];
	readonly datapath?: Datapath;
	/** Release of the kernel. */
	readonly kernel: string;
	readonly packet: Scenario['packet'];
}

/** The state as a scenario: each of the host's devices has a far end, of the same name. */
export function scenarioOf({ host, answering, datapath, kernel, packet }: State): Scenario {
	const { far, links } = farEnds(host.devices, host.vrfs, answering);
	return {
		router: host,
		host: far,
		links,
		...(datapath === undefined ? {} : { datapath }),
		kernel,
		packet,
	};
}

type FarEnds = { readonly far: Host; readonly links: readonly Link[] };

/** A search tries many states with the same devices. */
const known = new WeakMap<object, { readonly answering: object; readonly ends: FarEnds }>();

function farEnds(devices: Host['devices'], vrfs: Host['vrfs'], answering: readonly Neighbourhood[]): FarEnds {
	const before = known.get(devices);
	if (before?.answering === answering) return before.ends;
	const names = Object.keys(devices).filter((name) => name !== 'lo' && vrfs?.[name] === undefined);
	const far: Record<string, Device> = {};
	for (const name of names) {
		const mtu = devices[name]?.mtu ?? 1500;
		// Nobody is heard over a link that is down.
		const heard = devices[name]?.carrier === false ? [] : answering.filter(({ device }) => device === name);
		far[name] = {
			mac: farMac(name),
			addresses: heard.map(({ address }) => fullLength(address)),
			mtu,
		};
	}
	const ends = {
		far: { devices: far, neighbours: [], sysctls: {} },
		links: names.map((name) => ({ router: name, host: name })),
	};
	known.set(devices, { answering, ends });
	return ends;
}

/** The same for a device's name whatever other devices there are. */
function farMac(name: string): string {
	let hash = 0;
	for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) & 0xffff;
	const hexadecimal = (value: number): string => value.toString(16).padStart(2, '0');
	return `02:00:00:fe:${hexadecimal(hash >> 8)}:${hexadecimal(hash & 255)}`;
}

function fullLength(address: string): string {
	return `${address}/${address.includes(':') ? 128 : 32}`;
}

/** Whether a route is for an address, going by its prefix alone. */
export function routeCovers({ destination, family }: Route, address: IpAddress): boolean {
	if (family !== address.family) return false;
	const prefix = parsePrefix(destination);
	if (prefix === undefined) return false;
	return sameBits(prefix.bytes, address.bytes, prefix.length);
}

export function sameBits(a: Uint8Array, b: Uint8Array, length: number): boolean {
	for (let at = 0; at < length; at += 8) {
		const kept = Math.min(8, length - at);
		const mask = (0xff00 >> kept) & 0xff;
		if ((((a[at >> 3] ?? 0) ^ (b[at >> 3] ?? 0)) & mask) !== 0) return false;
	}
	return true;
}

/** Whom the host would have to find on a link to send a packet to this address, whatever route it takes. */
export function nextHopsTo(host: Host, address: IpAddress, text: string): Neighbourhood[] {
	const found = new Map<string, Neighbourhood>();
	for (const route of host.routes ?? []) {
		if ((route.type ?? 'unicast') !== 'unicast' || !routeCovers(route, address)) continue;
		for (const { device, via } of waysOf(host, route)) {
			if (host.devices[device]?.arp === false || device === 'lo') continue;
			found.set(`${device} ${via ?? text}`, { device, address: via ?? text });
		}
	}
	return [...found.values()];
}

/** A route's next hops, those of its next-hop object too. */
export function waysOf(host: Host, route: Route): NonNullable<Route['nextHops']> {
	if (route.nextHopObject === undefined) return route.nextHops ?? [];
	const objects = host.nextHopObjects ?? [];
	const object = objects.find(({ id }) => id === route.nextHopObject);
	const members = object?.group ?? (object === undefined ? [] : [{ id: object.id }]);
	return members.flatMap(({ id }) => objects.find((each) => each.id === id)?.nextHop ?? []);
}

/** States of a neighbour whose Ethernet address is good to send to (NUD_VALID). */
const valid: ReadonlySet<string> = new Set(['permanent', 'noarp', 'reachable', 'stale', 'delay', 'probe']);

/** What the host knows of a neighbour: that it can be sent to, that it did not answer, or nothing. */
export function neighbourKnowledge(
	host: Host,
	{ device, address }: Neighbourhood,
): 'valid' | 'silent' | 'none' {
	const bytes = parseIp(address)?.bytes ?? new Uint8Array();
	const entry = host.neighbours.find((each) => {
		const other = parseIp(each.address)?.bytes;
		return (
			each.device === device && other?.length === bytes.length && sameBits(other, bytes, bytes.length * 8)
		);
	});
	if (entry === undefined) return 'none';
	return valid.has(entry.state ?? 'permanent') && entry.mac !== undefined ? 'valid' : 'silent';
}
