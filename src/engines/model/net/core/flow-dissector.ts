/** Protocol and ports of a packet for rules that ask for them: net/core/flow_dissector.c, stopping at encapsulation. */
import { ipProtocol } from '../../../../packet/protocol.ts';
import { byteAt, type Skb, wordAt } from './skb.ts';

export interface Ports {
	readonly protocol: number;
	readonly sourcePort: number;
	readonly destinationPort: number;
}

/** Protocols whose header begins with two ports (proto_ports_offset). */
const withPorts: ReadonlySet<number> = new Set([ipProtocol.tcp, ipProtocol.udp, 33, 132, 136]);

export function skbPorts(skb: Skb): Ports {
	return byteAt(skb, 0) >> 4 === 6 ? ports6(skb) : ports4(skb);
}

function ports4(skb: Skb): Ports {
	const protocol = byteAt(skb, 9);
	const fragment = (wordAt(skb, 6) & 0x3fff) !== 0;
	return fragment
		? { protocol, sourcePort: 0, destinationPort: 0 }
		: portsAt(skb, protocol, (byteAt(skb, 0) & 15) * 4);
}

function ports6(skb: Skb): Ports {
	let protocol = byteAt(skb, 6);
	let offset = 40;
	while (
		protocol === ipProtocol.hopByHop ||
		protocol === ipProtocol.routing ||
		protocol === ipProtocol.destinationOptions
	) {
		protocol = byteAt(skb, offset);
		offset += (byteAt(skb, offset + 1) + 1) * 8;
	}
	if (protocol === ipProtocol.fragment)
		return { protocol: byteAt(skb, offset), sourcePort: 0, destinationPort: 0 };
	return portsAt(skb, protocol, offset);
}

function portsAt(skb: Skb, protocol: number, offset: number): Ports {
	if (!withPorts.has(protocol)) return { protocol, sourcePort: 0, destinationPort: 0 };
	return { protocol, sourcePort: wordAt(skb, offset), destinationPort: wordAt(skb, offset + 2) };
}
