/** From events, which know numbers, to sightings, which know names; and when a journey has ended. */
import type { Event } from '../../datapath/event.ts';
import { type Drop, isUnnamedEnd } from '../../journey/cause.ts';
import { datapathDrop } from '../../journey/datapath-drop.ts';
import type { Outcome, Sighting } from '../../journey/journey.ts';
import { viewOf } from '../../packet/bytes.ts';
import { dissect } from '../../packet/dissect.ts';
import { ethernetLength } from '../../packet/ethernet.ts';
import { ipv4Length } from '../../packet/ipv4.ts';
import { ipv6Length } from '../../packet/ipv6.ts';
import { etherType } from '../../packet/protocol.ts';
import type { Host } from '../../scenario/scenario.ts';
import { causeIn } from './causes.ts';

/** What the running kernel names, whatever the hosts. */
export interface KernelNames {
	reason(number: number): string;
	where(address: bigint): string;
	/** Whether it tells what it has taken from what it has dropped, everywhere: since Linux 6.3. */
	readonly namesConsumed: boolean;
}

/** What turns an event's numbers into names. */
export interface Names extends KernelNames {
	/** Inode number of the host's namespace; every other one is the router's. */
	readonly hostNamespace: number;
	device(namespace: 'router' | 'host', index: number): string;
	/** Whether the router has counted a packet that rp_filter dropped since this one was sent, where that is asked. */
	reversePathFailed?(): boolean;
}

/** How much of the end of a packet it is told by, and how little of it the last of its fragments may hold. */
const tailBytes = 24;
const fragmentTailBytes = 8;
/** No packet up to this length is fragmented anywhere (RFC 791). */
const wholeBytes = 68;

/**
 * The bytes that a packet is told by: its last, but for what lies behind the end that its IP header names, and for
 * what a host that puts fragments together cuts off.
 */
function tailOf(frame: Uint8Array): Uint8Array {
	return frame.subarray(0, endOfPacket(frame) - unevenBytes(frame)).slice(-tailBytes);
}

/** Of an IPv4 fragment that others follow, only whole eights are kept (ip_frag_queue). */
function unevenBytes(frame: Uint8Array): number {
	if (frame.length < ethernetLength + ipv4Length || viewOf(frame).getUint16(12) !== etherType.ipv4) return 0;
	const isFollowed = ((frame[ethernetLength + 6] ?? 0) & 0x20) !== 0;
	const payload = endOfPacket(frame) - ethernetLength - ((frame[ethernetLength] ?? 0) & 0x0f) * 4;
	return isFollowed && payload >= 8 ? payload % 8 : 0;
}

/** Where the kernel cuts the frame off, whatever else is wrong with it. */
function endOfPacket(frame: Uint8Array): number {
	if (frame.length < ethernetLength + ipv4Length) return frame.length;
	const view = viewOf(frame);
	const type = view.getUint16(12);
	if (type !== etherType.ipv4 && type !== etherType.ipv6) return frame.length;
	const length =
		type === etherType.ipv4
			? view.getUint16(ethernetLength + 2)
			: view.getUint16(ethernetLength + 4) + ipv6Length;
	const end = ethernetLength + length;
	return length >= ipv4Length && end <= frame.length ? end : frame.length;
}

/**
 * Whether a frame carries the packet that was sent as this one, whatever stands before it. What the kernel
 * answers with (an ICMP error, a redirect, an echo reply) quotes it, but is another packet.
 */
export function carries(sent: Uint8Array): (frame: Uint8Array) => boolean {
	const tail = tailOf(sent);
	const end = endOfPacket(sent);
	const last = sent.slice(end - fragmentTailBytes, end);
	const isAnswered = !isAnswer(sent);
	return (frame) => {
		const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
		const whole = bytes.lastIndexOf(tail) >= 0;
		const part = end > ethernetLength + wholeBytes && bytes.subarray(-fragmentTailBytes).equals(last);
		return (whole || part) && !(isAnswered && isAnswer(frame));
	};
}

