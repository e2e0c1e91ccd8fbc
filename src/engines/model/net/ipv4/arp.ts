/** ARP: whether the next hop answers, and what comes to the host: net/ipv4/arp.c. */
import type { Outcome } from '../../../../journey/journey.ts';
import { decodeArp, encodeArp } from '../../../../packet/arp.ts';
import { encodeEthernet } from '../../../../packet/ethernet.ts';
import { etherType } from '../../../../packet/protocol.ts';
import { Walk } from '../../walk.ts';
import { type Bytes, ipv4At, ipv4Bytes } from '../core/address.ts';
import { type NetDevice, vrfTable } from '../core/device.ts';
import type { Net } from '../core/net.ts';
import { networkHeader, type Skb } from '../core/skb.ts';
import { inetAddrType, inetSelectAddr } from './fib-frontend.ts';
import { ipRouteInputSlow } from './route.ts';

const broadcast = new Uint8Array(6).fill(0xff);
const nobody = new Uint8Array(6);

/** arp_solicit(), and what the far end makes of it: the Ethernet address of a next hop, if it answers. */
export function arpResolve(walk: Walk, skb: Skb, target: number): Bytes | undefined {
	const far = walk.far();
	const { device } = skb;
	const source = solicitSource(walk, skb, target);
	const request = encodeEthernet(
		{ destination: broadcast, source: device.mac, etherType: etherType.arp },
		encodeArp({
			operation: 1,
			senderHardware: device.mac,
			senderProtocol: ipv4Bytes(source),
			targetHardware: nobody,
			targetProtocol: ipv4Bytes(target),
		}),
	);
	const carrier = device.vlan === undefined ? device : undefined;
	walk.see({ place: 'transmit', device: device.name, frame: request, packet: false });
	const answerer = far.devices.find((each) => each !== undefined && each.name === carrier?.far?.name);
	if (answerer === undefined || !answersArp(far, answerer, request, source, target)) return undefined;
	walk.see({ place: 'arrived', namespace: 'host', device: answerer.name, frame: request, packet: false });
	const reply = encodeEthernet(
		{ destination: device.mac, source: answerer.mac, etherType: etherType.arp },
		encodeArp({
			operation: 2,
			senderHardware: answerer.mac,
			senderProtocol: ipv4Bytes(target),
			targetHardware: device.mac,
			targetProtocol: ipv4Bytes(source),
		}),
	);
	walk.see({ place: 'receive', device: device.name, frame: reply, packet: false });
	return answerer.mac;
}

/** Whom the request comes from: by arp_announce 0, the packet's own source where that is the host's. */
function solicitSource({ net }: Walk, skb: Skb, target: number): number {
	const announce = Math.max(net.sysctls.all4.arp_announce, skb.device.conf4.arp_announce);
	const source = skb.protocol === etherType.ipv4 ? ipv4At(skb.data, networkHeader + 12) : 0;
	const isOwn = source !== 0 && inetAddrType(net, source, vrfTable(skb.device)) === 'local';
	if (announce < 2 && isOwn) return source;
	return inetSelectAddr(net, skb.device, target);
}

/** arp_process() at the far end: a request for an address of its own is answered if it can be routed there. */
function answersArp(far: Net, device: NetDevice, request: Bytes, source: number, target: number): boolean {
	if (!device.up || target >>> 28 === 0xe) return false;
	if (source === 0) return inetAddrType(far, target, vrfTable(device)) === 'local';
	const skb: Skb = {
		data: request,
		device,
		ingress: device,
		protocol: etherType.arp,
		packetType: 'broadcast',
		mark: 0,
		vlan: undefined,
		tos: 0,
		isTail: false,
	};
	const route = ipRouteInputSlow(new Walk(far, () => far), skb, target, source, device);
	return route.kind === 'local' && route.type === 'local';
}

/** arp_rcv(): the host takes it for itself; only what is no ARP is dropped. */
export function arpRcv(walk: Walk, skb: Skb): Outcome {
	const where = 'arp_rcv';
	const arp = decodeArp(skb.data.subarray(networkHeader));
	if (arp === undefined || skb.packetType === 'otherhost')
		return walk.drop(skb, {
			reason: 'NOT_SPECIFIED',
			where,
			cause: arp === undefined ? 'header-invalid' : 'wrong-mac',
		});
	walk.step(where, skb.device, 'ARP: the host takes it for itself');
	return walk.deliver(skb);
}
