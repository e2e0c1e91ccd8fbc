/** The bytes of a packet that the packet language describes. */
import { EncapForwardError } from '../error.ts';
import { concatenate } from '../packet/bytes.ts';
import { encodeEthernet } from '../packet/ethernet.ts';
import { encodeGeneve } from '../packet/geneve.ts';
import { encodeGre } from '../packet/gre.ts';
import { encodeGue } from '../packet/gue.ts';
import { encodeIcmp } from '../packet/icmp.ts';
import { encodeIcmpv6 } from '../packet/icmpv6.ts';
import { encodeIpv4 } from '../packet/ipv4.ts';
import { encodeIpv6, ipv6Length } from '../packet/ipv6.ts';
import { etherType, ipProtocol } from '../packet/protocol.ts';
import { encodeTcp } from '../packet/tcp.ts';
import { encodeUdp } from '../packet/udp.ts';
import { encodeVxlan } from '../packet/vxlan.ts';
import { innerMac } from '../tunnel/inner-mac.ts';
import type { Packet, PacketEthernet, PacketIp, PacketPayload } from './packet.ts';
import { payloadProtocol } from './parse-packet.ts';

/** Bytes behind the last header where no length is given: those of ping. */
const usualPayload = 56;

/** @param ethernet for a packet that has no Ethernet addresses of its own */
export function packetFrame({ ethernet: own, ip }: Packet, ethernet: PacketEthernet): Uint8Array {
	return encodeEthernet({ ...(own ?? ethernet), etherType: etherType[ip.family] }, ipBytes(ip));
}

function ipBytes(ip: PacketIp): Uint8Array {
	const { family, source, destination, ttl, trafficClass, length } = ip;
	const protocol = payloadProtocol(ip.payload, family);
	const headerLength = family === 'ipv4' ? 20 : ipv6Length;
	const payload = (data: number): Uint8Array => payloadBytes(ip.payload, ip, data);
	const least = headerLength + payload(0).length;
	if (length !== undefined && length < least) {
		throw new EncapForwardError(
			'EF_PACKET',
			`the packet's headers need ${least} bytes; give no less as its length`,
		);
	}
	const bytes = payload(length === undefined ? usualData(ip.payload) : length - least);
	if (family === 'ipv6') {
		return encodeIpv6({ source, destination, hopLimit: ttl, trafficClass, nextHeader: protocol }, bytes);
	}
	const { dontFragment, identification } = ip;
	return encodeIpv4(
		{ source, destination, ttl, typeOfService: trafficClass, protocol, dontFragment, identification },
		bytes,
	);
}

function usualData({ kind }: PacketPayload): number {
	return kind === 'tcp' ? 0 : usualPayload;
}

function payloadBytes(payload: PacketPayload, addresses: PacketIp, length: number): Uint8Array {
	const data = Uint8Array.from({ length }, (_, index) => index);
	switch (payload.kind) {
		case 'icmp': {
			const { type, code } = payload;
			// Echo or not, the next four bytes of the header are an identifier and a sequence number, or unused.
			return addresses.family === 'ipv4'
				? encodeIcmp({ type, code, identifier: 1, sequence: 1 }, data)
				: encodeIcmpv6({ type, code, identifier: 1, sequence: 1 }, data, addresses);
		}
		case 'tcp':
			return encodeTcp(
				{ sourcePort: payload.sourcePort, destinationPort: payload.destinationPort, flags: payload.flags },
				data,
				addresses,
			);
		case 'udp':
			return encodeUdp(
				{ sourcePort: payload.sourcePort, destinationPort: payload.destinationPort },
				data,
				addresses,
			);
		case 'protocol':
			return data;
		case 'ip':
			return ipBytes(payload.inner);
		case 'gre': {
			const { key, inner } = payload;
			return encodeGre(
				{ etherType: etherType[inner.family], ...(key === undefined ? {} : { key }) },
				ipBytes(inner),
			);
		}
		case 'gue':
			return overUdp(
				payload.port,
				addresses,
				encodeGue(
					{ protocol: payload.inner.family === 'ipv4' ? ipProtocol.ipv4 : ipProtocol.ipv6 },
					ipBytes(payload.inner),
				),
			);
		case 'vxlan':
			return overUdp(
				payload.port,
				addresses,
				encodeVxlan({ vni: payload.vni }, innerFrame(payload.inner, addresses)),
			);
		case 'geneve':
			return overUdp(
				payload.port,
				addresses,
				encodeGeneve(
					{ vni: payload.vni, etherType: etherType.transparentEthernet },
					innerFrame(payload.inner, addresses),
				),
			);
	}
}

function overUdp(destinationPort: number, addresses: PacketIp, data: Uint8Array): Uint8Array {
	return encodeUdp({ sourcePort: 49152, destinationPort }, data, addresses);
}

function innerFrame(inner: PacketIp, { source, destination }: PacketIp): Uint8Array {
	const ends = { source: innerMac(source), destination: innerMac(destination) };
	return concatenate([encodeEthernet({ ...ends, etherType: etherType[inner.family] }, ipBytes(inner))]);
}
