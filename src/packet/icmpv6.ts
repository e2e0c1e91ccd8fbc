/** ICMPv6 (RFC 4443), with the solicitations and advertisements of neighbour discovery (RFC 4861). */
import { formatIpv6, formatMac } from './address.ts';
import { concatenate, hexadecimal, requireLength, viewOf } from './bytes.ts';
import type { Addresses } from './checksum.ts';
import { transportChecksum } from './checksum.ts';
import type { Dissector } from './layer.ts';
import { fieldsOf } from './layer.ts';
import { etherType, ipProtocol } from './protocol.ts';

/** Bytes of the header of every type but those of neighbour discovery. */
const icmpv6Length = 8;
const neighbourLength = 24;

/** Types by name (IANA: ICMPv6 Parameters). */
export const icmpv6Type = {
	destinationUnreachable: 1,
	packetTooBig: 2,
	timeExceeded: 3,
	parameterProblem: 4,
	echoRequest: 128,
	echoReply: 129,
	routerSolicitation: 133,
	routerAdvertisement: 134,
	neighbourSolicitation: 135,
	neighbourAdvertisement: 136,
} as const;

/** Echo request and reply. */
export interface Icmpv6Echo {
	readonly type: number;
	readonly code: number;
	readonly identifier: number;
	readonly sequence: number;
}

/** Neighbour solicitation and advertisement; its payload is the options. */
export interface Icmpv6Neighbour {
	readonly type: number;
	readonly code: number;
	/** Of an advertisement only: bits of {@link neighbourFlag}. */
	readonly flags: number;
	/** 16 bytes. */
	readonly target: Uint8Array;
}

/** Every other type. */
export interface Icmpv6Other {
	readonly type: number;
	readonly code: number;
	/** The last four bytes of the header as one number: MTU of "packet too big", pointer of "parameter problem". */
	readonly rest: number;
}

/** The checksum is not here: the encoder computes it. */
export type Icmpv6Header = Icmpv6Echo | Icmpv6Neighbour | Icmpv6Other;

/** The first byte behind the checksum of a neighbour advertisement (RFC 4861 section 4.4). */
export const neighbourFlag = { router: 0x80, solicited: 0x40, override: 0x20 } as const;

/** Options with a link-layer address: the source's in a solicitation, the target's in an advertisement. */
export const linkLayerOption = { source: 1, target: 2 } as const;

const typeNames: ReadonlyMap<number, string> = new Map([
	[icmpv6Type.destinationUnreachable, 'destination unreachable'],
	[icmpv6Type.packetTooBig, 'packet too big'],
	[icmpv6Type.timeExceeded, 'time exceeded'],
	[icmpv6Type.parameterProblem, 'parameter problem'],
	[icmpv6Type.echoRequest, 'echo request'],
	[icmpv6Type.echoReply, 'echo reply'],
	[icmpv6Type.routerSolicitation, 'router solicitation'],
	[icmpv6Type.routerAdvertisement, 'router advertisement'],
	[icmpv6Type.neighbourSolicitation, 'neighbour solicitation'],
	[icmpv6Type.neighbourAdvertisement, 'neighbour advertisement'],
]);

/** Codes of destination unreachable (RFC 4443 section 3.1). */
const unreachableNames: readonly string[] = [
	'no route',
	'communication prohibited',
	'beyond scope of source address',
	'address',
	'port',
	'source address failed policy',
	'reject route',
];

function isNeighbour(type: number): boolean {
	return type === icmpv6Type.neighbourSolicitation || type === icmpv6Type.neighbourAdvertisement;
}

function problem(bytes: Uint8Array): string | undefined {
	if (bytes.length < icmpv6Length) return `ICMPv6 header needs 8 bytes, ${bytes.length} here`;
	const type = bytes[0] ?? 0;
	return isNeighbour(type) && bytes.length < neighbourLength
		? `ICMPv6 ${typeNames.get(type)} needs 24 bytes, ${bytes.length} here`
		: undefined;
}

function read(bytes: Uint8Array): { readonly header: Icmpv6Header; readonly headerLength: number } {
	const view = viewOf(bytes);
	const type = view.getUint8(0);
	const code = view.getUint8(1);
	if (isNeighbour(type))
		return {
			header: { type, code, flags: view.getUint8(4), target: bytes.subarray(8, neighbourLength) },
			headerLength: neighbourLength,
		};
	if (type === icmpv6Type.echoRequest || type === icmpv6Type.echoReply)
		return {
			header: { type, code, identifier: view.getUint16(4), sequence: view.getUint16(6) },
			headerLength: icmpv6Length,
		};
	return { header: { type, code, rest: view.getUint32(4) }, headerLength: icmpv6Length };
}

