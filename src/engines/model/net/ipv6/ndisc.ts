/** Neighbour discovery: whether the next hop answers: net/ipv6/ndisc.c. */

import { concatenate } from '../../../../packet/bytes.ts';
import { encodeEthernet } from '../../../../packet/ethernet.ts';
import {
	encodeIcmpv6,
	encodeLinkLayerOption,
	icmpv6Type,
	linkLayerOption,
} from '../../../../packet/icmpv6.ts';
import { encodeIpv6 } from '../../../../packet/ipv6.ts';
import { etherType, ipProtocol } from '../../../../packet/protocol.ts';
import { Walk } from '../../walk.ts';
import { type Bytes, isLinkLocal6, sameBytes } from '../core/address.ts';
import { newSkb } from '../core/dev.ts';
import type { Skb } from '../core/skb.ts';
import { sourceOf } from './ip6-input.ts';
import { ip6RouteInput } from './route.ts';

/** ndisc_solicit(), and what the far end makes of it: the Ethernet address of a next hop, if it answers. */
export function ndiscResolve(walk: Walk, skb: Skb, target: Bytes): Bytes | undefined {
	const { device } = skb;
	const own = skb.protocol === etherType.ipv6 ? sourceOf(skb) : undefined;
	const source =
		device.ipv6.find(({ address }) => own !== undefined && sameBytes(address, own))?.address ??
		device.ipv6.find(({ address }) => isLinkLocal6(address))?.address;
	if (source === undefined) {
		walk.step('ndisc_send_ns', device, `${device.name} has no link-local address to ask from`);
		return undefined;
	}
	const low = target.subarray(13);
	const group = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...low);
	const groupMac = Uint8Array.of(0x33, 0x33, 0xff, ...low);
	const solicitation = message(
		device.mac,
		groupMac,
		source,
		group,
		{ type: icmpv6Type.neighbourSolicitation, code: 0, flags: 0, target },
		linkLayerOption.source,
	);
	walk.see({ place: 'transmit', device: device.name, frame: solicitation, packet: false });
	const far = device.vlan === undefined ? device.far : undefined;
	const answerer = walk.far().devices.find((each) => each !== undefined && each.name === far?.name);
	if (
		answerer === undefined ||
		!answerer.up ||
		!answerer.ipv6.some(({ address }) => sameBytes(address, target))
	)
		return undefined;
	walk.see({
		place: 'arrived',
		namespace: 'host',
		device: answerer.name,
		frame: solicitation,
		packet: false,
	});
	const flags = 0x60 | (answerer.conf6?.forwarding ? 0x80 : 0);
	const advertisement = message(
		answerer.mac,
		device.mac,
		target,
		source,
		{ type: icmpv6Type.neighbourAdvertisement, code: 0, flags, target },
		linkLayerOption.target,
	);
	walk.see({ place: 'receive', device: device.name, frame: advertisement, packet: false });
	// The answer comes in like any packet: rules without the table `local` send it astray.
	const answer = newSkb(advertisement, device, 0);
	if (ip6RouteInput(new Walk(walk.net, walk.far), answer).kind === 'local') return answerer.mac;
	walk.step('ndisc_recv_na', device, 'the answer came, but the rules do not lead it to the host itself');
	return undefined;
}

function message(
	from: Bytes,
	to: Bytes,
	source: Bytes,
	destination: Bytes,
	header: { readonly type: number; readonly code: number; readonly flags: number; readonly target: Bytes },
	option: number,
): Bytes {
	const addresses = { source, destination };
	const icmp = encodeIcmpv6(header, concatenate([encodeLinkLayerOption(option, from)]), addresses);
	const packet = encodeIpv6({ nextHeader: ipProtocol.icmpv6, hopLimit: 255, ...addresses }, icmp);
	return encodeEthernet({ destination: to, source: from, etherType: etherType.ipv6 }, packet);
}
