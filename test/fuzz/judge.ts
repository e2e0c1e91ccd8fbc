/**
 * Judges what comes out of the datapath, by reading it again from the RFCs: none of its code, nor of
 * src/packet's, which the forwarder's own tests use. Every function says what is wrong, or nothing.
 */

interface Packet {
	readonly version: 4 | 6;
	/** Bytes of the IP header, options included. */
	readonly header: number;
	/** Bytes of the whole packet by its own header. */
	readonly length: number;
	readonly protocol: number;
}

const word = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** The folded ones' complement sum of bytes. */
function sum(bytes: Uint8Array, from: number, to: number, initial = 0): number {
	let total = initial;
	for (let at = from; at < to; at += 2) total += at + 1 < to ? word(bytes, at) : (bytes[at] ?? 0) << 8;
	while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
	return total;
}

/** An IP packet that stands at the start of the bytes, and may be followed by padding. */
function readIp(bytes: Uint8Array, etherType: number): Packet | string {
	const version = (bytes[0] ?? 0) >> 4;
	if (etherType === 0x0800) {
		if (bytes.length < 20 || version !== 4) return 'no IPv4 header';
		const header = ((bytes[0] ?? 0) & 15) * 4;
		const length = word(bytes, 2);
		if (header < 20 || length < header) return `IPv4 lengths ${header} and ${length}`;
		if (length > bytes.length) return `IPv4 length ${length} of ${bytes.length}`;
		if (sum(bytes, 0, header) !== 0xffff) return 'IPv4 checksum';
		return { version: 4, header, length, protocol: bytes[9] ?? 0 };
	}
	if (etherType !== 0x86dd) return `ethertype ${etherType.toString(16)}`;
	if (bytes.length < 40 || version !== 6) return 'no IPv6 header';
	const length = 40 + word(bytes, 4);
	if (length > bytes.length) return `IPv6 length ${length} of ${bytes.length}`;
	return { version: 6, header: 40, length, protocol: bytes[6] ?? 0 };
}

/** The sum of what an IP header carries, with its pseudo header (RFC 768, RFC 9293, RFC 8200 section 8.1). */
function datagramSum(packet: Uint8Array, { version, header, length, protocol }: Packet): number {
	const addresses = version === 4 ? sum(packet, 12, 20) : sum(packet, 8, 40);
	return sum(packet, header, length, addresses + protocol + (length - header));
}

/** Whether the packet's own transport checksum, where it is one with a pseudo header, is good. */
function isIntact(bytes: Uint8Array, packet: Packet): boolean {
	return ![6, 17, 58].includes(packet.protocol) || datagramSum(bytes, packet) === 0xffff;
}

/** Bytes of what stands between the outer IP header and the inner packet, and the inner packet's ethertype. */
function readShim(packet: Uint8Array, outer: Packet): { shim: number; etherType: number } | string {
	const at = outer.header;
	switch (outer.protocol) {
		case 4:
			return { shim: 0, etherType: 0x0800 };
		case 41:
			return { shim: 0, etherType: 0x86dd };
		case 47: {
			const flags = word(packet, at);
			if (flags !== 0 && flags !== 0x2000) return `GRE flags ${flags.toString(16)}`;
			return { shim: flags === 0 ? 4 : 8, etherType: word(packet, at + 2) };
		}
		case 17:
			break;
		default:
			return `outer protocol ${outer.protocol}`;
	}
	if (word(packet, at + 4) !== outer.length - at) return `UDP length ${word(packet, at + 4)}`;
	if (word(packet, at) < 0xc000) return `UDP source port ${word(packet, at)}`;
	const port = word(packet, at + 2);
	const tunnel = at + 8;
	if (port === 6080) {
		if (word(packet, tunnel + 2) !== 0 || packet[tunnel] !== 0) return 'GUE flags';
		const protocol = packet[tunnel + 1];
		if (protocol !== 4 && protocol !== 41) return `GUE protocol ${protocol}`;
		return { shim: 12, etherType: protocol === 4 ? 0x0800 : 0x86dd };
	}
	if (port === 6081) {
		if (word(packet, tunnel) !== 0 || word(packet, tunnel + 2) !== 0x6558) return 'Geneve header';
	} else if (port === 4789 || port === 8472) {
		if (packet[tunnel] !== 8 || packet[tunnel + 1] !== 0) return 'VXLAN flags';
	} else return `UDP port ${port}`;
	if (packet[tunnel + 7] !== 0) return 'reserved byte behind the VNI';
	return { shim: 30, etherType: word(packet, tunnel + 20) };
}

/** A frame as both hooks should write it: the IPv4 identification of what may be fragmented is random. */
export function comparable(frame: Uint8Array): Uint8Array {
	if (word(frame, 12) !== 0x0800 || (word(frame, 20) & 0x4000) !== 0) return frame;
	const same = frame.slice();
	same.set([0, 0], 18);
	same.set([0, 0], 24);
	return same;
}