/** The checksum is not checked. The results share the bytes given. */
export function decodeIcmpv6(
	bytes: Uint8Array,
): { readonly header: Icmpv6Header; readonly payload: Uint8Array } | undefined {
	if (problem(bytes) !== undefined) return undefined;
	const { header, headerLength } = read(bytes);
	return { header, payload: bytes.subarray(headerLength) };
}

/** Fills the checksum. */
export function encodeIcmpv6(header: Icmpv6Header, payload: Uint8Array, addresses: Addresses): Uint8Array {
	const headerLength = 'target' in header ? neighbourLength : icmpv6Length;
	const bytes = concatenate([new Uint8Array(headerLength), payload]);
	const view = viewOf(bytes);
	view.setUint8(0, header.type);
	view.setUint8(1, header.code);
	if ('target' in header) {
		requireLength('Neighbour discovery target', header.target, 16);
		view.setUint8(4, header.flags);
		bytes.set(header.target, 8);
	} else if ('rest' in header) view.setUint32(4, header.rest);
	else {
		view.setUint16(4, header.identifier);
		view.setUint16(6, header.sequence);
	}
	view.setUint16(2, transportChecksum(bytes, ipProtocol.icmpv6, addresses));
	return bytes;
}

/** One option with an Ethernet address, 8 bytes (RFC 4861 section 4.6.1). */
export function encodeLinkLayerOption(type: number, mac: Uint8Array): Uint8Array {
	requireLength('Link-layer address', mac, 6);
	return concatenate([Uint8Array.of(type, 1), mac]);
}

/** The Ethernet address in the first option of this type, if there is one. */
export function findLinkLayerOption(options: Uint8Array, type: number): Uint8Array | undefined {
	let rest = options;
	while (rest.length >= 8) {
		const length = (rest[1] ?? 0) * 8;
		if (rest[0] === type && length === 8) return rest.subarray(2, 8);
		if (length === 0) return undefined;
		rest = rest.subarray(length);
	}
	return undefined;
}

function describe(header: Icmpv6Header): string {
	const { type, code } = header;
	const name = typeNames.get(type);
	if (name === undefined) return `type ${type}, code ${code}`;
	if ('identifier' in header) return `${name}, id ${header.identifier}, seq ${header.sequence}`;
	if ('target' in header)
		return type === icmpv6Type.neighbourSolicitation
			? `${name}, who has ${formatIpv6(header.target)}`
			: `${name}, target ${formatIpv6(header.target)}`;
	if (type === icmpv6Type.destinationUnreachable)
		return `${name}, ${unreachableNames[code] ?? `code ${code}`}`;
	if (type === icmpv6Type.packetTooBig) return `${name}, mtu ${header.rest}`;
	return `${name}, code ${code}`;
}

/** See {@link Dissector}. An error's payload is dissected as the packet it quotes. */
export const dissectIcmpv6: Dissector = (bytes, carrier) => {
	const wrong = problem(bytes);
	if (wrong !== undefined) return wrong;
	const { header, headerLength } = read(bytes);
	const neighbour = 'target' in header ? header : undefined;
	const options = neighbour ? bytes.subarray(headerLength) : new Uint8Array();
	const isSolicitation = header.type === icmpv6Type.neighbourSolicitation;
	const mac = findLinkLayerOption(options, isSolicitation ? linkLayerOption.source : linkLayerOption.target);
	const macNote =
		mac === undefined ? '' : isSolicitation ? `, from ${formatMac(mac)}` : `, at ${formatMac(mac)}`;
	const description = `${describe(header)}${macNote}`;
	// Below 128 are the errors; those that RFC 4443 names quote the packet they are about.
	const quotes = header.type >= 1 && header.type <= 4 && bytes.length > headerLength;
	const { type, code, ...rest } = header;
	const { addresses } = carrier;
	return {
		protocol: 'icmpv6',
		length: headerLength + options.length,
		end: bytes.length,
		summary: `ICMPv6 ${description}, length ${bytes.length}`,
		brief: `ICMPv6 ${description.replaceAll(',', '')}${quotes ? ' quoting' : ''}`,
		fields: fieldsOf({
			type,
			code,
			...('target' in rest ? { flags: hexadecimal(rest.flags, 2), target: formatIpv6(rest.target) } : rest),
			...(mac === undefined ? {} : { 'link-layer address': formatMac(mac) }),
			checksum: hexadecimal(viewOf(bytes).getUint16(2), 4),
		}),
		checksum:
			carrier.cut || addresses === undefined
				? undefined
				: transportChecksum(bytes, ipProtocol.icmpv6, addresses) === 0
					? 'good'
					: 'bad',
		next: quotes ? { space: 'ethertype', number: etherType.ipv6, carrier: { cut: true } } : undefined,
	};
};
