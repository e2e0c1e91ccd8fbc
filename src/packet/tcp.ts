/** TCP header (RFC 9293 section 3.1). */
import type { Defaulted } from './bytes.ts';
import { concatenate, hexadecimal, requireInput, viewOf } from './bytes.ts';
import type { Addresses } from './checksum.ts';
import { transportChecksum } from './checksum.ts';
import type { Dissector } from './layer.ts';
import { fieldsOf } from './layer.ts';
import { ipProtocol } from './protocol.ts';

/** Bytes of the header without options. */
const tcpLength = 20;

/** Bits of {@link TcpHeader.flags}; `ae` is that of accurate ECN, once NS. */
export const tcpFlag = {
	fin: 0x001,
	syn: 0x002,
	rst: 0x004,
	psh: 0x008,
	ack: 0x010,
	urg: 0x020,
	ece: 0x040,
	cwr: 0x080,
	ae: 0x100,
} as const;

/** tcpdump's letters for the flags, from the lowest bit. */
const flagLetters = 'FSRP.UEWe';

/** Data offset and checksum are not here: the encoder computes them. */
export interface TcpHeader {
	readonly sourcePort: number;
	readonly destinationPort: number;
	readonly sequence: number;
	readonly acknowledgement: number;
	/** 12 bits: those of {@link tcpFlag}, the others are reserved. */
	readonly flags: number;
	/** As in the header, not scaled. */
	readonly window: number;
	readonly urgentPointer: number;
	/** Raw, 0 to 40 bytes, a multiple of 4. */
	readonly options: Uint8Array;
}

function problem(bytes: Uint8Array): string | undefined {
	if (bytes.length < tcpLength) return `TCP header needs 20 bytes, ${bytes.length} here`;
	const headerLength = (viewOf(bytes).getUint8(12) >> 4) * 4;
	if (headerLength < tcpLength) return `TCP header length ${headerLength} is less than 20`;
	return headerLength > bytes.length
		? `TCP header length ${headerLength}, ${bytes.length} bytes here`
		: undefined;
}

function read(bytes: Uint8Array): { readonly header: TcpHeader; readonly headerLength: number } {
	const view = viewOf(bytes);
	const headerLength = (view.getUint8(12) >> 4) * 4;
	return {
		headerLength,
		header: {
			sourcePort: view.getUint16(0),
			destinationPort: view.getUint16(2),
			sequence: view.getUint32(4),
			acknowledgement: view.getUint32(8),
			flags: view.getUint16(12) & 0xfff,
			window: view.getUint16(14),
			urgentPointer: view.getUint16(18),
			options: bytes.subarray(tcpLength, headerLength),
		},
	};
}

/** The checksum is not checked. The results share the bytes given. */
export function decodeTcp(
	bytes: Uint8Array,
): { readonly header: TcpHeader; readonly payload: Uint8Array } | undefined {
	if (problem(bytes) !== undefined) return undefined;
	const { header, headerLength } = read(bytes);
	return { header, payload: bytes.subarray(headerLength) };
}

/** Fills data offset and checksum; what is not given is 0 or empty. Throws EF_INPUT for what does not fit. */
export function encodeTcp(
	header: Defaulted<TcpHeader, 'sourcePort' | 'destinationPort' | 'flags'>,
	payload: Uint8Array,
	addresses: Addresses,
): Uint8Array {
	const { options = new Uint8Array() } = header;
	const headerLength = tcpLength + options.length;
	requireInput(
		headerLength <= 60 && headerLength % 4 === 0,
		`TCP options have ${options.length} bytes: give a multiple of 4 up to 40`,
	);
	const bytes = concatenate([new Uint8Array(tcpLength), options, payload]);
	const view = viewOf(bytes);
	view.setUint16(0, header.sourcePort);
	view.setUint16(2, header.destinationPort);
	view.setUint32(4, header.sequence ?? 0);
	view.setUint32(8, header.acknowledgement ?? 0);
	view.setUint16(12, ((headerLength / 4) << 12) | (header.flags & 0xfff));
	view.setUint16(14, header.window ?? 0);
	view.setUint16(18, header.urgentPointer ?? 0);
	view.setUint16(16, transportChecksum(bytes, ipProtocol.tcp, addresses));
	return bytes;
}

function formatFlags(flags: number): string {
	const letters = [...flagLetters].filter((_, bit) => flags & (1 << bit)).join('');
	return `[${letters || 'none'}]`;
}

/** See {@link Dissector}. */
export const dissectTcp: Dissector = (bytes, carrier) => {
	const wrong = problem(bytes);
	if (wrong !== undefined) return wrong;
	const { header, headerLength } = read(bytes);
	const ports = `TCP ${header.sourcePort} > ${header.destinationPort}`;
	const flags = formatFlags(header.flags);
	const acknowledgement = header.flags & tcpFlag.ack ? `, ack ${header.acknowledgement}` : '';
	const length = bytes.length - headerLength;
	const { addresses } = carrier;
	return {
		protocol: 'tcp',
		length: headerLength,
		end: bytes.length,
		summary: `${ports}, flags ${flags}, seq ${header.sequence}${acknowledgement}, win ${header.window}, length ${length}`,
		brief: `${ports} ${flags} length ${length}`,
		fields: fieldsOf({
			'source port': header.sourcePort,
			'destination port': header.destinationPort,
			sequence: header.sequence,
			acknowledgement: header.acknowledgement,
			'header length': headerLength,
			flags: hexadecimal(header.flags, 3),
			window: header.window,
			checksum: hexadecimal(viewOf(bytes).getUint16(16), 4),
			'urgent pointer': header.urgentPointer,
		}),
		checksum:
			carrier.cut || addresses === undefined
				? undefined
				: transportChecksum(bytes, ipProtocol.tcp, addresses) === 0
					? 'good'
					: 'bad',
	};
};
