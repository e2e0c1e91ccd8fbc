/** Virtual eXtensible Local Area Network (RFC 7348). */
import { concatenate, type Defaulted, hexadecimal, requireInput, viewOf } from './bytes.ts';
import type { Dissector } from './layer.ts';
import { fieldsOf } from './layer.ts';
import { etherType } from './protocol.ts';

/** Bytes of the header. */
const vxlanLength = 8;

/** The flag I: the VNI is valid. Every VXLAN header has it. */
const vniValid = 0x08;

/** The reserved bits are not here: the encoder writes zero, the decoder does not look. */
export interface VxlanHeader {
	/** 8 bits; 0x08, the flag I, in every header that follows the RFC. */
	readonly flags: number;
	/** Virtual network identifier, 24 bits. */
	readonly vni: number;
}

function read(bytes: Uint8Array): VxlanHeader {
	const view = viewOf(bytes);
	return { flags: view.getUint8(0), vni: view.getUint32(4) >>> 8 };
}

/** The payload, an Ethernet frame, is all that follows. The results share the bytes given. */
export function decodeVxlan(
	bytes: Uint8Array,
): { readonly header: VxlanHeader; readonly payload: Uint8Array } | undefined {
	if (bytes.length < vxlanLength) return undefined;
	return { header: read(bytes), payload: bytes.subarray(vxlanLength) };
}

/** The flag I is set when no flags are given. Throws EF_INPUT for what does not fit. */
export function encodeVxlan(header: Defaulted<VxlanHeader, 'vni'>, payload: Uint8Array): Uint8Array {
	const { flags = vniValid, vni } = header;
	requireInput(
		Number.isInteger(vni) && vni >= 0 && vni <= 0xffffff,
		`VXLAN VNI ${vni} does not fit: give 0 to 16777215`,
	);
	const bytes = new Uint8Array(vxlanLength);
	const view = viewOf(bytes);
	view.setUint8(0, flags);
	view.setUint32(4, vni << 8);
	return concatenate([bytes, payload]);
}

/** See {@link Dissector}. */
export const dissectVxlan: Dissector = (bytes, carrier) => {
	if (bytes.length < vxlanLength) return `VXLAN header needs 8 bytes, ${bytes.length} here`;
	const { flags, vni } = read(bytes);
	return {
		protocol: 'vxlan',
		length: vxlanLength,
		end: bytes.length,
		summary: `VXLAN vni ${vni}${flags === vniValid ? '' : `, flags ${hexadecimal(flags, 2)}`}`,
		brief: `VXLAN vni ${vni}`,
		fields: fieldsOf({ flags: hexadecimal(flags, 2), vni }),
		next: { space: 'ethertype', number: etherType.transparentEthernet, carrier: { cut: carrier.cut } },
	};
};
