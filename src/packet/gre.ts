/** Generic Routing Encapsulation (RFC 2784), with key and sequence number (RFC 2890). */
import { concatenate, type Defaulted, hexadecimal, requireInput, viewOf } from './bytes.ts';
import { internetChecksum } from './checksum.ts';
import type { Dissector } from './layer.ts';
import { fieldsOf } from './layer.ts';
import { protocolTypeName } from './protocol.ts';

/** Bytes of the header without its optional fields. */
const greLength = 4;

const flag = { checksum: 0x8000, routing: 0x4000, key: 0x2000, sequence: 0x1000 } as const;
/** Bits 1 and 4 to 7, of RFC 1701: who does not know them must discard the packet (RFC 2784 section 2.3). */
const refused = 0x4f00;

/** The checksum itself is not here: the encoder computes it. */
export interface GreHeader {
	/** Ethertype of the payload; 0x6558 for a whole Ethernet frame. */
	readonly etherType: number;
	/** Whether there is a checksum. */
	readonly checksum: boolean;
	/** 32 bits; absent is not the same as 0. */
	readonly key?: number;
	/** 32 bits. */
	readonly sequence?: number;
}

function lengthOf(flags: number): number {
	const optional = [flag.checksum, flag.key, flag.sequence].filter((bit) => (flags & bit) !== 0);
	return greLength + 4 * optional.length;
}

function problem(bytes: Uint8Array): string | undefined {
	if (bytes.length < greLength) return `GRE header needs 4 bytes, ${bytes.length} here`;
	const flags = viewOf(bytes).getUint16(0);
	if (flags & 7) return `GRE header has version ${flags & 7}`;
	if (flags & refused) return `GRE header has flags ${hexadecimal(flags, 4)}, of RFC 1701`;
	const length = lengthOf(flags);
	return bytes.length < length ? `GRE header needs ${length} bytes, ${bytes.length} here` : undefined;
}

function read(bytes: Uint8Array): { readonly header: GreHeader; readonly length: number } {
	const view = viewOf(bytes);
	const flags = view.getUint16(0);
	const checksum = (flags & flag.checksum) !== 0;
	const key = checksum ? 8 : 4;
	const sequence = key + (flags & flag.key ? 4 : 0);
	return {
		header: {
			etherType: view.getUint16(2),
			checksum,
			...(flags & flag.key ? { key: view.getUint32(key) } : {}),
			...(flags & flag.sequence ? { sequence: view.getUint32(sequence) } : {}),
		},
		length: lengthOf(flags),
	};
}

/** The payload is all that follows. The checksum is not checked. The results share the bytes given. */
export function decodeGre(
	bytes: Uint8Array,
): { readonly header: GreHeader; readonly payload: Uint8Array } | undefined {
	if (problem(bytes) !== undefined) return undefined;
	const { header, length } = read(bytes);
	return { header, payload: bytes.subarray(length) };
}

/** Fills the checksum, if there is to be one: not when it is not given. */
export function encodeGre(header: Defaulted<GreHeader, 'etherType'>, payload: Uint8Array): Uint8Array {
	const { etherType, checksum = false, key, sequence } = header;
	for (const number of [key, sequence])
		requireInput(
			number === undefined || (Number.isInteger(number) && number >= 0 && number <= 0xffffffff),
			`GRE key or sequence number ${number} does not fit: give 0 to 4294967295`,
		);
	const flags =
		(checksum ? flag.checksum : 0) |
		(key === undefined ? 0 : flag.key) |
		(sequence === undefined ? 0 : flag.sequence);
	const bytes = concatenate([new Uint8Array(lengthOf(flags)), payload]);
	const view = viewOf(bytes);
	view.setUint16(0, flags);
	view.setUint16(2, etherType);
	const optional = [...(checksum ? [0] : []), ...[key, sequence].filter((number) => number !== undefined)];
	for (const [index, number] of optional.entries()) view.setUint32(greLength + 4 * index, number);
	if (checksum) view.setUint16(4, internetChecksum(bytes));
	return bytes;
}

/** See {@link Dissector}. */
export const dissectGre: Dissector = (bytes, carrier) => {
	const wrong = problem(bytes);
	if (wrong !== undefined) return wrong;
	const { header, length } = read(bytes);
	const { etherType, checksum, key, sequence } = header;
	const notes = [
		...(key === undefined ? [] : [`key ${hexadecimal(key, 8)}`]),
		...(sequence === undefined ? [] : [`seq ${sequence}`]),
	];
	const view = viewOf(bytes);
	return {
		protocol: 'gre',
		length,
		end: bytes.length,
		summary: `GRE ${[...notes, `protocol ${protocolTypeName(etherType)}`].join(', ')}`,
		brief: ['GRE', ...notes].join(' '),
		fields: fieldsOf({
			flags: hexadecimal(view.getUint16(0), 4),
			protocol: protocolTypeName(etherType),
			...(checksum ? { checksum: hexadecimal(view.getUint16(4), 4) } : {}),
			...(key === undefined ? {} : { key: hexadecimal(key, 8) }),
			...(sequence === undefined ? {} : { sequence }),
		}),
		checksum: !checksum || carrier.cut ? undefined : internetChecksum(bytes) === 0 ? 'good' : 'bad',
		// Below 0x0600 there are lengths in Ethernet, and nothing here.
		next:
			etherType < 0x0600
				? undefined
				: { space: 'ethertype', number: etherType, carrier: { cut: carrier.cut } },
	};
};
