/** Random packets: most as they should be, some as they must not be. */
import { type Family, parseIp, parseMac } from '../../packet/address.ts';
import { concatenate, viewOf } from '../../packet/bytes.ts';
import { type Addresses, internetChecksum } from '../../packet/checksum.ts';
import { encodeEthernet } from '../../packet/ethernet.ts';
import { encodeIpv4 } from '../../packet/ipv4.ts';
import { encodeIpv6 } from '../../packet/ipv6.ts';
import { encodeIpv6Extensions, type Ipv6Extension } from '../../packet/ipv6-extension.ts';
import { etherType } from '../../packet/protocol.ts';
import { destinationAddress, sourceAddress } from './addresses.ts';
import { payloadLength, upper } from './payload.ts';
import type { Source } from './source.ts';
import type { World } from './world.ts';

function bytesOf(address: string): Uint8Array {
	return parseIp(address)?.bytes ?? new Uint8Array();
}

/** Options of IPv4 (RFC 791), good and bad, filled up to 4 bytes. */
const ipv4Options: readonly (readonly number[])[] = [
	[1, 1, 1, 0],
	[7, 7, 4, 0, 0, 0, 0, 0], // record route
	[68, 8, 9, 0, 0, 0, 0, 0], // timestamp without room for one: the time itself nobody could foretell
	[148, 4, 0, 0], // router alert
	[131, 7, 4, 10, 0, 1, 1, 0], // loose source route
	[137, 7, 4, 10, 0, 1, 1, 0], // strict source route
	[131, 7, 8, 10, 0, 1, 1, 0], // loose source route, used up
	[7, 3, 4, 0], // record route without room for an address
	[131, 3, 0, 0], // source route that begins in its own header
	[68, 3, 5, 0], // timestamp too short
	[99, 4, 0, 0], // unknown
	[7, 200, 4, 0], // longer than there is
];

function ipv4(source: Source, addresses: Addresses, length: number): Uint8Array {
	const { protocol, bytes } = upper(source, 'ipv4', addresses, length);
	const fragment = source.percent(4);
	return encodeIpv4(
		{
			typeOfService: source.weigh([
				[75, 0],
				[10, 0x10],
				[5, 0x08],
				[5, 0xb8],
				[5, 0x03],
			]),
			identification: source.below(65536),
			dontFragment: source.percent(50) && !fragment,
			moreFragments: fragment && source.percent(70),
			fragmentOffset: fragment && source.percent(50) ? 8 * source.below(100) : 0,
			ttl: source.weigh([
				[85, 64],
				[4, 1],
				[4, 2],
				[3, 0],
				[4, 255],
			]),
			protocol,
			...addresses,
			options: Uint8Array.from((source.percent(7) ? source.anyOf(ipv4Options) : undefined) ?? []),
		},
		bytes,
	);
}

function ipv6(source: Source, addresses: Addresses, length: number): Uint8Array {
	const { protocol, bytes } = upper(source, 'ipv6', addresses, length);
	const extensions = source.percent(10) ? randomExtensions(source) : [];
	const chain = encodeIpv6Extensions({ extensions, protocol, payload: bytes });
	return encodeIpv6(
		{
			trafficClass: source.weigh([
				[80, 0],
				[10, 0x10],
				[10, 0xb8],
			]),
			flowLabel: source.percent(20) ? source.below(1 << 20) : 0,
			hopLimit: source.weigh([
				[85, 64],
				[4, 1],
				[4, 2],
				[3, 0],
				[4, 255],
			]),
			nextHeader: chain.nextHeader,
			...addresses,
		},
		chain.payload,
	);
}

/** Bodies of options headers (RFC 8200 section 4.2): padding, a router alert, unknown options of each kind. */
const optionBodies: readonly (readonly number[])[] = [
	[1, 4, 0, 0, 0, 0],
	[5, 2, 0, 0, 1, 0],
	[0x3e, 4, 0, 0, 0, 0], // skip
	[0x7e, 4, 0, 0, 0, 0], // discard
	[0xbe, 4, 0, 0, 0, 0], // discard and say so
	[0xfe, 4, 0, 0, 0, 0], // discard and say so, but for multicast
	[1, 40, 0, 0, 0, 0], // longer than there is
];

