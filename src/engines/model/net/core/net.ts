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
	readonly neighbours: ReadonlyMap<string, NeighbourEntry>;
	readonly ipv4: Fib4;
	readonly ipv6: Fib6;
}

export interface NeighbourEntry {
	readonly state: NonNullable<Neighbour['state']>;
	readonly mac: Bytes | undefined;
}

/** A neighbour's key: its device and its address, as a number or as bytes. */
export function neighbourKey(device: NetDevice, address: number | Bytes): string {
	return `${device.ifindex} ${typeof address === 'number' ? address : String.fromCharCode(...address)}`;
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
	const neighbours = new Map<string, NeighbourEntry>();
	for (const { device, address, mac, state = 'permanent' } of host.neighbours) {
		const parsed = parseAddress(address);
		neighbours.set(neighbourKey(deviceOf(device), parsed.family === 'ipv4' ? parsed.number : parsed.bytes), {
			state,
			mac: mac === undefined ? undefined : parseEthernet(mac),
		});
	}
	const objects = new Map((host.nextHopObjects ?? []).map((object) => [object.id, object]));
	const parts = { host, kernel, sysctls, devices, deviceOf, objects };
	return { kernel, host, sysctls, devices, neighbours, ipv4: prepareFib4(parts), ipv6: prepareFib6(parts) };
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
