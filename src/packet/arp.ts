/** ARP for IPv4 over Ethernet (RFC 826). */
import { formatIpv4, formatMac } from './address.ts';
import { requireLength, viewOf } from './bytes.ts';
import type { Dissector } from './layer.ts';
import { fieldsOf } from './layer.ts';
import { etherType } from './protocol.ts';

const arpLength = 28;
const hardwareEthernet = 1;

/** The two operations in use. */
const arpOperation = { request: 1, reply: 2 } as const;

/** Hardware addresses are 6 bytes, protocol addresses 4. */
export interface ArpHeader {
	readonly operation: number;
	readonly senderHardware: Uint8Array;
	readonly senderProtocol: Uint8Array;
	readonly targetHardware: Uint8Array;
	readonly targetProtocol: Uint8Array;
}

function problem(bytes: Uint8Array): string | undefined {
	if (bytes.length < arpLength) return `ARP needs 28 bytes, ${bytes.length} here`;
	const view = viewOf(bytes);
	const isEthernet = view.getUint16(0) === hardwareEthernet && view.getUint8(4) === 6;
	const isIpv4 = view.getUint16(2) === etherType.ipv4 && view.getUint8(5) === 4;
	return isEthernet && isIpv4 ? undefined : 'ARP is not for IPv4 over Ethernet';
}

function read(bytes: Uint8Array): ArpHeader {
	return {
		operation: viewOf(bytes).getUint16(6),
		senderHardware: bytes.subarray(8, 14),
		senderProtocol: bytes.subarray(14, 18),
		targetHardware: bytes.subarray(18, 24),
		targetProtocol: bytes.subarray(24, 28),
	};
}

/** The payload is always empty: what follows ARP is padding. The results share the bytes given. */
export function decodeArp(
	bytes: Uint8Array,
): { readonly header: ArpHeader; readonly payload: Uint8Array } | undefined {
	if (problem(bytes) !== undefined) return undefined;
	return { header: read(bytes), payload: bytes.subarray(arpLength, arpLength) };
}

/** 28 bytes. */
export function encodeArp(header: ArpHeader): Uint8Array {
	requireLength('ARP sender hardware address', header.senderHardware, 6);
	requireLength('ARP sender protocol address', header.senderProtocol, 4);
	requireLength('ARP target hardware address', header.targetHardware, 6);
	requireLength('ARP target protocol address', header.targetProtocol, 4);
	const bytes = new Uint8Array(arpLength);
	const view = viewOf(bytes);
	view.setUint16(0, hardwareEthernet);
	view.setUint16(2, etherType.ipv4);
	view.setUint8(4, 6);
	view.setUint8(5, 4);
	view.setUint16(6, header.operation);
	bytes.set(header.senderHardware, 8);
	bytes.set(header.senderProtocol, 14);
	bytes.set(header.targetHardware, 18);
	bytes.set(header.targetProtocol, 24);
	return bytes;
}

function describe(header: ArpHeader): string {
	const sender = formatIpv4(header.senderProtocol);
	const target = formatIpv4(header.targetProtocol);
	if (header.operation === arpOperation.request) return `ARP who has ${target}, tell ${sender}`;
	if (header.operation === arpOperation.reply)
		return `ARP ${sender} is at ${formatMac(header.senderHardware)}`;
	return `ARP operation ${header.operation}, ${sender} > ${target}`;
}

/** See {@link Dissector}. */
export const dissectArp: Dissector = (bytes) => {
	const wrong = problem(bytes);
	if (wrong !== undefined) return wrong;
	const header = read(bytes);
	return {
		protocol: 'arp',
		length: arpLength,
		end: arpLength,
		summary: describe(header),
		brief: describe(header),
		fields: fieldsOf({
			operation: header.operation,
			'sender hardware address': formatMac(header.senderHardware),
			'sender protocol address': formatIpv4(header.senderProtocol),
			'target hardware address': formatMac(header.targetHardware),
			'target protocol address': formatIpv4(header.targetProtocol),
		}),
	};
};
