/** Generic UDP Encapsulation, variant 0 (draft-ietf-intarea-gue). */
import { concatenate, type Defaulted, hexadecimal, requireInput, viewOf } from './bytes.ts';
import type { Dissector } from './layer.ts';
import { fieldsOf } from './layer.ts';
import { ipProtocolName } from './protocol.ts';

/** Bytes of the header without extension fields. */
const gueLength = 4;

/** The header length is not here: the encoder computes it. */
export interface GueHeader {
	/** A control message: `protocol` is then its type. */
	readonly control: boolean;
	/** IP protocol of the payload. */
	readonly protocol: number;
	/** 16 bits that tell which extension fields there are. */
	readonly flags: number;
	/** Extension fields and private data as they stand: a multiple of 4 bytes, up to 124. */
	readonly extensions: Uint8Array;
}

function problem(bytes: Uint8Array): string | undefined {
	if (bytes.length < gueLength) return `GUE header needs 4 bytes, ${bytes.length} here`;
	const first = bytes[0] ?? 0;
	if (first >> 6 !== 0) return `GUE header has variant ${first >> 6}`;
	const length = gueLength + (first & 0x1f) * 4;
	return bytes.length < length ? `GUE header needs ${length} bytes, ${bytes.length} here` : undefined;
}

function read(bytes: Uint8Array): { readonly header: GueHeader; readonly length: number } {
	const view = viewOf(bytes);
	const first = view.getUint8(0);
	const length = gueLength + (first & 0x1f) * 4;
	return {
		header: {
			control: (first & 0x20) !== 0,
			protocol: view.getUint8(1),
			flags: view.getUint16(2),
			extensions: bytes.subarray(gueLength, length),
		},
		length,
	};
}

/** The payload is all that follows. The results share the bytes given. */
export function decodeGue(
	bytes: Uint8Array,
): { readonly header: GueHeader; readonly payload: Uint8Array } | undefined {
	if (problem(bytes) !== undefined) return undefined;
	const { header, length } = read(bytes);
	return { header, payload: bytes.subarray(length) };
}

/** Fills the header length; what is not given is 0, false or empty. Throws EF_INPUT for what does not fit. */
export function encodeGue(header: Defaulted<GueHeader, 'protocol'>, payload: Uint8Array): Uint8Array {
	const { control = false, protocol, flags = 0, extensions = new Uint8Array() } = header;
	requireInput(
		extensions.length <= 124 && extensions.length % 4 === 0,
		`GUE extension fields have ${extensions.length} bytes: give a multiple of 4 up to 124`,
	);
	const bytes = new Uint8Array(gueLength);
	const view = viewOf(bytes);
	view.setUint8(0, (control ? 0x20 : 0) | (extensions.length / 4));
	view.setUint8(1, protocol);
	view.setUint16(2, flags);
	return concatenate([bytes, extensions, payload]);
}

/** See {@link Dissector}. */
export const dissectGue: Dissector = (bytes, carrier) => {
	const wrong = problem(bytes);
	if (wrong !== undefined) return wrong;
	const { header, length } = read(bytes);
	const { control, protocol, flags, extensions } = header;
	const notes = [
		...(flags ? [`flags ${hexadecimal(flags, 4)}`] : []),
		...(extensions.length ? [`extensions ${extensions.length} bytes`] : []),
	];
	const payload = control ? `control type ${protocol}` : `protocol ${ipProtocolName(protocol)}`;
	return {
		protocol: 'gue',
		length,
		end: bytes.length,
		summary: `GUE ${[payload, ...notes].join(', ')}`,
		brief: control ? `GUE ${payload}` : 'GUE',
		fields: fieldsOf({
			variant: 0,
			control,
			'header length': length,
			...(control ? { 'control type': protocol } : { protocol: ipProtocolName(protocol) }),
			flags: hexadecimal(flags, 4),
		}),
		// The numbers are those of an IPv4 header: ICMPv6 and extension headers need one of IPv6 before them.
		next: control ? undefined : { space: 'ipv4', number: protocol, carrier: { cut: carrier.cut } },
	};
};
