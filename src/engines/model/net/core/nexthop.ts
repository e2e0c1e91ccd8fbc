/** Next hops of routes (struct fib_nh_common), and next-hop objects (net/ipv4/nexthop.c). */

import { EncapForwardError } from '../../../../error.ts';
import type { NextHop, NextHopObject, Route } from '../../../../scenario/scenario.ts';
import { type Bytes, parseAddress } from './address.ts';
import type { NetDevice } from './device.ts';

export interface Nexthop {
	readonly device: NetDevice;
	/** Of either family; undefined for an on-link route. */
	readonly gateway?: {
		readonly family: 'ipv4' | 'ipv6';
		readonly number: number;
		readonly bytes: Bytes;
		readonly text: string;
	};
	readonly weight: number;
	/** RTNH_F_DEAD: its device is down. */
	readonly dead: boolean;
	/** RTNH_F_LINKDOWN: its device has no carrier. */
	readonly linkDown: boolean;
	readonly lightweightTunnel: boolean;
}

/** What a route leads to. */
export interface NexthopSet {
	readonly nexthops: readonly Nexthop[];
	/** It is by a next-hop object, and such a one. */
	readonly object?: 'single' | 'group';
	/** The next-hop object is a blackhole. */
	readonly blackhole: boolean;
}

export type Devices = (name: string) => NetDevice;

export function nexthopOf(hop: NextHop, devices: Devices, lightweightTunnel = false): Nexthop {
	const device = devices(hop.device);
	const { via, weight = 1 } = hop;
	const common = {
		device,
		weight,
		lightweightTunnel,
		dead: !device.up,
		linkDown: !(device.carrier && device.up),
	};
	if (via === undefined) return common;
	const { family, number, bytes } = parseAddress(via);
	return { ...common, gateway: { family, number, bytes, text: via } };
}

/** What a route's next hops are; undefined where the kernel has removed the route with its next-hop object. */
export function nexthopSet(
	route: Route,
	objects: ReadonlyMap<number, NextHopObject>,
	devices: Devices,
): NexthopSet | undefined {
	if (route.nextHopObject === undefined) {
		const tunnel = route.lightweightTunnel === true;
		const nexthops = (route.nextHops ?? []).map((hop) => nexthopOf(hop, devices, tunnel));
		return { nexthops, blackhole: false };
	}
	const object = objectOf(objects, route.nextHopObject);
	if (object.blackhole) return { nexthops: [], object: 'single', blackhole: true };
	if (object.nextHop !== undefined) {
		const nexthops = usable([nexthopOf(object.nextHop, devices)]);
		return nexthops.length === 0 ? undefined : { nexthops, object: 'single', blackhole: false };
	}
	const nexthops: Nexthop[] = [];
	for (const { id, weight = 1 } of object.group ?? []) {
		const member = objectOf(objects, id);
		if (member.nextHop !== undefined)
			nexthops.push(...usable([nexthopOf({ ...member.nextHop, weight }, devices)]));
	}
	return nexthops.length === 0 ? undefined : { nexthops, object: 'group', blackhole: false };
}

function objectOf(objects: ReadonlyMap<number, NextHopObject>, id: number): NextHopObject {
	const object = objects.get(id);
	if (object === undefined)
		throw new EncapForwardError('EF_INPUT', `the scenario has no next-hop object ${id}`);
	return object;
}

/** A device that goes down or loses its carrier takes its next-hop objects with it (nexthop_flush_dev). */
function usable(nexthops: readonly Nexthop[]): Nexthop[] {
	return nexthops.filter(({ dead, linkDown }) => !dead && !linkDown);
}
