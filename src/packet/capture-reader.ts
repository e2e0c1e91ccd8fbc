/** Reads frames of capture files: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng). */
import { EncapForwardError } from '../error.ts';
import { hexadecimal, viewOf } from './bytes.ts';

export interface CapturedFrame {
	/** LINKTYPE_ number: 1 is Ethernet. */
	readonly linkType: number;
	/** What was captured; it shares the file's bytes. */
	readonly bytes: Uint8Array;
	/** Its length on the wire, in bytes. */
	readonly length: number;
}

/** Magic numbers as their four bytes, read as big endian. */
const magic = {
	section: 0x0a0d0d0a,
	microseconds: [0xa1b2c3d4, 0xd4c3b2a1],
	nanoseconds: [0xa1b23c4d, 0x4d3cb2a1],
	byteOrder: 0x1a2b3c4d,
} as const;

const blockType = {
	section: magic.section,
	interface: 1,
	packet: 2,
	simplePacket: 3,
	enhancedPacket: 6,
} as const;

function refusal(what: string): EncapForwardError {
	return new EncapForwardError('EF_PACKET', what);
}

function cutOff(at: number): EncapForwardError {
	return refusal(`the capture is cut off: what begins at byte ${at} is not all there; capture it again`);
}

/**
 * The frames of a capture file in their order.
 * @throws EF_PACKET, when the file is neither pcap nor pcapng, or is damaged at the point that was reached
 */
export function* captureFrames(file: Uint8Array): Generator<CapturedFrame, void, undefined> {
	if (file.length < 4) throw refusal(`it has ${file.length} bytes and is no capture; give pcap or pcapng`);
	const first = viewOf(file).getUint32(0);
	if (first === magic.section) return yield* pcapngFrames(file);
	for (const [bigEndian, littleEndian] of [magic.microseconds, magic.nanoseconds]) {
		if (first === bigEndian || first === littleEndian) return yield* pcapFrames(file, first === littleEndian);
	}
	throw refusal(`it begins with ${hexadecimal(first, 8)} and is no capture; give a file of pcap or pcapng`);
}

const [pcapHeader, pcapRecord] = [24, 16];

function* pcapFrames(file: Uint8Array, little: boolean): Generator<CapturedFrame, void, undefined> {
	if (file.length < pcapHeader) throw cutOff(0);
	const view = viewOf(file);
	// The upper bits say whether frames end in a check sequence.
	const linkType = view.getUint32(20, little) & 0xffff;
	for (let at = pcapHeader; at < file.length; ) {
		if (at + pcapRecord > file.length) throw cutOff(at);
		const kept = view.getUint32(at + 8, little);
		const end = at + pcapRecord + kept;
		if (end > file.length) throw cutOff(at);
		yield { linkType, bytes: file.subarray(at + pcapRecord, end), length: view.getUint32(at + 12, little) };
		at = end;
	}
}

interface Interface {
	readonly linkType: number;
	/** 0: no limit. */
	readonly snapshotLength: number;
}

function* pcapngFrames(file: Uint8Array): Generator<CapturedFrame, void, undefined> {
	const view = viewOf(file);
	let little = false;
	let interfaces: Interface[] = [];
	for (let at = 0; at < file.length; ) {
		if (at + 12 > file.length) throw cutOff(at);
		if (view.getUint32(at) === blockType.section) {
			const order = view.getUint32(at + 8);
			little = order !== magic.byteOrder;
			if (little && view.getUint32(at + 8, true) !== magic.byteOrder) {
				throw refusal(`the section at byte ${at} of the capture has no byte order; the file is damaged`);
			}
			interfaces = [];
		}
		const type = view.getUint32(at, little);
		const size = view.getUint32(at + 4, little);
		if (size < 12 || size % 4 !== 0) {
			throw refusal(`the block at byte ${at} of the capture says it has ${size} bytes; the file is damaged`);
		}
		if (at + size > file.length) throw cutOff(at);
		const body = file.subarray(at + 8, at + size - 4);
		if (type === blockType.interface) {
			if (body.length < 8) throw cutOff(at);
			const fields = viewOf(body);
			interfaces.push({ linkType: fields.getUint16(0, little), snapshotLength: fields.getUint32(4, little) });
		} else {
			const frame = frameOfBlock(type, body, interfaces, little, at);
			if (frame !== undefined) yield frame;
		}
		at += size;
	}
}

function frameOfBlock(
	type: number,
	body: Uint8Array,
	interfaces: readonly Interface[],
	little: boolean,
	at: number,
): CapturedFrame | undefined {
	const view = viewOf(body);
	const header = { [blockType.packet]: 20, [blockType.simplePacket]: 4, [blockType.enhancedPacket]: 20 }[
		type
	];
	if (header === undefined) return undefined;
	if (body.length < header) throw cutOff(at);
	const index =
		type === blockType.simplePacket
			? 0
			: type === blockType.packet
				? view.getUint16(0, little)
				: view.getUint32(0, little);
	const device = interfaces[index];
	if (device === undefined) {
		throw refusal(
			`the packet at byte ${at} of the capture is on an interface it does not describe; the file is damaged`,
		);
	}
	const { linkType, snapshotLength } = device;
	const length = view.getUint32(type === blockType.simplePacket ? 0 : 16, little);
	const kept =
		type === blockType.simplePacket
			? Math.min(length, snapshotLength === 0 ? length : snapshotLength)
			: view.getUint32(12, little);
	if (header + kept > body.length) throw cutOff(at);
	return { linkType, bytes: body.subarray(header, header + kept), length };
}
