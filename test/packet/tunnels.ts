/** A packet in every kind of tunnel, for tests of what looks through them. */
import { concatenate } from '../../src/packet/bytes.ts';
import { encodeEthernet } from '../../src/packet/ethernet.ts';
import { encodeGeneve } from '../../src/packet/geneve.ts';
import { encodeGre } from '../../src/packet/gre.ts';
import { encodeGue } from '../../src/packet/gue.ts';
import { encodeIpv4 } from '../../src/packet/ipv4.ts';
import { encodeIpv6 } from '../../src/packet/ipv6.ts';
import { etherType, ipProtocol, udpPort } from '../../src/packet/protocol.ts';
import { encodeUdp } from '../../src/packet/udp.ts';
import { encodeVxlan } from '../../src/packet/vxlan.ts';

const macs = { destination: new Uint8Array(6), source: new Uint8Array(6) };

export interface Ends {
	readonly source: Uint8Array;
	readonly destination: Uint8Array;
}

/** By name, the Ethernet frame that carries an IP packet between two ends, of 4 or of 16 bytes. */
export function inTunnels(packet: Uint8Array, ends: Ends): Readonly<Record<string, Uint8Array>> {
	const isIpv4 = (packet[0] ?? 0) >> 4 === 4;
	const protocol = isIpv4 ? ipProtocol.ipv4 : ipProtocol.ipv6;
	const innerType = isIpv4 ? etherType.ipv4 : etherType.ipv6;
	const ethernet = encodeEthernet({ ...macs, etherType: innerType }, packet);
	const outer = (number: number, content: Uint8Array): Uint8Array =>
		ends.source.length === 4
			? encodeEthernet(
					{ ...macs, etherType: etherType.ipv4 },
					encodeIpv4({ ttl: 64, protocol: number, ...ends }, content),
				)
			: encodeEthernet(
					{ ...macs, etherType: etherType.ipv6 },
					encodeIpv6({ hopLimit: 64, nextHeader: number, ...ends }, content),
				);
	const overUdp = (destinationPort: number, content: Uint8Array): Uint8Array =>
		outer(ipProtocol.udp, encodeUdp({ sourcePort: 50000, destinationPort }, content, ends));
	const ethernetType = etherType.transparentEthernet;
	return {
		ip: outer(protocol, packet),
		gre: outer(ipProtocol.gre, encodeGre({ etherType: innerType }, packet)),
		'gre with a key': outer(ipProtocol.gre, encodeGre({ etherType: innerType, key: 7 }, packet)),
		'gre with Ethernet': outer(ipProtocol.gre, encodeGre({ etherType: ethernetType }, ethernet)),
		gue: overUdp(udpPort.gue, encodeGue({ protocol }, packet)),
		vxlan: overUdp(udpPort.vxlan, encodeVxlan({ vni: 7 }, ethernet)),
		geneve: overUdp(udpPort.geneve, encodeGeneve({ etherType: ethernetType, vni: 7 }, ethernet)),
		'geneve, padded': concatenate([
			overUdp(udpPort.geneve, encodeGeneve({ etherType: ethernetType, vni: 7 }, ethernet)),
			new Uint8Array(6),
		]),
	};
}