function isAnswer(frame: Uint8Array): boolean {
	return dissect(frame).some(
		({ protocol, offset }) =>
			(protocol === 'icmp' && [0, 3, 4, 5, 11, 12].includes(frame[offset] ?? 0)) ||
			(protocol === 'icmpv6' && ((frame[offset] ?? 0) < 128 || [129, 137].includes(frame[offset] ?? 0))),
	);
}

/** What a kernel sends of its own accord: multicast listener and router discovery (RFC 3810, RFC 4861). */
export function isHousekeeping(frame: Uint8Array): boolean {
	return dissect(frame).some(
		({ protocol, offset }) =>
			protocol === 'icmpv6' && [130, 131, 132, 133, 134, 143].includes(frame[offset] ?? 0),
	);
}

/** What a sighting is told of the packet it may be of. */
export interface Sent {
	/** Nanoseconds of CLOCK_MONOTONIC. */
	readonly time: bigint;
	/** Whether a frame carries the packet. */
	carries(frame: Uint8Array): boolean;
}

export function sightingOf(event: Event, sent: Sent, names: Names): Sighting {
	const atHost = event.place === 'arrived' || event.namespace === names.hostNamespace;
	const namespace = atHost ? 'host' : 'router';
	const decided = event.place === 'xdp-out' || event.place === 'tc-out';
	const drop = dropOf(event, names);
	const place = drop === 'taken' ? 'delivered' : event.place;
	return {
		place,
		after: Number(event.time - sent.time),
		namespace,
		device: names.device(namespace, event.device),
		frame: event.frame,
		length: event.length,
		packet: sent.carries(event.frame),
		...(decided
			? {
					decision: {
						outcome: event.outcome,
						verdict: event.verdict,
						...(event.fib === undefined
							? {}
							: { fib: { ...event.fib, device: names.device('router', event.fib.device) } }),
					},
				}
			: {}),
		...(typeof drop === 'object' ? { drop } : {}),
	};
}

/** Why and where an event's packet was dropped, if it was: or whether it was taken and only looks dropped. */
function dropOf(event: Event, names: Names): Drop | 'taken' | undefined {
	if (event.place !== 'drop') return undefined;
	const reason = names.reason(event.reason);
	const where = names.where(event.location);
	if (isUnnamedEnd({ reason, where }) && !names.namesConsumed && isWholeIcmpv6(event.frame)) return 'taken';
	return {
		reason,
		where,
		...(event.routeError === 0 ? {} : { routeError: event.routeError }),
		...(names.reversePathFailed?.() ? { reversePathFailed: true } : {}),
	};
}

function isWholeIcmpv6(frame: Uint8Array): boolean {
	const layers = dissect(frame);
	const message = layers.find(({ protocol }) => protocol === 'icmpv6');
	return message?.checksum === 'good' && endOfPacket(frame) - message.offset >= 8;
}

/** How a journey ended, if this sighting is its end. */
export function endOf(sighting: Sighting, router: Host): Outcome | undefined {
	const hook = sighting.place === 'xdp-out' ? 'xdp' : 'tc';
	const drop = sighting.decision && datapathDrop(hook, sighting.decision);
	// What is answered is the answer already where the decision is told.
	if (drop !== undefined) return drop;
	if (!sighting.packet) return undefined;
	if (sighting.place === 'arrived') {
		return { kind: 'forwarded', device: sighting.device, frame: sighting.frame };
	}
	if (sighting.place === 'delivered' && sighting.namespace === 'router') {
		return { kind: 'delivered', device: sighting.device, frame: sighting.frame };
	}
	if (sighting.drop !== undefined && sighting.namespace === 'router') {
		const { reason, where } = sighting.drop;
		return { kind: 'dropped', by: 'kernel', reason, where, cause: causeIn(sighting, sighting.drop, router) };
	}
	return undefined;
}
