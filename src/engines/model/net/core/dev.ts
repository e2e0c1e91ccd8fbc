/** Frames between devices and protocols: net/core/dev.c, drivers/net/veth.c, net/8021q. */
import type { Outcome } from '../../../../journey/journey.ts';
import { etherType } from '../../../../packet/protocol.ts';
import type { Walk } from '../../walk.ts';
import { ethTypeTrans } from '../ethernet/eth.ts';
import { arpRcv } from '../ipv4/arp.ts';
import { ipRcv } from '../ipv4/ip-input.ts';
import { ipv6Rcv } from '../ipv6/ip6-input.ts';
import type { NetDevice } from './device.ts';
import type { Skb } from './skb.ts';

/** A veth takes frames up to its MTU, the Ethernet header and a VLAN tag (is_skb_forwardable). */
export const frameOverhead: number = 14 + 4;
const vlanTag = 4;
/** How often a packet may come in again, by redirects to a device's input, before it is no packet any more. */
const mostReceptions = 16;

/** A frame as it comes to a device, before anybody looked at it. */
export function newSkb(data: Uint8Array, device: NetDevice, mark: number): Skb {
	return {
		data,
		device,
		ingress: device,
		...ethTypeTrans(data, device),
		mark,
		vlan: undefined,
		tos: 0,
		isTail: true,
	};
}

/** skb_vlan_untag(): the tag goes beside the frame. */
export function skbVlanUntag(skb: Skb): void {
	if (skb.protocol !== etherType.vlan && skb.protocol !== 0x88a8) return;
	const { data } = skb;
	if (data.length < 18) return;
	const tci = ((data[14] ?? 0) << 8) | (data[15] ?? 0);
	skb.vlan = { protocol: skb.protocol, tci };
	const untagged = new Uint8Array(data.length - vlanTag);
	untagged.set(data.subarray(0, 12));
	untagged.set(data.subarray(16), 12);
	skb.data = untagged;
	skb.protocol = ((untagged[12] ?? 0) << 8) | (untagged[13] ?? 0);
}

/** __netif_receive_skb_core(), behind the hooks of TC: VLAN devices, then the protocol. */
export function netifReceiveSkb(walk: Walk, skb: Skb): Outcome {
	const where = '__netif_receive_skb_core';
	if (++walk.received > mostReceptions) return walk.vanish();
	if (skb.vlan !== undefined) {
		const id = skb.vlan.tci & 0x0fff;
		const device = walk.net.devices.find((each) => each?.vlan?.device === skb.device && each.vlan.id === id);
		if (device !== undefined) return vlanDoReceive(walk, skb, device);
		if (id !== 0) {
			walk.step(where, skb.device, `VLAN ${id} has no device on ${skb.device.name}: the frame is nobody's`);
			skb.packetType = 'otherhost';
		}
		skb.vlan = undefined;
	}
	switch (skb.protocol) {
		case etherType.ipv4:
			return ipRcv(walk, skb);
		case etherType.ipv6:
			return ipv6Rcv(walk, skb);
		case etherType.arp:
			return arpRcv(walk, skb);
		default:
			walk.step(where, skb.device, 'nothing on the host takes this Ethernet type');
			return walk.drop(skb, { reason: 'UNHANDLED_PROTO', where, cause: 'no-receiver' });
	}
}

/** vlan_do_receive(): the frame is the VLAN device's from here on. */
function vlanDoReceive(walk: Walk, skb: Skb, device: NetDevice): Outcome {
	if (!device.up) {
		walk.step('vlan_do_receive', device, `${device.name} is down: the frame ends here`);
		return walk.drop(skb, { reason: 'NOT_SPECIFIED', where: 'vlan_do_receive', cause: 'no-carrier' });
	}
	walk.step('vlan_do_receive', device, `VLAN ${device.vlan?.id}: received by ${device.name}`);
	const { packetType } = ethTypeTrans(skb.data, device);
	const inner: Skb = { ...skb, device, ingress: device, packetType, vlan: undefined };
	walk.see({ place: 'receive', device: device.name, frame: inner.data });
	return netifReceiveSkb(walk, inner);
}

/** dev_queue_xmit(), and the driver behind it: a veth, or a VLAN device on one. */
export function devQueueXmit(walk: Walk, skb: Skb): Outcome {
	const { device } = skb;
	const where = '__dev_queue_xmit';
	if (!device.up || !device.carrier) {
		walk.step(where, device, device.up ? `${device.name} has no carrier` : `${device.name} is down`);
		return walk.drop(skb, { reason: 'QDISC_DROP', where, cause: 'no-carrier' });
	}
	walk.see({ place: 'transmit', device: device.name, frame: skb.data, packet: skb.isTail });
	if (device.vlan !== undefined) return vlanHardStartXmit(walk, skb, device.vlan);
	const { far } = device;
	if (far === undefined) {
		walk.step(where, device, `sent out of ${device.name}`);
		return { kind: 'forwarded', device: device.name, frame: skb.data };
	}
	if (skb.data.length > far.mtu + frameOverhead) {
		walk.step(
			'veth_xmit',
			device,
			`the frame is longer than the far end takes, ${far.mtu + frameOverhead} bytes`,
		);
		return walk.drop(skb, { reason: 'NOT_SPECIFIED', where: 'veth_xmit', cause: 'too-big' });
	}
	walk.step(where, device, `sent out of ${device.name}`);
	walk.see({ place: 'arrived', namespace: 'host', device: far.name, frame: skb.data, packet: skb.isTail });
	return { kind: 'forwarded', device: far.name, frame: skb.data };
}

/** vlan_dev_hard_start_xmit() */
function vlanHardStartXmit(walk: Walk, skb: Skb, vlan: NonNullable<NetDevice['vlan']>): Outcome {
	const { data } = skb;
	const tagged = new Uint8Array(data.length + vlanTag);
	tagged.set(data.subarray(0, 12));
	tagged.set([0x81, 0, vlan.id >> 8, vlan.id & 0xff], 12);
	tagged.set(data.subarray(12), 16);
	walk.step('vlan_dev_hard_start_xmit', vlan.device, `tagged with VLAN ${vlan.id}`);
	return devQueueXmit(walk, { ...skb, device: vlan.device, data: tagged });
}
