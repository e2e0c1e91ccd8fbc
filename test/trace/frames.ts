/** Frames that come in by the router's veth0. */
import { parseMac } from '../../src/packet/address.ts';
import { concatenate } from '../../src/packet/bytes.ts';
import { encodeEthernet } from '../../src/packet/ethernet.ts';
import { encodeIpv4 } from '../../src/packet/ipv4.ts';
import { encodeIpv6 } from '../../src/packet/ipv6.ts';
import { etherType, ipProtocol } from '../../src/packet/protocol.ts';
import { encodeUdp } from '../../src/packet/udp.ts';
import { addressBytes } from '../support/journeys.ts';
import { macs } from '../support/network.ts';

export interface UdpFrame {
	readonly from: string;
	readonly to: string;
	readonly payload: Uint8Array;
	/** TTL or hop limit; 64 if not given. */
	readonly ttl?: number;
	readonly dontFragment?: boolean;
	/** Another Ethernet destination than veth0. */
	readonly mac?: string;
}

function mac(text: string): Uint8Array {
	return parseMac(text) ?? new Uint8Array(6);
}

/** An IP packet in a frame from host0 to veth0. */
export function framed(packet: Uint8Array, destination: string = macs.veth0): Uint8Array {
	const type = (packet[0] ?? 0) >> 4 === 4 ? etherType.ipv4 : etherType.ipv6;
	return encodeEthernet({ destination: mac(destination), source: mac(macs.host0), etherType: type }, packet);
}

/** UDP from port 40000 to 9, of either family by the addresses. */
export function udpPacket({ from, to, payload, ttl = 64, dontFragment = false }: UdpFrame): Uint8Array {
	const [source, destination] = [addressBytes(from), addressBytes(to)];
	const udp = encodeUdp({ sourcePort: 40000, destinationPort: 9 }, payload, { source, destination });
	return source.length === 4
		? encodeIpv4({ ttl, protocol: ipProtocol.udp, source, destination, dontFragment }, udp)
		: encodeIpv6({ hopLimit: ttl, nextHeader: ipProtocol.udp, source, destination }, udp);
}

export function udpFrame(frame: UdpFrame): Uint8Array {
	return framed(udpPacket(frame), frame.mac);
}

/** The same with an Ethernet header that leads to veth0. */
export function readdressed(frame: Uint8Array): Uint8Array {
	return concatenate([mac(macs.veth0), mac(macs.host0), frame.subarray(12)]);
}
