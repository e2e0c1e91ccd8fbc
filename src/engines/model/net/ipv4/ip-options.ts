/** IPv4 options: net/ipv4/ip_options.c. */
import { internetChecksum } from '../../../../packet/checksum.ts';
import type { Walk } from '../../walk.ts';
import { ipv4At, ipv4Bytes } from '../core/address.ts';
import { loopbackIfindex, masterIfindex, type NetDevice } from '../core/device.ts';
import { networkHeader, type Skb } from '../core/skb.ts';
import { fibResultPrefsrc, inetAddrType, inetSelectAddr } from './fib-frontend.ts';
import { fibLookup } from './fib-rules.ts';
import type { InputRoute } from './route.ts';

/** Option types (RFC 791). */
const type = {
	end: 0,
	nop: 1,
	recordRoute: 7,
	timestamp: 68,
	looseRoute: 131,
	routerAlert: 148,
	strictRoute: 137,
} as const;
const timestampKind = { only: 0, andAddress: 1, prespecified: 3 } as const;

/** struct ip_options, as far as anybody asks for it. Offsets are from the start of the IP header. */
export interface IpOptions {
	sourceRoute: number;
	strict: boolean;
	recordRoute: number;
	recordNeedsAddress: boolean;
	timestamp: number;
	timestampNeedsAddress: boolean;
	changed: boolean;
	/** Of a source route that named this host: where it goes next. */
	nextHop: number | undefined;
}

/**
 * __ip_options_compile(): read the options, and write in them what a router writes. The frame is copied first.
 * @returns the offset of what is wrong, or the options
 */
export function ipOptionsCompile(
	walk: Walk,
	skb: Skb,
	route: InputRoute,
	device: NetDevice,
): IpOptions | number {
	skb.data = skb.data.slice();
	const header = skb.data.subarray(networkHeader);
	const end = ((header[0] ?? 0) & 15) * 4;
	const options: IpOptions = {
		sourceRoute: 0,
		strict: false,
		recordRoute: 0,
		recordNeedsAddress: false,
		timestamp: 0,
		timestampNeedsAddress: false,
		changed: false,
		nextHop: undefined,
	};
	for (let at = 20; at < end; ) {
		const kind = header[at] ?? 0;
		if (kind === type.end) {
			if (header.subarray(at, end).some((byte) => byte !== 0)) options.changed = true;
			header.fill(0, at, end);
			return options;
		}
		if (kind === type.nop) {
			at++;
			continue;
		}
		const length = header[at + 1] ?? 0;
		if (at + 2 > end || length < 2 || at + length > end) return at;
		const wrong = compileOne(walk, skb, route, device, options, header, at, length);
		if (wrong !== undefined) return wrong;
		at += length;
	}
	return options;
}

function compileOne(
	walk: Walk,
	skb: Skb,
	route: InputRoute,
	device: NetDevice,
	options: IpOptions,
	header: Uint8Array,
	at: number,
	length: number,
): number | undefined {
	const pointer = header[at + 2] ?? 0;
	switch (header[at]) {
		case type.strictRoute:
		case type.looseRoute:
			if (length < 3) return at + 1;
			if (pointer < 4) return at + 2;
			if (options.sourceRoute !== 0) return at;
			options.strict = header[at] === type.strictRoute;
			options.sourceRoute = at;
			return undefined;
		case type.recordRoute:
			if (options.recordRoute !== 0) return at;
			if (length < 3) return at + 1;
			if (pointer < 4) return at + 2;
			if (pointer <= length) {
				if (pointer + 3 > length) return at + 2;
				header.set(ipv4Bytes(fibComputeSpecDst(walk, skb, route, device)), at + pointer - 1);
				header[at + 2] = pointer + 4;
				options.changed = true;
				options.recordNeedsAddress = true;
			}
			options.recordRoute = at;
			return undefined;
		case type.timestamp:
			return compileTimestamp(walk, skb, route, device, options, header, at, length);
		case type.routerAlert:
			return length < 4 ? at + 1 : undefined;
		default:
			return undefined;
	}
}

