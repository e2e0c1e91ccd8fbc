/** A network namespace (struct net) made of a scenario's host: what never changes while packets go through it. */

import { EncapForwardError } from '../../../../error.ts';
import type { Host, Link, Neighbour } from '../../../../scenario/scenario.ts';
import type { Kernel } from '../../kernel.ts';
import { type Fib4, prepareFib4 } from '../ipv4/fib.ts';
import { type Fib6, prepareFib6 } from '../ipv6/ip6-fib.ts';
import { type Bytes, parseAddress, parseEthernet } from './address.ts';
import { readSysctls, type Sysctls } from './devconf.ts';
import type { NetDevice } from './device.ts';
import { prepareDevices } from './devices.ts';

export interface Net {
	readonly kernel: Kernel;
	readonly host: Host;
	readonly sysctls: Sysctls;
	/** By ifindex; the first, 0, is nobody's. */
	readonly devices: readonly (NetDevice | undefined)[];
	/** By device, and by the key of the address. */
	readonly neighbours: ReadonlyMap<NetDevice, ReadonlyMap<string, NeighbourEntry>>;
	readonly ipv4: Fib4;
	readonly ipv6: Fib6;
}

export interface NeighbourEntry {
	readonly state: NonNullable<Neighbour['state']>;
	readonly mac: Bytes | undefined;
}

/**
 * @param side which end of the links the host is
 * @throws EF_INPUT where the host contradicts itself
 */
export function prepareNet(
	host: Host,
	far: Host,
	links: readonly Link[],
	side: 'router' | 'host',
	kernel: Kernel,
): Net {
	const sysctls = readSysctls(host.sysctls);
	const devices = prepareDevices(host, far, links, side, sysctls);
	const byName = new Map<string, NetDevice>();
	for (let index = 1; index < devices.length; index++) {
		const device = devices[index];
		if (device !== undefined) byName.set(device.name, device);
	}
	const deviceOf = (name: string): NetDevice => {
		const device = byName.get(name);
		if (device === undefined) throw new EncapForwardError('EF_INPUT', `the scenario has no device ${name}`);
		return device;
	};
	const objects = new Map((host.nextHopObjects ?? []).map((object) => [object.id, object]));
	const parts = { host, kernel, sysctls, devices, deviceOf, objects };
	requireDevices(host, deviceOf);
	// Most packets ask for one family only, and many for neither's neighbours.
	const neighbours = once(() => neighboursOf(host, deviceOf));
	const ipv4 = once(() => prepareFib4(parts));
	const ipv6 = once(() => prepareFib6(parts));
	return {
		kernel,
		host,
		sysctls,
		devices,
		get neighbours() {
			return neighbours();
		},
		get ipv4() {
			return ipv4();
		},
		get ipv6() {
			return ipv6();
		},
	};
}

/** Made when it is asked for, and kept. */
export function once<Value>(make: () => Value): () => Value {
	let made: Value | undefined;
	return () => {
		made ??= make();
		return made;
	};
}

/** What a host refers to must be there. */
function requireDevices({ neighbours, routes, nextHopObjects }: Host, deviceOf: NetParts['deviceOf']): void {
	for (const { device } of neighbours) deviceOf(device);
	for (const { nextHops } of routes ?? []) for (const { device } of nextHops ?? []) deviceOf(device);
	for (const { nextHop } of nextHopObjects ?? []) if (nextHop !== undefined) deviceOf(nextHop.device);
}

function neighboursOf(host: Host, deviceOf: NetParts['deviceOf']): Net['neighbours'] {
	const neighbours = new Map<NetDevice, Map<string, NeighbourEntry>>();
	for (const { device, address, mac, state = 'permanent' } of host.neighbours) {
		const at = deviceOf(device);
		const entries = neighbours.get(at) ?? new Map<string, NeighbourEntry>();
		neighbours.set(at, entries);
		entries.set(parseAddress(address).key, {
			state,
			mac: mac === undefined ? undefined : parseEthernet(mac),
		});
	}
	return neighbours;
}

/** What tables are made of. */
export interface NetParts {
	readonly host: Host;
	readonly kernel: Kernel;
	readonly sysctls: Sysctls;
	readonly devices: readonly (NetDevice | undefined)[];
	readonly deviceOf: (name: string) => NetDevice;
	readonly objects: ReadonlyMap<number, NonNullable<Host['nextHopObjects']>[number]>;
}

/** @throws EF_INPUT */
export function deviceNamed(net: Net, name: string): NetDevice {
	const device = net.devices.find((each) => each?.name === name);
	if (device === undefined) throw new EncapForwardError('EF_INPUT', `the scenario has no device ${name}`);
	return device;
}
