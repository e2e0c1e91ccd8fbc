/** Neighbour entries and their states: net/core/neighbour.c, include/net/neighbour.h. */
import { addressKey, type Bytes } from './address.ts';
import type { NetDevice } from './device.ts';
import type { NeighbourEntry, Net } from './net.ts';

export function neighbourOf(
	net: Net,
	device: NetDevice,
	address: number | Bytes,
): NeighbourEntry | undefined {
	return net.neighbours.get(device)?.get(addressKey(address));
}

/** A next hop as one text. */
export function neighbourKey({ ifindex }: NetDevice, address: number | Bytes): string {
	return `${ifindex} ${addressKey(address)}`;
}

/** NUD_VALID: its Ethernet address can be used. */
export function isValid({ state }: NeighbourEntry): boolean {
	return state !== 'incomplete' && state !== 'failed';
}