/**
 * Whether a packet that came within a frame, at this offset or behind it, is this one a hop later: nothing but
 * hop limit, ECN (RFC 6040) and, for IPv4, checksum (RFC 1624) may differ. Undefined if it is.
 */
function hopProblem(
	came: Uint8Array,
	packet: Uint8Array,
	version: 4 | 6,
	offsets: Offsets,
): string | undefined {
	const hops = version === 4 ? 8 : 7;
	const congestion = version === 4 ? 0x03 : 0x30;
	let problem = 'came in no place';
	for (let from = offsets.first; from <= offsets.last && from + packet.length <= came.length; from++) {
		let at = 0;
		for (; at < packet.length; at++) {
			const [before, now] = [came[from + at] ?? 0, packet[at] ?? 0];
			if (at === hops ? now === before - offsets.hops : now === before) continue;
			if (at === 1 && offsets.congestion && (now | congestion) === (before | congestion)) continue;
			if (version === 4 && (at === 10 || at === 11)) continue;
			break;
		}
		if (at === packet.length) return undefined;
		problem = `byte ${at} is not as it came`;
	}
	return problem;
}

/** Where in the frame that came a packet may have begun, and what may have happened to it. */
interface Offsets {
	readonly first: number;
	readonly last: number;
	readonly hops: 0 | 1;
	readonly congestion: boolean;
}

const bare: Offsets = { first: 14, last: 14, hops: 1, congestion: false };
/** Behind an outer header of any kind, Geneve's options included. */
const within: Offsets = { first: 34, last: 400, hops: 1, congestion: true };

/** What is wrong with a frame that left encapsulated, given the frame that came; `relayed`: taken out before. */
export function encapsulatedProblem(came: Uint8Array, left: Uint8Array, relayed = false): string | undefined {
	const outerBytes = left.subarray(14);
	const outer = readIp(outerBytes, word(left, 12));
	if (typeof outer === 'string') return `outer: ${outer}`;
	if (outer.version === 4 && outer.header !== 20) return 'outer: options';
	const packet = outerBytes.subarray(0, outer.length);
	const between = readShim(packet, outer);
	if (typeof between === 'string') return between;
	const innerBytes = packet.subarray(outer.header + between.shim);
	const inner = readIp(innerBytes, between.etherType);
	if (typeof inner === 'string') return `inner: ${inner}`;
	if (inner.length !== innerBytes.length) return 'inner: does not fill the outer packet';
	// Told by the inner checksum, not by the payload: a packet that came corrupt leaves corrupt outside as well.
	if (outer.protocol === 17 && word(packet, outer.header + 6) !== 0)
		if (datagramSum(packet, outer) !== 0xffff && isIntact(innerBytes, inner)) return 'outer: UDP checksum';
	const problem = hopProblem(came, innerBytes, inner.version, relayed ? within : bare);
	return problem && `inner: ${problem}`;
}

/** The same of a frame that left without its outer header; `hops`: what it lost. */
export function decapsulatedProblem(came: Uint8Array, left: Uint8Array, hops: 0 | 1): string | undefined {
	const bytes = left.subarray(14);
	const packet = readIp(bytes, word(left, 12));
	if (typeof packet === 'string') return packet;
	return hopProblem(came, bytes.subarray(0, packet.length), packet.version, { ...within, hops });
}

/** The same of an answer to what is too big (RFC 1191, RFC 8201). */
export function answerProblem(came: Uint8Array, left: Uint8Array): string | undefined {
	const bytes = left.subarray(14);
	const packet = readIp(bytes, word(left, 12));
	if (typeof packet === 'string') return packet;
	if (packet.length !== bytes.length) return 'bytes behind the answer';
	const { version, header, length, protocol } = packet;
	const most = version === 4 ? 576 : 1280;
	if (length > most) return `${length} bytes, which is more than ${most}`;
	if (protocol !== (version === 4 ? 1 : 58)) return `protocol ${protocol}`;
	const good = version === 4 ? sum(bytes, header, length) === 0xffff : datagramSum(bytes, packet) === 0xffff;
	if (!good) return 'ICMP checksum';
	if (word(bytes, header) !== (version === 4 ? 0x0304 : 0x0200)) return 'no answer to what is too big';
	const mtu = word(bytes, header + 6);
	if (word(bytes, header + 4) !== 0 || mtu < (version === 4 ? 68 : 1280)) return `MTU ${mtu}`;
	const quoted = bytes.subarray(header + 8);
	// As the sender sent it; of a packet that came encapsulated, what was within.
	const source = version === 4 ? 12 : 8;
	const size = version === 4 ? 4 : 16;
	const destination = bytes.subarray(source + size, source + 2 * size);
	if (Buffer.compare(destination, quoted.subarray(source, source + size)) !== 0) return 'not to the sender';
	for (const offsets of [{ ...bare, hops: 0 } as const, { ...within, hops: 0 } as const])
		if (hopProblem(came, quoted, version, offsets) === undefined) return undefined;
	return 'quotes what did not come';
}