function randomExtensions(source: Source): Ipv6Extension[] {
	const options = (type: 'hop-by-hop' | 'destination options'): Ipv6Extension => ({
		type,
		body: Uint8Array.from(source.anyOf(optionBodies) ?? []),
	});
	const routing = (): Ipv6Extension => {
		const kind = source.pick([0, 2, 4, 99]);
		return { type: 'routing', body: Uint8Array.of(kind, source.below(2), 0, 0, 0, 0) };
	};
	const fragment = (): Ipv6Extension => ({
		type: 'fragment',
		offset:
			8 *
			source.weigh([
				[50, 0],
				[50, source.below(100)],
			]),
		moreFragments: source.percent(50),
		identification: source.below(1 << 30),
	});
	return [
		...(source.percent(40) ? [options('hop-by-hop')] : []),
		...(source.percent(30) ? [options('destination options')] : []),
		...(source.percent(25) ? [routing()] : []),
		...(source.percent(30) ? [fragment()] : []),
	];
}

/** An IP packet as it must not be. */
function damage(source: Source, family: Family, packet: Uint8Array): Uint8Array {
	const bytes = packet.slice();
	const view = viewOf(bytes);
	const set16 = (at: number, value: number): void => view.setUint16(at, value & 0xffff);
	const cut = (): Uint8Array => bytes.subarray(0, source.below(bytes.length));
	const trail = (): Uint8Array => concatenate([bytes, source.bytes(1 + source.below(30))]);
	const length = family === 'ipv4' ? 2 : 4;
	const damages: (() => Uint8Array | undefined)[] = [
		cut,
		trail,
		() => void set16(length, view.getUint16(length) + 1 + source.below(40)),
		() => void set16(length, view.getUint16(length) - 8),
		() => void set16(length, source.below(20)),
		() => void view.setUint8(0, (view.getUint8(0) & 0x0f) | (source.pick([0, 5, 6, 4]) << 4)),
		() => void view.setUint8(bytes.length - 30, view.getUint8(bytes.length - 30) ^ 0x5a),
	];
	if (family === 'ipv6') return source.anyOf(damages)?.() ?? bytes;
	damages.push(
		() => void view.setUint8(0, 0x40 | source.pick([4, 6, 15])),
		() => void set16(6, view.getUint16(6) | 0x8000),
	);
	const damaged = source.anyOf(damages)?.() ?? bytes;
	// The header's checksum is right in most, lest all of them end at it.
	if (source.percent(15) || damaged.length < 20) return damaged;
	const header = ((damaged[0] ?? 0) & 0x0f) * 4;
	if (header < 20 || header > damaged.length) return damaged;
	const fixed = damaged.slice();
	viewOf(fixed).setUint16(10, 0);
	viewOf(fixed).setUint16(10, internetChecksum(fixed.subarray(0, header)));
	return fixed;
}

function destinationMac(source: Source, world: World, device: string): Uint8Array {
	const own = world.router[device]?.mac ?? '';
	const others = Object.values(world.router).map(({ mac }) => mac);
	return (
		parseMac(
			source.choose([
				[92, () => own],
				[2, () => 'ff:ff:ff:ff:ff:ff'],
				[2, () => source.pick(['01:00:5e:00:00:09', '33:33:00:00:00:09'])],
				[2, () => '02:00:00:00:07:07'],
				[2, () => source.anyOf(others) ?? own],
			]),
		) ?? new Uint8Array(6)
	);
}

/** A frame for a device of the router, from its Ethernet header on. */
export function randomFrame(source: Source, world: World, device: string): Uint8Array {
	const family = source.pick(['ipv4', 'ipv6'] as const);
	const mtu = world.router[device]?.mtu ?? 1500;
	const addresses = {
		source: bytesOf(sourceAddress(source, world, family, device)),
		destination: bytesOf(destinationAddress(source, world, family, device)),
	};
	const length = payloadLength(source, mtu);
	const whole = family === 'ipv4' ? ipv4(source, addresses, length) : ipv6(source, addresses, length);
	const packet = source.percent(6) ? damage(source, family, whole) : whole;
	const index = device.slice(-1);
	return encodeEthernet(
		{
			destination: destinationMac(source, world, device),
			source: parseMac(`02:00:00:00:0${index}:01`) ?? new Uint8Array(6),
			etherType: source.percent(99) === (family === 'ipv4') ? etherType.ipv4 : etherType.ipv6,
		},
		packet.subarray(0, mtu),
	);
}
