/** ICMP for IPv4 (RFC 792). */
import { formatIpv4 } from './address.ts';
import { concatenate, hexadecimal, viewOf } from './bytes.ts';
import { internetChecksum } from './checksum.ts';
import type { Dissector } from './layer.ts';
import { fieldsOf } from './layer.ts';
import { etherType } from './protocol.ts';

/** Bytes of the header of every type. */
const icmpLength = 8;

/** Types by name (IANA: ICMP Parameters). */
export const icmpType = {
	echoReply: 0,
	destinationUnreachable: 3,
	redirect: 5,
	echoRequest: 8,
	timeExceeded: 11,
	parameterProblem: 12,
} as const;

/** Echo request and reply. */
export interface IcmpEcho {
	readonly type: number;
	readonly code: number;
	readonly identifier: number;
	readonly sequence: number;
}

/** Every other type. */
export interface IcmpOther {
	readonly type: number;
	readonly code: number;
	/**
	 * The last four bytes of the header as one number: next-hop MTU of "fragmentation needed" (RFC 1191), gateway
	 * of a redirect.
	 */
	readonly rest: number;
}

/** The checksum is not here: the encoder computes it. */
export type IcmpHeader = IcmpEcho | IcmpOther;

const typeNames: ReadonlyMap<number, string> = new Map([
	[icmpType.echoReply, 'echo reply'],
	[icmpType.destinationUnreachable, 'destination unreachable'],
	[icmpType.redirect, 'redirect'],
	[icmpType.echoRequest, 'echo request'],
	[icmpType.timeExceeded, 'time exceeded'],
	[icmpType.parameterProblem, 'parameter problem'],
]);

/** Codes of destination unreachable (RFC 792, RFC 1122, RFC 1812). */
const unreachableNames: readonly string[] = [
	'net',
	'host',
	'protocol',
	'port',
	'fragmentation needed',
	'source route failed',
	'net unknown',
	'host unknown',
	'source host isolated',
	'net prohibited',
	'host prohibited',
	'net for type of service',
	'host for type of service',
	'communication prohibited',
	'host precedence violation',
	'precedence cutoff',
];

/** Types whose payload is the packet they are about. */
const quotingTypes: ReadonlySet<number> = new Set([
	icmpType.destinationUnreachable,
	icmpType.redirect,
	icmpType.timeExceeded,
	icmpType.parameterProblem,
]);

function read(bytes: Uint8Array): IcmpHeader {
	const view = viewOf(bytes);
	const type = view.getUint8(0);
	const code = view.getUint8(1);
	if (type === icmpType.echoRequest || type === icmpType.echoReply)
		return { type, code, identifier: view.getUint16(4), sequence: view.getUint16(6) };
	return { type, code, rest: view.getUint32(4) };
}

/** The checksum is not checked. The results share the bytes given. */
export function decodeIcmp(
	bytes: Uint8Array,
): { readonly header: IcmpHeader; readonly payload: Uint8Array } | undefined {
	if (bytes.length < icmpLength) return undefined;
	return { header: read(bytes), payload: bytes.subarray(icmpLength) };
}

/** Fills the checksum. */
export function encodeIcmp(header: IcmpHeader, payload: Uint8Array): Uint8Array {
	const bytes = concatenate([new Uint8Array(icmpLength), payload]);
	const view = viewOf(bytes);
	view.setUint8(0, header.type);
	view.setUint8(1, header.code);
	if ('rest' in header) view.setUint32(4, header.rest);
	else {
		view.setUint16(4, header.identifier);
		view.setUint16(6, header.sequence);
	}
	view.setUint16(2, internetChecksum(bytes));
	return bytes;
}

function describe(header: IcmpHeader, rest: Uint8Array): string {
	const { type, code } = header;
	const name = typeNames.get(type);
	if (name === undefined) return `type ${type}, code ${code}`;
	if ('identifier' in header) return `${name}, id ${header.identifier}, seq ${header.sequence}`;
	if (type === icmpType.destinationUnreachable) {
		const reason = unreachableNames[code] ?? `code ${code}`;
		return `${name}, ${reason}${code === 4 ? `, mtu ${header.rest & 0xffff}` : ''}`;
	}
	if (type === icmpType.redirect) return `${name}, code ${code}, gateway ${formatIpv4(rest)}`;
	return `${name}, code ${code}`;
}

/** See {@link Dissector}. An error's payload is dissected as the packet it quotes. */
export const dissectIcmp: Dissector = (bytes, carrier) => {
	if (bytes.length < icmpLength) return `ICMP header needs 8 bytes, ${bytes.length} here`;
	const header = read(bytes);
	const description = describe(header, bytes.subarray(4, 8));
	const quotes = quotingTypes.has(header.type) && bytes.length > icmpLength;
	const { type, code, ...rest } = header;
	return {
		protocol: 'icmp',
		length: icmpLength,
		end: bytes.length,
		summary: `ICMP ${description}, length ${bytes.length}`,
		brief: `ICMP ${description.replaceAll(',', '')}${quotes ? ' quoting' : ''}`,
		fields: fieldsOf({ type, code, ...rest, checksum: hexadecimal(viewOf(bytes).getUint16(2), 4) }),
		checksum: carrier.cut ? undefined : internetChecksum(bytes) === 0 ? 'good' : 'bad',
		next: quotes ? { space: 'ethertype', number: etherType.ipv4, carrier: { cut: true } } : undefined,
	};
};
