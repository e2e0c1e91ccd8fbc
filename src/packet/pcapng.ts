/** Writes pcapng capture files (draft-ietf-opsawg-pcapng): little endian, nanoseconds. */
import { concatenate, requireInput, viewOf } from './bytes.ts';

const blockType = { section: 0x0a0d0d0a, interface: 1, enhancedPacket: 6 } as const;
/** LINKTYPE_ETHERNET, and LINKTYPE_RAW: an IP packet of either version without a header of the link. */
const linkTypes = { ethernet: 1, raw: 101 } as const;

const endOfOptions = { code: 0, value: new Uint8Array() };
const commentCode = 1;
const sectionCode = { operatingSystem: 3, application: 4 } as const;
const interfaceCode = { name: 2, description: 3, timestampResolution: 9 } as const;
const packetCode = { flags: 2, verdict: 7 } as const;

/** First byte of epb_verdict: whose return value follows. */
const verdictType = { tc: 1, xdp: 2 } as const;

/** Bits 0 and 1 of epb_flags. */
const directionFlag = { inbound: 1, outbound: 2 } as const;

/** What wrote the capture, and where. */
export interface CaptureSection {
	readonly application: string;
	/** Operating system, such as `Linux 6.1.0`. */
	readonly os?: string;
}

/** A device packets were seen on. */
export interface CaptureInterface {
	readonly name: string;
	readonly description?: string;
	/** What its packets begin with: `ethernet` if not given. */
	readonly linkType?: keyof typeof linkTypes;
}

/** One packet, as seen at one place. */
export interface CapturePacket {
	/** Index of its interface in the order of the interface blocks. */
	readonly interface: number;
	/** Nanoseconds since 1970-01-01 UTC. */
	readonly timestamp: bigint;
	/** The captured bytes, from the header that its interface's link type says. */
	readonly bytes: Uint8Array;
	/** Length on the wire when it is more than what was captured. */
	readonly length?: number;
	readonly comment?: string;
	readonly direction?: 'inbound' | 'outbound';
	/** What a BPF program at that hook returned, such as XDP_DROP or TC_ACT_SHOT. */
	readonly verdict?: { readonly hook: 'tc' | 'xdp'; readonly action: number };
}

/** A whole capture file. */
export interface Capture extends CaptureSection {
	readonly interfaces: readonly CaptureInterface[];
	readonly packets: readonly CapturePacket[];
}

interface Option {
	readonly code: number;
	readonly value: Uint8Array;
}

/** Zero bytes up to the next multiple of 4. */
function padded(bytes: Uint8Array): Uint8Array {
	return concatenate([bytes, new Uint8Array((4 - (bytes.length % 4)) % 4)]);
}

/** No option when there is no text. */
function text(code: number, value: string | undefined): readonly Option[] {
	return value === undefined ? [] : [{ code, value: new TextEncoder().encode(value) }];
}

function encodeOption({ code, value }: Option): Uint8Array {
	requireInput(
		value.length <= 0xffff,
		`A pcapng option has ${value.length} bytes: shorten it to at most 65535`,
	);
	const head = new Uint8Array(4);
	const view = viewOf(head);
	view.setUint16(0, code, true);
	view.setUint16(2, value.length, true);
	return concatenate([head, padded(value)]);
}

/** Wraps a body, a multiple of 4 bytes, and options: type and total length before, total length behind. */
function block(type: number, body: Uint8Array, options: readonly Option[]): Uint8Array {
	const list = options.length ? [...options, endOfOptions].map(encodeOption) : [];
	const bytes = concatenate([new Uint8Array(8), body, ...list, new Uint8Array(4)]);
	const view = viewOf(bytes);
	view.setUint32(0, type, true);
	view.setUint32(4, bytes.length, true);
	view.setUint32(bytes.length - 4, bytes.length, true);
	return bytes;
}

/** Section header block (section 4.1), of unspecified section length. */
export function sectionHeaderBlock(section: CaptureSection): Uint8Array {
	const body = new Uint8Array(16);
	const view = viewOf(body);
	view.setUint32(0, 0x1a2b3c4d, true);
	view.setUint16(4, 1, true);
	view.setBigInt64(8, -1n, true);
	return block(blockType.section, body, [
		...text(sectionCode.operatingSystem, section.os),
		...text(sectionCode.application, section.application),
	]);
}

/** Interface description block (section 4.2): nanoseconds. A snapshot length of 0 means no limit. */
export function interfaceDescriptionBlock(device: CaptureInterface, snapshotLength = 0): Uint8Array {
	const body = new Uint8Array(8);
	const view = viewOf(body);
	view.setUint16(0, linkTypes[device.linkType ?? 'ethernet'], true);
	view.setUint32(4, snapshotLength, true);
	return block(blockType.interface, body, [
		...text(interfaceCode.name, device.name),
		...text(interfaceCode.description, device.description),
		{ code: interfaceCode.timestampResolution, value: Uint8Array.of(9) },
	]);
}

function packetOptions(packet: CapturePacket): readonly Option[] {
	const options = [...text(commentCode, packet.comment)];
	if (packet.direction) {
		const value = new Uint8Array(4);
		viewOf(value).setUint32(0, directionFlag[packet.direction], true);
		options.push({ code: packetCode.flags, value });
	}
	if (packet.verdict) {
		const value = new Uint8Array(9);
		value[0] = verdictType[packet.verdict.hook];
		viewOf(value).setBigInt64(1, BigInt(packet.verdict.action), true);
		options.push({ code: packetCode.verdict, value });
	}
	return options;
}

/** Enhanced packet block (section 4.3). */
export function enhancedPacketBlock(packet: CapturePacket): Uint8Array {
	const head = new Uint8Array(20);
	const view = viewOf(head);
	view.setUint32(0, packet.interface, true);
	view.setUint32(4, Number(BigInt.asUintN(32, packet.timestamp >> 32n)), true);
	view.setUint32(8, Number(BigInt.asUintN(32, packet.timestamp)), true);
	view.setUint32(12, packet.bytes.length, true);
	view.setUint32(16, packet.length ?? packet.bytes.length, true);
	return block(blockType.enhancedPacket, concatenate([head, padded(packet.bytes)]), packetOptions(packet));
}

/** The bytes of a capture file. Throws EF_INPUT when a packet names an interface that is not there. */
export function pcapng(capture: Capture): Uint8Array {
	const count = capture.interfaces.length;
	for (const packet of capture.packets)
		requireInput(
			packet.interface >= 0 && packet.interface < count,
			`A packet of the capture is on interface ${packet.interface}: give an index of its ${count} interfaces`,
		);
	return concatenate([
		sectionHeaderBlock(capture),
		...capture.interfaces.map((device) => interfaceDescriptionBlock(device)),
		...capture.packets.map((packet) => enhancedPacketBlock(packet)),
	]);
}
