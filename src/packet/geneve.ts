/** Generic Network Virtualization Encapsulation (RFC 8926). */
import { concatenate, type Defaulted, requireInput, viewOf } from './bytes.ts';
import type { Dissector } from './layer.ts';
import { fieldsOf } from './layer.ts';
import { protocolTypeName } from './protocol.ts';

/** Bytes of the header without options. */
const geneveLength = 8;

/** Version and options length are not here: the one is 0, the other the encoder computes. */
export interface GeneveHeader {
	/** The flag O: a control packet. */
	readonly control: boolean;
	/** The flag C: there are options that a receiver must know. */
	readonly critical: boolean;
	/** Ethertype of the payload; 0x6558 for a whole Ethernet frame. */
	readonly etherType: number;
	/** Virtual network identifier, 24 bits. */
	readonly vni: number;
	/** As they stand: a multiple of 4 bytes, up to 252. */
	readonly options: Uint8Array;
}

function problem(bytes: Uint8Array): string | undefined {
	if (bytes.length < geneveLength) return `Geneve header needs 8 bytes, ${bytes.length} here`;
	const first = bytes[0] ?? 0;
	if (first >> 6 !== 0) return `Geneve header has version ${first >> 6}`;
	const length = geneveLength + (first & 0x3f) * 4;
	return bytes.length < length ? `Geneve header needs ${length} bytes, ${bytes.length} here` : undefined;
}

function read(bytes: Uint8Array): { readonly header: GeneveHeader; readonly length: number } {
	const view = viewOf(bytes);
	const length = geneveLength + (view.getUint8(0) & 0x3f) * 4;
	const flags = view.getUint8(1);
	return {
		header: {
			control: (flags & 0x80) !== 0,
			critical: (flags & 0x40) !== 0,
			etherType: view.getUint16(2),
			vni: view.getUint32(4) >>> 8,
			options: bytes.subarray(geneveLength, length),
		},
		length,
	};
}

/** The payload is all that follows. The results share the bytes given. */
export function decodeGeneve(
	bytes: Uint8Array,
): { readonly header: GeneveHeader; readonly payload: Uint8Array } | undefined {
	if (problem(bytes) !== undefined) return undefined;
	const { header, length } = read(bytes);
	return { header, payload: bytes.subarray(length) };
}

/** Fills version and options length; what is not given is false or empty. Throws EF_INPUT for what does not fit. */
export function encodeGeneve(
	header: Defaulted<GeneveHeader, 'etherType' | 'vni'>,
	payload: Uint8Array,
): Uint8Array {
	const { control = false, critical = false, etherType, vni, options = new Uint8Array() } = header;
	requireInput(
		Number.isInteger(vni) && vni >= 0 && vni <= 0xffffff,
		`Geneve VNI ${vni} does not fit: give 0 to 16777215`,
	);
	requireInput(
		options.length <= 252 && options.length % 4 === 0,
		`Geneve options have ${options.length} bytes: give a multiple of 4 up to 252`,
	);
	const bytes = new Uint8Array(geneveLength);
	const view = viewOf(bytes);
	view.setUint8(0, options.length / 4);
	view.setUint8(1, (control ? 0x80 : 0) | (critical ? 0x40 : 0));
	view.setUint16(2, etherType);
	view.setUint32(4, vni << 8);
	return concatenate([bytes, options, payload]);
}

/** See {@link Dissector}. */
export const dissectGeneve: Dissector = (bytes, carrier) => {
	const wrong = problem(bytes);
	if (wrong !== undefined) return wrong;
	const { header, length } = read(bytes);
	const { control, critical, etherType, vni, options } = header;
	const notes = [
		...(control ? ['control'] : []),
		...(critical ? ['critical options'] : []),
		...(options.length ? [`options ${options.length} bytes`] : []),
		`protocol ${protocolTypeName(etherType)}`,
	];
	return {
		protocol: 'geneve',
		length,
		end: bytes.length,
		summary: `Geneve vni ${vni}, ${notes.join(', ')}`,
		brief: `Geneve vni ${vni}`,
		fields: fieldsOf({
			version: 0,
			'options length': options.length,
			control,
			critical,
			protocol: protocolTypeName(etherType),
			vni,
		}),
		// Below 0x0600 there are lengths in Ethernet, and nothing here.
		next:
			etherType < 0x0600
				? undefined
				: { space: 'ethertype', number: etherType, carrier: { cut: carrier.cut } },
	};
};
