/** An IPv4 packet comes in: net/ipv4/ip_input.c. */
import type { Outcome } from '../../../../journey/journey.ts';
import { onesComplementSum } from '../../../../packet/checksum.ts';
import type { Refusal, Walk } from '../../walk.ts';
import { ipv4At, ipv4Text } from '../core/address.ts';
import type { NetDevice } from '../core/device.ts';
import { l3mdevIpRcv } from '../core/l3mdev.ts';
import { byteAt, networkHeader, type Skb, wordAt } from '../core/skb.ts';
import { ipProtocolDeliver } from './deliver.ts';
import { icmpSend } from './icmp.ts';
import { ipForward } from './ip-forward.ts';
import { type IpOptions, ipOptionsCompile } from './ip-options.ts';
import { type InputRoute, ipError, ipRouteInputSlow } from './route.ts';

/** The version from which wrong options are given a reason. */
const optionReasons = 6013;

/** ip_rcv() */
export function ipRcv(walk: Walk, skb: Skb): Outcome {
	const refusal = ipRcvCore(walk, skb);
	return refusal === undefined ? ipRcvFinish(walk, skb) : walk.drop(skb, refusal);
}

/** ip_rcv_core(): is it a packet for this host's IP at all, and a whole one? */
function ipRcvCore(walk: Walk, skb: Skb): Refusal | undefined {
	const where = 'ip_rcv_core';
	if (skb.packetType === 'otherhost') {
		walk.step(where, skb.device, 'the frame is for another Ethernet address than the device has');
		return { reason: 'OTHERHOST', where, cause: 'wrong-mac' };
	}
	walk.count('IpInReceives');
	const bytes = skb.data.length - networkHeader;
	const headerBytes = (byteAt(skb, 0) & 15) * 4;
	const invalid: Refusal = {
		reason: 'IP_INHDR',
		where,
		cause: 'header-invalid',
		counters: ['IpInHdrErrors'],
	};
	if (bytes < 20 || headerBytes < 20 || byteAt(skb, 0) >> 4 !== 4 || bytes < headerBytes) {
		walk.step(where, skb.device, 'the IPv4 header is not valid: its version, or its length');
		return invalid;
	}
	if (onesComplementSum(skb.data.subarray(networkHeader, networkHeader + headerBytes)) !== 0xffff) {
		walk.step(where, skb.device, "the IPv4 header's checksum is wrong");
		return {
			reason: 'IP_CSUM',
			where,
			cause: 'bad-checksum',
			counters: ['IpExtInCsumErrors', 'IpInHdrErrors'],
		};
	}
	const length = wordAt(skb, 2);
	if (bytes < length) {
		walk.step(where, skb.device, `the IPv4 header says ${length} bytes, ${bytes} came`);
		return { reason: 'PKT_TOO_SMALL', where, cause: 'truncated', counters: ['IpExtInTruncatedPkts'] };
	}
	if (length < headerBytes) {
		walk.step(where, skb.device, 'the IPv4 total length is less than the header is long');
		return invalid;
	}
	skb.data = skb.data.subarray(0, networkHeader + length);
	skb.tos = byteAt(skb, 1);
	walk.step(where, skb.device, `an IPv4 packet of ${length} bytes, whole and valid`);
	return undefined;
}

/** ip_rcv_finish(), ip_rcv_finish_core(), dst_input() */
function ipRcvFinish(walk: Walk, skb: Skb): Outcome {
	const device = skb.device;
	const where = 'ip_rcv_finish_core';
	l3mdevIpRcv(skb);
	const source = ipv4At(skb.data, networkHeader + 12);
	const destination = ipv4At(skb.data, networkHeader + 16);
	let route = ipRouteInputSlow(walk, skb, destination, source, device);
	if (route.kind === 'martian') return walk.drop(skb, { where, ...route });
	skb.isToGroup = route.kind === 'local' && route.type !== 'local';
	skb.isToHost = route.kind === 'local' && route.type === 'local';
	let options: IpOptions | undefined;
	if (byteAt(skb, 0) > 0x45) {
		const read = ipRcvOptions(walk, skb, route, device);
		if (read.refusal !== undefined) return walk.drop(skb, read.refusal);
		({ options, route } = read);
	}
	if (route.kind === 'local' && route.type === 'multicast') walk.count('IpExtInMcastPkts');
	else if (route.kind === 'local' && route.type === 'broadcast') walk.count('IpExtInBcastPkts');
	else if (skb.packetType !== 'host' && dropsUnicast(walk, device)) {
		walk.step(
			where,
			device,
			'a unicast packet in a multicast or broadcast frame, and drop_unicast_in_l2_multicast is on',
		);
		return walk.drop(skb, { reason: 'UNICAST_IN_L2_MULTICAST', where, cause: 'destination-invalid' });
	}
	switch (route.kind) {
		case 'error':
			return ipError(walk, skb, device, route.error);
		case 'local':
			return ipLocalDeliver(walk, skb, route.type);
		case 'forward':
			return ipForward(walk, skb, route, options);
	}
}

function dropsUnicast({ net }: Walk, device: NetDevice): boolean {
	return (net.sysctls.all4.drop_unicast_in_l2_multicast | device.conf4.drop_unicast_in_l2_multicast) !== 0;
}

type Accepted = Exclude<InputRoute, { kind: 'martian' }>;

