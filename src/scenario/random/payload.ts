/** What random packets carry: protocols, sizes, and bytes to tell them by. */
import type { Family } from '../../packet/address.ts';
import { concatenate } from '../../packet/bytes.ts';
import type { Addresses } from '../../packet/checksum.ts';
import { encodeIcmp, icmpType } from '../../packet/icmp.ts';
import { encodeIcmpv6, icmpv6Type } from '../../packet/icmpv6.ts';
import { ipProtocol } from '../../packet/protocol.ts';
import { encodeTcp, tcpFlag } from '../../packet/tcp.ts';
import { encodeUdp } from '../../packet/udp.ts';
import type { Source } from './source.ts';

/** How many bytes of payload, in all: what makes an IP packet of that size, with room for its headers. */
export function payloadLength(source: Source, mtu: number): number {
	const size = source.weigh([
		[60, 16 + source.below(80)],
		[15, 400 + source.below(800)],
		[10, 1150 + source.below(130)],
		[15, mtu - 100 - source.below(60)],
	]);
	return size & ~7;
}

/** A protocol, and its header with a payload behind it. The last bytes are random: packets are told by them. */
export function upper(
	source: Source,
	family: Family,
	addresses: Addresses,
	length: number,
): { readonly protocol: number; readonly bytes: Uint8Array } {
	const payload = concatenate([new Uint8Array(Math.max(0, length - 24)), source.bytes(24)]);
	const ping = {
		type: family === 'ipv4' ? icmpType.echoRequest : icmpv6Type.echoRequest,
		code: 0,
		identifier: 7,
		sequence: 1,
	};
	return source.choose<{ readonly protocol: number; readonly bytes: Uint8Array }>([
		[
			45,
			() => ({
				protocol: ipProtocol.udp,
				bytes: encodeUdp(
					{
						sourcePort: source.pick([53, 1234, 5000, 40000]),
						destinationPort: source.pick([53, 4789, 5000, 33434]),
					},
					payload,
					addresses,
				),
			}),
		],
		[
			30,
			() =>
				family === 'ipv4'
					? { protocol: ipProtocol.icmp, bytes: encodeIcmp(ping, payload) }
					: { protocol: ipProtocol.icmpv6, bytes: encodeIcmpv6(ping, payload, addresses) },
		],
		[
			12,
			() => ({
				protocol: ipProtocol.tcp,
				bytes: encodeTcp(
					{
						sourcePort: source.pick([1234, 5000]),
						destinationPort: source.pick([22, 80, 5000]),
						sequence: 1,
						flags: tcpFlag.syn,
					},
					payload,
					addresses,
				),
			}),
		],
		[13, () => ({ protocol: source.pick([4, 41, 47, 132, 253]), bytes: payload })],
	]);
}
