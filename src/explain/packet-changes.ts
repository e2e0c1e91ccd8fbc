/** What of the packet itself might be otherwise: its mark, which a rule of this host gives it, or what its sender writes. */
import { formatMac, parseMac } from '../packet/address.ts';
import { hexadecimal, viewOf } from '../packet/bytes.ts';
import { internetChecksum } from '../packet/checksum.ts';
import { dissect } from '../packet/dissect.ts';
import { ethernetLength } from '../packet/ethernet.ts';
import { etherType } from '../packet/protocol.ts';
import type { Change } from './change.ts';
import type { Facts } from './facts.ts';
import type { State } from './state.ts';

export function packetChanges(state: State, facts: Facts): Change[] {
	return [...markChanges(state), ...socketChanges(state, facts), ...senderChanges(state, facts)];
}

/** The marks that the host's rules ask for. */
function markChanges({ host, packet }: State): Change[] {
	const marks = (host.rules ?? []).flatMap(({ mark }) => (mark === undefined || mark === 0 ? [] : [mark]));
	return [...new Set([...marks, 0])]
		.filter((mark) => mark !== (packet.mark ?? 0))
		.map((mark) => ({
			kind: 'mark',
			openness: mark === 0 ? 1 : 0,
			text:
				mark === 0
					? 'let no firewall rule or program mark the packet before it is routed'
					: `have a firewall rule or program mark the packet ${hexadecimal(mark, 1)} before it is routed (PREROUTING)`,
			commands: [],
			affects: 'whatever else that rule or program matches',
			subject: 'mark',
			apply: (before: State) => ({ ...before, packet: { ...before.packet, mark } }),
		}));
}

/** A program of this host's that takes the packet. */
function socketChanges({ packet }: State, { journey }: Facts): Change[] {
	if (journey.outcome.kind !== 'dropped' || journey.outcome.cause !== 'no-receiver') return [];
	const drop = journey.sightings.findLast(({ place }) => place === 'drop');
	const layer = dissect(drop?.frame ?? packet.frame).find(
		({ protocol }) => protocol === 'tcp' || protocol === 'udp',
	);
	const port = Number(layer?.fields.find(({ name }) => name === 'destination port')?.value);
	if (layer === undefined || !Number.isInteger(port)) return [];
	const protocol = layer.protocol === 'tcp' ? 6 : 17;
	return [
		{
			kind: 'socket',
			openness: 0,
			text: `have a program of this host listen on ${layer.protocol.toUpperCase()} port ${port}`,
			commands: [],
			affects: 'nothing else on this host',
			subject: 'socket',
			apply: (before) => ({
				...before,
				host: { ...before.host, sockets: [...(before.host.sockets ?? []), { protocol, port }] },
			}),
		},
	];
}

/** What only the packet's sender can do. */
function senderChanges({ packet, host }: State, { length, journey }: Facts): Change[] {
	const { frame } = packet;
	const type = frame.length > ethernetLength ? viewOf(frame).getUint16(12) : 0;
	const isIpv4 = type === etherType.ipv4;
	if (!isIpv4 && type !== etherType.ipv6) return [];
	const ttlAt = ethernetLength + (isIpv4 ? 8 : 7);
	const changes: Change[] = [];
	const sender = (openness: number, text: string, subject: string, bytes: () => Uint8Array): void => {
		changes.push({
			kind: 'packet',
			openness,
			text: `the sender: ${text}`,
			commands: [],
			affects: 'nothing else on this host',
			subject,
			apply: (before) => ({ ...before, packet: { ...before.packet, frame: bytes() } }),
		});
	};
	const changed = (at: number, ...values: readonly number[]): Uint8Array => {
		const bytes = frame.slice();
		bytes.set(values, at);
		return isIpv4 ? withChecksum(bytes) : bytes;
	};
	const mac = parseMac(host.devices[packet.device]?.mac ?? '');
	if (mac !== undefined && formatMac(mac) !== formatMac(frame.subarray(0, 6))) {
		sender(0, `send the frame to ${formatMac(mac)}, the address of ${packet.device}`, 'mac', () =>
			changed(0, ...mac),
		);
	}
	if ((frame[ttlAt] ?? 0) <= 1) {
		const name = isIpv4 ? 'TTL' : 'hop limit';
		sender(0, `send the packet with a ${name} of 2 or more`, 'ttl', () => changed(ttlAt, 64));
	}
	if (isIpv4 && ((frame[ethernetLength + 6] ?? 0) & 0x40) !== 0) {
		const flags = (frame[ethernetLength + 6] ?? 0) & ~0x40;
		sender(2, 'allow the packet to be fragmented (clear DF)', 'df', () => changed(ethernetLength + 6, flags));
	}
	if (isIpv4 && journey.outcome.kind === 'dropped' && journey.outcome.cause === 'bad-checksum') {
		sender(0, 'send the packet with a right IP header checksum', 'checksum', () =>
			withChecksum(frame.slice()),
		);
	}
	const mtus = Object.values(host.devices).map(({ mtu = 1500 }) => mtu);
	for (const mtu of new Set(mtus.filter((each) => each < length && each >= 68))) {
		// What encapsulation adds stays as it is.
		const own = frame.length - ethernetLength;
		const size = own - (length - mtu);
		if (size < (isIpv4 ? 28 : 48)) continue;
		sender(1, `send at most ${size} bytes in an IP packet, headers included`, 'length', () =>
			shortened(frame, size, isIpv4),
		);
	}
	return changes;
}

function withChecksum(frame: Uint8Array): Uint8Array {
	const length = ((frame[ethernetLength] ?? 0) & 15) * 4;
	const view = viewOf(frame);
	if (ethernetLength + length > frame.length) return frame;
	view.setUint16(ethernetLength + 10, 0);
	view.setUint16(
		ethernetLength + 10,
		internetChecksum(frame.subarray(ethernetLength, ethernetLength + length)),
	);
	return frame;
}

/** The IP packet cut to so many bytes; a forwarding host does not look at the rest. */
function shortened(frame: Uint8Array, size: number, isIpv4: boolean): Uint8Array {
	const bytes = frame.slice(0, ethernetLength + size);
	const view = viewOf(bytes);
	if (!isIpv4) {
		view.setUint16(ethernetLength + 4, size - 40);
		return bytes;
	}
	view.setUint16(ethernetLength + 2, size);
	return withChecksum(bytes);
}