type OptionsRead =
	| { readonly refusal: Refusal }
	| { readonly refusal?: undefined; readonly options: IpOptions; readonly route: Accepted };

/** ip_rcv_options() */
function ipRcvOptions(walk: Walk, skb: Skb, route: Accepted, device: NetDevice): OptionsRead {
	const refusal: Refusal = { reason: 'NOT_SPECIFIED', where: 'ip_rcv_finish_core', cause: 'header-invalid' };
	const options = ipOptionsCompile(walk, skb, route, device);
	if (typeof options === 'number') {
		walk.step('__ip_options_compile', device, `the IPv4 options are not valid, at byte ${options}`);
		icmpSend(walk, skb, 12, 0);
		return { refusal: { ...refusal, reason: 'IP_INHDR', since: optionReasons, counters: ['IpInHdrErrors'] } };
	}
	if (options.sourceRoute === 0) return { options, route };
	if ((walk.net.sysctls.all4.accept_source_route & device.conf4.accept_source_route) === 0) {
		walk.step(
			'ip_rcv_options',
			device,
			'the sender gives the way, and accept_source_route is not on for both all and the device',
		);
		return { refusal };
	}
	const next = ipOptionsRcvSrr(walk, skb, route, device, options);
	return next === undefined ? { refusal } : { options, route: next };
}

/** ip_options_rcv_srr(): go on to the next address that the sender names; undefined where it cannot be. */
function ipOptionsRcvSrr(
	walk: Walk,
	skb: Skb,
	route: Accepted,
	device: NetDevice,
	options: IpOptions,
): Accepted | undefined {
	const say = (text: string): void => walk.step('ip_options_rcv_srr', device, text);
	// A route that is an error is neither unicast nor local: it is refused as a route of such a type.
	if (route.kind === 'error' || skb.packetType !== 'host') return undefined;
	if (route.kind === 'forward') {
		if (!options.strict) return route;
		say('the sender gives every hop, and this host is none of them');
		icmpSend(walk, skb, 12, 0);
		return undefined;
	}
	if (route.type !== 'local') return undefined;
	const header = skb.data.subarray(networkHeader);
	const at = options.sourceRoute;
	const length = header[at + 1] ?? 0;
	const source = ipv4At(header, 12);
	let next: Accepted = route;
	for (let pointer = header[at + 2] ?? 0; pointer <= length; pointer += 4) {
		if (pointer + 3 > length) {
			icmpSend(walk, skb, 12, 0);
			return undefined;
		}
		const address = ipv4At(header, at + pointer - 1);
		const found = ipRouteInputSlow(walk, skb, address, source, device);
		if (
			found.kind === 'martian' ||
			found.kind === 'error' ||
			(found.kind === 'local' && found.type !== 'local')
		)
			return undefined;
		next = found;
		options.changed = true;
		options.nextHop = address;
		if (found.kind === 'forward') {
			say(`the way that the sender gives goes on to ${ipv4Text(address)}`);
			return found;
		}
		header.set(header.subarray(at + pointer - 1, at + pointer + 3), 16);
	}
	options.nextHop = undefined;
	return next;
}

/** ip_defrag(), ip_frag_queue(): of a fragment that others follow, whole eights are kept. */
function ipDefrag(walk: Walk, skb: Skb): Outcome {
	const start = networkHeader + (byteAt(skb, 0) & 15) * 4;
	const bytes = skb.data.length - start;
	const kept = (wordAt(skb, 6) & 0x2000) === 0 ? bytes : bytes & ~7;
	if (kept === 0)
		return walk.drop(skb, {
			reason: 'NOT_SPECIFIED',
			where: 'ip_defrag',
			cause: 'truncated',
			counters: ['IpReasmFails'],
		});
	skb.data = skb.data.subarray(0, start + kept);
	return ipExpire(walk, skb);
}

/**
 * ip_expire(): the others did not come. Only the first fragment is given up as a packet, and its sender told;
 * of the rest nothing is seen any more.
 */
function ipExpire(walk: Walk, skb: Skb): Outcome {
	if ((wordAt(skb, 6) & 0x1fff) !== 0) return walk.vanish();
	const where = 'ip_expire';
	walk.time += (walk.net.sysctls.others['net.ipv4.ipfrag_time'] ?? 30) * 1_000_000_000;
	walk.step(where, skb.ingress, 'net.ipv4.ipfrag_time has passed: the fragment is given up');
	icmpSend(walk, skb, 11, 1);
	return walk.drop(skb, {
		reason: 'FRAG_REASM_TIMEOUT',
		where,
		cause: 'reassembly-timeout',
		counters: ['IpReasmFails', 'IpReasmTimeout'],
	});
}

/** ip_local_deliver() */
function ipLocalDeliver(walk: Walk, skb: Skb, type: 'local' | 'broadcast' | 'multicast'): Outcome {
	const to = ipv4Text(ipv4At(skb.data, networkHeader + 16));
	if ((wordAt(skb, 6) & 0x3fff) !== 0) {
		walk.step('ip_local_deliver', skb.ingress, `a fragment of a packet to ${to}, held until the others come`);
		return ipDefrag(walk, skb);
	}
	walk.step('ip_local_deliver', skb.ingress, `${to} is the host's: the packet goes to its protocol`);
	return ipProtocolDeliver(walk, skb, type);
}
