/** The Ethernet header is written and the packet sent: neigh_output() and what it waits for, net/core/neighbour.c. */
import type { Outcome } from '../../../../journey/journey.ts';
import { formatIp, formatMac } from '../../../../packet/address.ts';
import { etherType } from '../../../../packet/protocol.ts';
import type { Walk } from '../../walk.ts';
import { arpResolve } from '../ipv4/arp.ts';
import { inetAddrType } from '../ipv4/fib-frontend.ts';
import { icmpSend } from '../ipv4/icmp.ts';
import { icmpv6Send } from '../ipv6/icmp.ts';
import { ndiscResolve } from '../ipv6/ndisc.ts';
import { type Bytes, isMulticast4, isMulticast6 } from './address.ts';
import { devQueueXmit } from './dev.ts';
import { type NetDevice, vrfTable } from './device.ts';
import { isValid, neighbourKey, neighbourOf } from './neighbour.ts';
import type { Net } from './net.ts';
import type { Skb } from './skb.ts';

/** The next hop on the device. */
export interface Target {
	readonly family: 'ipv4' | 'ipv6';
	/** Of IPv4. */
	readonly number: number;
	readonly bytes: Bytes;
}

const second = 1_000_000_000;
const broadcast = new Uint8Array(6).fill(0xff);

/** neigh_output(), __neigh_event_send(): send, or ask for the Ethernet address first. */
export function neighOutput(walk: Walk, skb: Skb, target: Target): Outcome {
	const { device } = skb;
	const text = formatIp(target.bytes);
	if (device.loopback || device.table !== undefined) return walk.vanish();
	const group = groupAddress(walk.net, device, target);
	if (group !== undefined) return sendTo(walk, skb, group);
	if (device.noArp) {
		walk.step(
			'neigh_output',
			device,
			`${device.name} has no neighbours to find (NOARP): the packet is sent as it is`,
		);
		return sendTo(walk, skb, new Uint8Array(6));
	}
	const entry = neighbourOf(walk.net, device, target.family === 'ipv4' ? target.number : target.bytes);
	if (entry !== undefined && isValid(entry)) {
		const mac = entry.mac ?? new Uint8Array(6);
		walk.step('neigh_output', device, `the next hop, ${text}, is known at ${formatMac(mac)}, ${entry.state}`);
		return sendTo(walk, skb, mac);
	}
	const setting = (name: string, otherwise: number): number => {
		const { others } = walk.net.sysctls;
		return others[`net.${target.family}.neigh.${device.name.replaceAll('.', '/')}.${name}`] ?? otherwise;
	};
	const probes = setting('mcast_solicit', 3) + setting('app_solicit', 0);
	if (probes === 0 && entry?.state !== 'incomplete') {
		walk.step(
			'__neigh_event_send',
			device,
			`the next hop, ${text}, is unknown, and mcast_solicit is 0: it is not asked for`,
		);
		return walk.drop(skb, { reason: 'NEIGH_FAILED', where: '__neigh_event_send', cause: 'neighbour-failed' });
	}
	walk.step(
		'__neigh_event_send',
		device,
		`the next hop, ${text}, is unknown: the packet waits while it is asked for`,
	);
	const mac = device.carrier ? resolve(walk, skb, target) : undefined;
	if (mac !== undefined) {
		walk.step('neigh_update', device, `${text} answered: it is at ${formatMac(mac)}`);
		return sendTo(walk, skb, mac);
	}
	const retransMilliseconds = setting('retrans_time_ms', 1000);
	walk.time += (Math.max(1, probes) * retransMilliseconds * second) / 1000;
	walk.step('neigh_invalidate', device, `${text} did not answer ${probes} times: the packet is given up`);
	return unreachable(walk, skb, target);
}

function resolve(walk: Walk, skb: Skb, { family, number, bytes }: Target): Bytes | undefined {
	return family === 'ipv4' ? arpResolve(walk, skb, number) : ndiscResolve(walk, skb, bytes);
}

/** arp_error_report(), ndisc_error_report() */
function unreachable(walk: Walk, skb: Skb, { family, number, bytes }: Target): Outcome {
	// The ICMP error about the first fragment has the same next hop asked for anew: the rest of the queue goes.
	if (walk.icmpNextHop === neighbourKey(skb.device, family === 'ipv4' ? number : bytes)) {
		return walk.drop(skb, {
			reason: 'QUEUE_PURGE',
			where: 'neigh_invalidate',
			cause: 'neighbour-failed',
		});
	}
	linkFailure(walk, skb);
	return walk.drop(skb, {
		reason: family === 'ipv4' ? 'NEIGH_FAILED' : 'NOT_SPECIFIED',
		where: 'neigh_invalidate',
		cause: 'neighbour-failed',
	});
}

function linkFailure(walk: Walk, skb: Skb): void {
	if (skb.isRouteless) return;
	if (skb.protocol === etherType.ipv4) icmpSend(walk, skb, 3, 1);
	else icmpv6Send(walk, skb, 1, 3);
}

/** What needs no asking (arp_constructor, ndisc_constructor): the Ethernet address of a group, or for a broadcast. */
function groupAddress(net: Net, device: NetDevice, { family, number, bytes }: Target): Bytes | undefined {
	if (family === 'ipv6') {
		if (!isMulticast6(bytes)) return undefined;
		return Uint8Array.of(0x33, 0x33, ...bytes.subarray(12));
	}
	if (isMulticast4(number))
		return Uint8Array.of(1, 0, 0x5e, (number >>> 16) & 0x7f, (number >>> 8) & 255, number & 255);
	return inetAddrType(net, number, vrfTable(device), device) === 'broadcast' ? broadcast : undefined;
}

/** eth_header(), dev_queue_xmit() */
function sendTo(walk: Walk, skb: Skb, mac: Bytes): Outcome {
	const data = skb.data.slice();
	data.set(mac, 0);
	data.set(skb.device.mac, 6);
	data[12] = skb.protocol >> 8;
	data[13] = skb.protocol & 0xff;
	return devQueueXmit(walk, { ...skb, data });
}
