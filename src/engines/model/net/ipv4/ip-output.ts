/** An IPv4 packet goes out: net/ipv4/ip_output.c. */
import type { Outcome } from '../../../../journey/journey.ts';
import { internetChecksum } from '../../../../packet/checksum.ts';
import type { Walk } from '../../walk.ts';
import { ipv4At, ipv4Bytes } from '../core/address.ts';
import { neighOutput, type Target } from '../core/neigh-output.ts';
import { byteAt, networkHeader, type Skb, wordAt } from '../core/skb.ts';
import type { InputRoute } from './route.ts';

type Forward = Extract<InputRoute, { kind: 'forward' }>;

/** ip_output(), ip_finish_output() */
export function ipOutput(walk: Walk, skb: Skb, route: Forward, mtu: number): Outcome {
	skb.device = route.nexthop.device;
	if (wordAt(skb, 2) <= mtu) return ipFinishOutput2(walk, skb, route);
	walk.step('ip_do_fragment', skb.device, `longer than the MTU, ${mtu}: sent in fragments`);
	const fragments = ipDoFragment(skb, mtu);
	if (fragments === undefined)
		return walk.drop(skb, {
			reason: 'NOT_SPECIFIED',
			where: 'ip_do_fragment',
			cause: 'too-big',
			counters: ['IpFragFails'],
		});
	walk.count('IpFragOKs', ...fragments.map(() => 'IpFragCreates'));
	let outcome = walk.vanish();
	for (const [index, data] of fragments.entries()) {
		outcome = ipFinishOutput2(walk, { ...skb, data, isTail: index === fragments.length - 1 }, route);
	}
	return outcome;
}

/** ip_finish_output2(): to the gateway, or to the destination itself. */
function ipFinishOutput2(walk: Walk, skb: Skb, { nexthop }: Forward): Outcome {
	const { gateway } = nexthop;
	const destination = ipv4At(skb.data, networkHeader + 16);
	const target: Target =
		gateway === undefined ? { family: 'ipv4', number: destination, bytes: ipv4Bytes(destination) } : gateway;
	return neighOutput(walk, skb, target);
}

/** ip_do_fragment(): the fragments as whole frames, or undefined where not even eight bytes fit. */
function ipDoFragment(skb: Skb, mtu: number): Uint8Array[] | undefined {
	const { data } = skb;
	const headerBytes = (byteAt(skb, 0) & 15) * 4;
	const room = (mtu - headerBytes) & ~7;
	if (mtu < headerBytes + 8) return undefined;
	const start = networkHeader + headerBytes;
	const payload = data.subarray(start);
	const flags = wordAt(skb, 6);
	const fragments: Uint8Array[] = [];
	for (let offset = 0; offset < payload.length; ) {
		const last = payload.length - offset <= mtu - headerBytes;
		const bytes = last ? payload.length - offset : room;
		const frame = new Uint8Array(start + bytes);
		frame.set(data.subarray(0, start));
		frame.set(payload.subarray(offset, offset + bytes), start);
		const header = frame.subarray(networkHeader, start);
		if (offset > 0) ipOptionsFragment(header);
		const view = new DataView(frame.buffer, networkHeader, headerBytes);
		view.setUint16(2, headerBytes + bytes);
		view.setUint16(6, (flags & 0xe000) | ((flags & 0x1fff) + (offset >> 3)) | (last ? 0 : 0x2000));
		view.setUint16(10, 0);
		view.setUint16(10, internetChecksum(header));
		fragments.push(frame);
		offset += bytes;
	}
	return fragments;
}

/** ip_options_fragment(): options that are not to be copied are replaced by no-operations. */
function ipOptionsFragment(header: Uint8Array): void {
	for (let at = 20; at < header.length; ) {
		const kind = header[at] ?? 0;
		if (kind === 0) return;
		if (kind === 1) {
			at++;
			continue;
		}
		const length = header[at + 1] ?? 0;
		if (length < 2 || at + length > header.length) return;
		if ((kind & 0x80) === 0) header.fill(1, at, at + length);
		at += length;
	}
}