function compileTimestamp(
	walk: Walk,
	skb: Skb,
	route: InputRoute,
	device: NetDevice,
	options: IpOptions,
	header: Uint8Array,
	at: number,
	length: number,
): number | undefined {
	const pointer = header[at + 2] ?? 0;
	if (options.timestamp !== 0) return at;
	if (length < 4) return at + 1;
	if (pointer < 5) return at + 2;
	const flags = header[at + 3] ?? 0;
	const kind = flags & 15;
	let timeAt: number | undefined;
	if (pointer <= length) {
		if (pointer + 3 > length) return at + 2;
		const slot = at + pointer - 1;
		if (kind === timestampKind.only) {
			timeAt = slot;
			header[at + 2] = pointer + 4;
		} else if (kind === timestampKind.andAddress) {
			if (pointer + 7 > length) return at + 2;
			header.set(ipv4Bytes(fibComputeSpecDst(walk, skb, route, device)), slot);
			timeAt = slot + 4;
			options.timestampNeedsAddress = true;
			header[at + 2] = pointer + 8;
		} else if (kind === timestampKind.prespecified) {
			if (pointer + 7 > length) return at + 2;
			if (inetAddrType(walk.net, ipv4At(header, slot)) !== 'unicast') {
				timeAt = slot + 4;
				header[at + 2] = pointer + 8;
			}
		}
	} else if (kind !== timestampKind.prespecified) {
		const overflow = flags >> 4;
		if (overflow === 15) return at + 3;
		header[at + 3] = kind | ((overflow + 1) << 4);
		options.changed = true;
	}
	if (timeAt !== undefined) {
		// The time of day, which the model has not: midnight.
		header.fill(0, timeAt, timeAt + 4);
		options.changed = true;
	}
	options.timestamp = at;
	return undefined;
}

/** fib_compute_spec_dst(): which of the host's addresses the packet is about. */
function fibComputeSpecDst({ net }: Walk, skb: Skb, route: InputRoute, device: NetDevice): number {
	if (route.kind === 'local' && route.type === 'local') return ipv4At(skb.data, networkHeader + 16);
	const source = ipv4At(skb.data, networkHeader + 12);
	if (source === 0) return inetSelectAddr(net, device, source);
	const marked = (net.sysctls.all4.src_valid_mark | device.conf4.src_valid_mark) !== 0;
	const { result } = fibLookup(net, {
		iif: loopbackIfindex,
		oif: 0,
		l3mdev: masterIfindex(device),
		mark: marked ? skb.mark : 0,
		destination: source,
		source: 0,
		tos: skb.tos,
		protocol: 0,
		sourcePort: 0,
		destinationPort: 0,
	});
	return typeof result === 'string' ? inetSelectAddr(net, device, source) : fibResultPrefsrc(net, result);
}

/** ip_rt_get_source(): from which address a packet leaves. */
function ipRtGetSource({ net }: Walk, skb: Skb, egress: NetDevice, nextHop: number): number {
	const destination = ipv4At(skb.data, networkHeader + 16);
	const { result } = fibLookup(net, {
		iif: skb.device.ifindex,
		oif: egress.ifindex,
		l3mdev: 0,
		mark: skb.mark,
		destination,
		source: ipv4At(skb.data, networkHeader + 12),
		tos: skb.tos,
		protocol: 0,
		sourcePort: 0,
		destinationPort: 0,
	});
	return typeof result === 'string' ? inetSelectAddr(net, egress, nextHop) : fibResultPrefsrc(net, result);
}

/** ip_forward_options(): the router's address on the way out, and the checksum of what was changed. */
export function ipForwardOptions(
	walk: Walk,
	skb: Skb,
	options: IpOptions,
	egress: NetDevice,
	gateway: number | undefined,
): void {
	const header = skb.data.subarray(networkHeader);
	const pointerOf = (at: number): number => header[at + 2] ?? 0;
	const source = (): Uint8Array => ipv4Bytes(ipRtGetSource(walk, skb, egress, gateway ?? ipv4At(header, 16)));
	if (options.recordNeedsAddress) {
		header.set(source(), options.recordRoute + pointerOf(options.recordRoute) - 5);
		options.changed = true;
	}
	if (options.nextHop !== undefined) {
		const at = options.sourceRoute;
		const length = header[at + 1] ?? 0;
		let pointer = pointerOf(at);
		while (pointer + 3 <= length && ipv4At(header, at + pointer - 1) !== options.nextHop) pointer += 4;
		if (pointer + 3 <= length) {
			header.set(ipv4Bytes(options.nextHop), 16);
			header.set(source(), at + pointer - 1);
			header[at + 2] = pointer + 4;
			options.changed = true;
		}
		if (options.timestampNeedsAddress)
			header.set(source(), options.timestamp + pointerOf(options.timestamp) - 9);
	}
	if (!options.changed) return;
	const end = ((header[0] ?? 0) & 15) * 4;
	header.fill(0, 10, 12);
	const checksum = internetChecksum(header.subarray(0, end));
	header[10] = checksum >> 8;
	header[11] = checksum & 0xff;
}
