/** An IPv6 packet comes in: net/ipv6/ip6_input.c. */
import type { Outcome } from '../../../../journey/journey.ts';
import { ipProtocol } from '../../../../packet/protocol.ts';
import type { Refusal, Walk } from '../../walk.ts';
import { type Bytes, isLoopback6, isMulticast6 } from '../core/address.ts';
import { l3mdevIpRcv } from '../core/l3mdev.ts';
import { byteAt, networkHeader, type Skb, wordAt } from '../core/skb.ts';
import { ip6Input, ip6McInput } from './deliver.ts';
import { ipv6ParseHopopts } from './exthdrs.ts';
import { ip6Forward } from './ip6-output.ts';
import { ip6PktDrop, ip6RouteInput } from './route.ts';

export function sourceOf(skb: Skb): Bytes {
	return skb.data.subarray(networkHeader + 8, networkHeader + 24);
}

export function destinationOf(skb: Skb): Bytes {
	return skb.data.subarray(networkHeader + 24, networkHeader + 40);
}

/** ipv6_rcv() */
export function ipv6Rcv(walk: Walk, skb: Skb): Outcome {
	const refusal = ip6RcvCore(walk, skb);
	return refusal === undefined ? ip6RcvFinish(walk, skb) : walk.drop(skb, refusal);
}

/** ip6_rcv_core() */
function ip6RcvCore(walk: Walk, skb: Skb): Refusal | undefined {
	const where = 'ip6_rcv_core';
	const { device } = skb;
	const say = (text: string): void => walk.step(where, device, text);
	if (skb.packetType === 'otherhost') {
		say('the frame is for another Ethernet address than the device has');
		return { reason: 'OTHERHOST', where, cause: 'wrong-mac' };
	}
	walk.count('Ip6InReceives');
	if (device.conf6 === undefined || device.conf6.disable_ipv6 !== 0) {
		say(
			device.conf6 === undefined
				? `${device.name} has no IPv6: its MTU is less than 1280`
				: `net.ipv6.conf.${device.name}.disable_ipv6 is 1`,
		);
		const reason = device.conf6 === undefined ? 'NOT_SPECIFIED' : 'IPV6DISABLED';
		return { reason, where, cause: 'ipv6-disabled', counters: ['Ip6InDiscards'] };
	}
	const counters = ['Ip6InHdrErrors'];
	const invalid: Refusal = { reason: 'IP_INHDR', where, cause: 'header-invalid', counters };
	const bytes = skb.data.length - networkHeader;
	if (bytes < 40) {
		say('shorter than an IPv6 header');
		return invalid;
	}
	if (byteAt(skb, 0) >> 4 !== 6) {
		say('its version is not 6');
		return { reason: 'UNHANDLED_PROTO', where, cause: 'header-invalid', counters };
	}
	const source = sourceOf(skb);
	const destination = destinationOf(skb);
	if (isLoopback6(source) || isLoopback6(destination)) {
		say('::1 came from outside');
		return { ...invalid, cause: 'loopback-address' };
	}
	const multicast = isMulticast6(destination);
	const scope = (destination[1] ?? 0) & 15;
	if (multicast && scope <= 1) {
		say('a multicast address of a scope that never leaves a host');
		return { ...invalid, cause: 'destination-invalid' };
	}
	if (!multicast && skb.packetType !== 'host' && device.conf6.drop_unicast_in_l2_multicast !== 0) {
		say('a unicast packet in a multicast or broadcast frame, and drop_unicast_in_l2_multicast is on');
		return { reason: 'UNICAST_IN_L2_MULTICAST', where, cause: 'destination-invalid', counters };
	}
	if (isMulticast6(source)) {
		say('a multicast address can be no source');
		return { ...invalid, cause: 'source-invalid' };
	}
	const payload = wordAt(skb, 4);
	if (payload !== 0 || byteAt(skb, 6) !== ipProtocol.hopByHop) {
		if (payload + 40 > bytes) {
			say(`the IPv6 header says ${payload + 40} bytes, ${bytes} came`);
			return { reason: 'PKT_TOO_SMALL', where, cause: 'truncated', counters: ['Ip6InTruncatedPkts'] };
		}
		skb.data = skb.data.subarray(0, networkHeader + 40 + payload);
	}
	if (byteAt(skb, 6) === ipProtocol.hopByHop) {
		const refusal = ipv6ParseHopopts(walk, skb);
		if (refusal !== undefined) return refusal;
	}
	say(`an IPv6 packet of ${skb.data.length - networkHeader} bytes, whole and valid`);
	return undefined;
}

/** ip6_rcv_finish(), dst_input() */
function ip6RcvFinish(walk: Walk, skb: Skb): Outcome {
	l3mdevIpRcv(skb);
	const route = ip6RouteInput(walk, skb);
	switch (route.kind) {
		case 'local':
			return ip6Input(walk, skb);
		case 'multicast':
			return ip6McInput(walk, skb);
		case 'forward':
			return ip6Forward(walk, skb, route);
		case 'error':
			return ip6PktDrop(walk, skb, route.error);
	}
}
