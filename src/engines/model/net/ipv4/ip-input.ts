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
import { ipOptionsCompile, isSourceRouted } from './ip-options.ts';
import { ipError, ipRouteInputSlow } from './route.ts';

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
	const route = ipRouteInputSlow(walk, skb, destination, source, device);
	if (route.kind === 'martian') return walk.drop(skb, { where, ...route });
	if (byteAt(skb, 0) > 0x45) {
		const refusal = ipRcvOptions(walk, skb, device);
		if (refusal !== undefined) return walk.drop(skb, refusal);
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
			return ipForward(walk, skb, route);
	}
}

function dropsUnicast({ net }: Walk, device: NetDevice): boolean {
	return (net.sysctls.all4.drop_unicast_in_l2_multicast | device.conf4.drop_unicast_in_l2_multicast) !== 0;
}

/** ip_rcv_options() */
function ipRcvOptions(walk: Walk, skb: Skb, device: NetDevice): Refusal | undefined {
	const where = 'ip_rcv_finish_core';
	const wrong = ipOptionsCompile(skb.data.subarray(networkHeader));
	if (wrong !== undefined) {
		walk.step('ip_options_compile', device, `the IPv4 options are not valid, at byte ${wrong}`);
		icmpSend(walk, skb, 12, 0);
		return { reason: 'NOT_SPECIFIED', where, cause: 'header-invalid', counters: ['IpInHdrErrors'] };
	}
	if (!isSourceRouted(skb.data.subarray(networkHeader))) return undefined;
	const allowed = (walk.net.sysctls.all4.accept_source_route & device.conf4.accept_source_route) !== 0;
	if (allowed) return undefined;
	walk.step(
		'ip_rcv_options',
		device,
		'the sender gave a source route, and accept_source_route is not on for both all and the device',
	);
	return { reason: 'NOT_SPECIFIED', where, cause: 'header-invalid' };
}

/** ip_local_deliver() */
function ipLocalDeliver(walk: Walk, skb: Skb, type: 'local' | 'broadcast' | 'multicast'): Outcome {
	const to = ipv4Text(ipv4At(skb.data, networkHeader + 16));
	if ((wordAt(skb, 6) & 0x3fff) !== 0) {
		walk.step('ip_local_deliver', skb.ingress, `a fragment of a packet to ${to}, held until the others come`);
		return walk.vanish();
	}
	walk.step('ip_local_deliver', skb.ingress, `${to} is the host's: the packet goes to its protocol`);
	return ipProtocolDeliver(walk, skb, type);
}
