/** Drops in words, for people. */
import { causes } from '../journey/cause.ts';
import { summarize } from '../packet/dissect.ts';
import { etherTypeName, ipProtocolName } from '../packet/protocol.ts';
import type { DroppedPacket, TracedDrop } from './drop.ts';
import type { Headers, IpHeader } from './key.ts';

/** `12,345` */
export function grouped(number: number): string {
	return Math.round(number).toLocaleString('en-US');
}

/** `1 packet`, `2 packets` */
export function packetsText(packets: number): string {
	return `${grouped(packets)} packet${packets === 1 ? '' : 's'}`;
}

/** `udp`, or the number of a protocol without a name. */
export function protocolText(protocol: number): string {
	return ipProtocolName(protocol).replace(/ \(\d+\)$/, '');
}

function headerText({ source, destination, protocol }: IpHeader, carries?: string): string {
	return `${source} > ${destination} ${carries ?? protocolText(protocol)}`;
}

/** `10.0.0.1 > 10.0.0.2 vxlan | fd00::1 > fd00::2 udp` */
function headersText({ ethertype, outer, encapsulation, inner }: Headers): string {
	if (outer === undefined)
		return ethertype === 0 ? 'not IP' : etherTypeName(ethertype).replace(/ \(.*\)$/, '');
	return [headerText(outer, encapsulation), ...(inner === undefined ? [] : [headerText(inner)])].join(' | ');
}

/** Which packets a drop is of. */
export function packetText({ by, headers, tooMany }: TracedDrop): string {
	if (tooMany) return 'packets of too many kinds to be told apart';
	if (headers !== undefined) return headersText(headers);
	return by === 'xdp'
		? 'frames in XDP, of which the kernel tells no more'
		: 'frames that the datapath counted';
}

/** `veth0`, `veth0 in blue`, `veth0 to veth1` */
export function deviceText({ device, target, namespace }: TracedDrop): string {
	const at = device === '' ? 'no device' : device;
	const to = target === undefined ? '' : ` to ${target}`;
	return namespace === 'host' ? `${at}${to}` : `${at}${to} in ${namespace}`;
}

/** `IP_RPFILTER at ip_rcv_finish_core: reverse-path` */
export function reasonText({ reason, where, cause }: TracedDrop): string {
	return `${reason} at ${where}: ${cause}`;
}

/** What each errno of a redirect means, where it is not in the error's name. */
const redirectErrors: Readonly<Record<string, (from: string, to: string) => string>> = {
	ENXIO: (from, to) =>
		`${to} does not take frames that XDP redirects from ${from}: the other end of a veth takes them only if it has an XDP program itself (or GRO).`,
	EOPNOTSUPP: (from, to) =>
		`${to} does not take frames that XDP redirects from ${from}: its driver cannot, or it is a veth whose other end has no XDP program (and no GRO).`,
	ENETDOWN: (from, to) => `${to} is down, and frames that XDP redirects from ${from} to it are lost.`,
	EMSGSIZE: (from, to) =>
		`Frames that XDP redirects from ${from} are longer than ${to} can send: its MTU is less.`,
	ENOSPC: (from, to) => `The queue of ${to} is full: frames that XDP redirects from ${from} are lost.`,
	EINVAL: (from, to) => `XDP redirects frames from ${from} to ${to}, and there is none.`,
};

/** Why, in one sentence. */
export function explanationOf(drop: TracedDrop): string {
	const { by, cause, reason, where, device, target } = drop;
	if (cause === 'xdp-redirect') {
		const words = redirectErrors[reason];
		const to = target ?? 'a device';
		if (words !== undefined) return words(device, to);
		return `Frames that an XDP program redirects from ${device} to ${to} are lost (${reason}).`;
	}
	if (by === 'datapath') return `The datapath dropped the packets (${reason}): ${causes[cause]}.`;
	if (cause === 'unknown' && reason !== 'NOT_SPECIFIED') {
		return `${where} dropped the packets, for what the kernel calls ${reason}.`;
	}
	return `${where} dropped the packets: ${causes[cause]}.`;
}

/** The time of day to the microsecond, as the machine has it. */
function timeText(time: bigint): string {
	const date = new Date(Number(time / 1_000_000n));
	const two = (number: number): string => String(number).padStart(2, '0');
	const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
	return `${clock}.${String((time / 1000n) % 1_000_000n).padStart(6, '0')}`;
}

/** One line for one packet: when, where, why, and its headers. */
export function dropLine(drop: TracedDrop, packet: DroppedPacket, packets: number): string {
	const whole = packet.length > packet.bytes.length ? `, ${packet.length} bytes` : '';
	const what =
		packet.start === 'unknown' || packet.bytes.length === 0
			? packetText(drop)
			: summarize(packet.bytes, packet.start).replace(/^Malformed: .*$/, packetText(drop));
	const many = packets === 1 ? '' : `${packets} × `;
	return `${timeText(packet.time)} ${deviceText(drop)}: ${reasonText(drop)}: ${many}${what}${whole}`;
}
