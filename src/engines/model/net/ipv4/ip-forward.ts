/** A packet for somebody else: net/ipv4/ip_forward.c. */
import type { Outcome } from '../../../../journey/journey.ts';
import type { Walk } from '../../walk.ts';
import { byteAt, networkHeader, type Skb, wordAt } from '../core/skb.ts';
import { icmpSend } from './icmp.ts';
import { type IpOptions, ipForwardOptions } from './ip-options.ts';
import { ipOutput } from './ip-output.ts';
import type { InputRoute } from './route.ts';

type Forward = Extract<InputRoute, { kind: 'forward' }>;

/** The longest packet that IP fragments for (IP_MAX_MTU). */
const longest = 0xfff0;

/** ip_forward() */
export function ipForward(walk: Walk, skb: Skb, route: Forward, options?: IpOptions): Outcome {
	const where = 'ip_forward';
	const { nexthop } = route;
	if (skb.packetType !== 'host') {
		walk.step(where, skb.ingress, 'the frame was a group address’s: it is not forwarded');
		return walk.drop(skb, { reason: 'NOT_SPECIFIED', where, cause: 'destination-invalid' });
	}
	const ttl = byteAt(skb, 8);
	if (ttl <= 1) {
		walk.step(where, skb.ingress, `its TTL is ${ttl}: it ends here`);
		icmpSend(walk, skb, 11, 0);
		return walk.drop(skb, { reason: 'IP_INHDR', where, cause: 'ttl-expired', counters: ['IpInHdrErrors'] });
	}
	if (options?.strict && nexthop.gateway !== undefined) {
		walk.step(where, skb.ingress, 'the sender gives every hop, and the next one is behind a gateway');
		icmpSend(walk, skb, 3, 5);
		return walk.drop(skb, { reason: 'NOT_SPECIFIED', where, cause: 'destination-invalid' });
	}
	walk.count('IpForwDatagrams');
	const mtu = forwardMtu(route);
	const length = wordAt(skb, 2);
	if (length > mtu && (wordAt(skb, 6) & 0x4000) !== 0) {
		walk.step(
			where,
			nexthop.device,
			`${length} bytes are more than the MTU, ${mtu}, and it must not be fragmented`,
		);
		icmpSend(walk, skb, 3, 4);
		return walk.drop(skb, { reason: 'PKT_TOO_BIG', where, cause: 'too-big', counters: ['IpFragFails'] });
	}
	skb.data = skb.data.slice();
	ipDecreaseTtl(skb);
	if (options !== undefined) {
		const { gateway } = nexthop;
		ipForwardOptions(
			walk,
			skb,
			options,
			nexthop.device,
			gateway?.family === 'ipv4' ? gateway.number : undefined,
		);
	}
	walk.step(where, skb.ingress, `forwarded, its TTL now ${ttl - 1}`);
	return ipOutput(walk, skb, route, mtu);
}

/** ip_decrease_ttl() of include/net/ip.h, with its own way to the checksum. */
function ipDecreaseTtl({ data }: Skb): void {
	const at = networkHeader + 10;
	// As the kernel adds on a little-endian machine.
	let check = ((data[at] ?? 0) | ((data[at + 1] ?? 0) << 8)) + 1;
	if (check >= 0xffff) check++;
	data[at] = check & 0xff;
	data[at + 1] = (check >> 8) & 0xff;
	data[networkHeader + 8] = (data[networkHeader + 8] ?? 0) - 1;
}

/** ip_dst_mtu_maybe_forward(): of a packet that is forwarded, the route's own MTU before the device's. */
function forwardMtu({ alias, nexthop }: Forward): number {
	return Math.min(alias.mtu === 0 ? nexthop.device.mtu : alias.mtu, longest);
}
