/** Frames for the fuzzer: well-formed ones of every protocol, and what becomes of them by mutation. */
import fc from 'fast-check';
import { concatenate } from '../../src/packet/bytes.ts';
import { internetChecksum } from '../../src/packet/checksum.ts';
import { encodeEthernet } from '../../src/packet/ethernet.ts';
import { etherType } from '../../src/packet/protocol.ts';
import { frame, ipv4Packet, ipv6Packet } from '../packet/arbitraries.ts';
import { inTunnels } from '../packet/tunnels.ts';
import type { Random } from './random.ts';

/** The longest frame that BPF_PROG_TEST_RUN gives both hooks in one piece. */
export const longest = 3000;

/** Ethernet and IP addresses that a random frame is aimed at, so that it is not always a stranger's. */
export interface Aims {
	/** The router's own first, then one on its link, then strangers'. */
	readonly macs: readonly Uint8Array[];
	/** Destinations. */
	readonly ipv4: readonly Uint8Array[];
	readonly ipv6: readonly Uint8Array[];
	/** Senders on the link, of both families, and where tunnels end, of both families. */
	readonly senders: readonly Uint8Array[];
	readonly ends: readonly Uint8Array[];
}

export interface Frames {
	/** Write the next frame from the start of the bytes: its length. */
	next(into: Uint8Array): number;
}

const corpusSize = 1500;

/** Well-formed frames, each of its protocols now and then, in three lengths of payload. */
function corpus(seed: number, macs: readonly Uint8Array[]): readonly Uint8Array[] {
	const [destination = new Uint8Array(6), source = new Uint8Array(6)] = macs;
	const ethernet = (type: number, packet: Uint8Array): Uint8Array =>
		encodeEthernet({ destination, source, etherType: type }, packet);
	const padded = fc.tuple(fc.constantFrom(0, 0, 46, 700, 1400, 2800), fc.nat(9));
	const packet = fc.oneof(
		ipv4Packet(3).map((bytes) => [etherType.ipv4, bytes] as const),
		ipv6Packet(3).map((bytes) => [etherType.ipv6, bytes] as const),
	);
	const made = fc.oneof(
		{ weight: 1, arbitrary: frame },
		{
			weight: 9,
			arbitrary: fc
				.tuple(packet, padded)
				.map(([[type, bytes], [least, more]]) =>
					concatenate([ethernet(type, bytes), new Uint8Array(Math.max(0, least - bytes.length) + more)]),
				),
		},
	);
	return fc.sample(made, { seed, numRuns: corpusSize }).filter(({ length }) => length <= longest);
}

/** Packets in every kind of tunnel to where tunnels end, with inner destinations of every sort. */
function wrapped(seed: number, random: Random, aims: Aims): readonly Uint8Array[] {
	const packets = fc.sample(fc.oneof(ipv4Packet(1), ipv6Packet(1)), { seed, numRuns: corpusSize / 10 });
	return packets.flatMap((packet) => {
		// As in a frame of its own, to give it addresses.
		const bytes = concatenate([new Uint8Array(14), packet]);
		const isIpv4 = (packet[0] ?? 0) >> 4 === 4;
		bytes.set(isIpv4 ? [0x08, 0x00] : [0x86, 0xdd], 12);
		aim(bytes, bytes.length, aims, random);
		if (isIpv4) sumIpv4(bytes, bytes.length);
		const destination = random.pick(aims.ends);
		const source = random.pick(aims.senders.filter(({ length }) => length === destination.length));
		return Object.values(inTunnels(bytes.subarray(14), { source, destination }));
	});
}

/** Numbers at which programs that count bytes go wrong. */
const interesting = [0, 1, 4, 5, 7, 8, 19, 20, 27, 28, 39, 40, 59, 60, 64, 127, 128, 255];
const interestingWords = [
	0, 1, 20, 40, 0x00ff, 0x0100, 0x05dc, 0x0800, 0x7fff, 0x8000, 0x86dd, 0xfff7, 0xffff,
];
const etherTypes = [0x0800, 0x86dd, 0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x6558, 0x05dc];
const protocols = [0, 1, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 135, 255];
const ports = [4789, 6080, 6081, 8472, 53, 0];

/** Each changes a frame of some length in its buffer, which has room for `longest`, and says the new length. */
type Mutation = (bytes: Uint8Array, length: number, random: Random) => number;

const within = (random: Random, length: number): number =>
	random.oneIn(3) ? random.below(length) : random.below(Math.min(length, 110));

const putWord = (bytes: Uint8Array, at: number, value: number): void => {
	bytes[at] = value >> 8;
	bytes[at + 1] = value & 0xff;
};

const damages: readonly Mutation[] = [
	(bytes, length, random) => {
		bytes[within(random, length)] = random.below(256);
		return length;
	},
	(bytes, length, random) => {
		bytes[within(random, length)] = random.pick(interesting);
		return length;
	},
	(bytes, length, random) => {
		const at = within(random, length);
		bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
		return length;
	},
	(bytes, length, random) => {
		putWord(bytes, within(random, length - 1) & ~1, random.pick(interestingWords));
		return length;
	},
	// Shorter: anywhere, or within the headers.
	(_bytes, length, random) => Math.max(14, random.oneIn(2) ? random.below(length) : 14 + random.below(90)),
	// Longer, with what must not be taken for the packet.
	(bytes, length, random) => {
		const more = Math.min(longest - length, random.below(random.oneIn(4) ? 1500 : 64));
		bytes.fill(0xee, length, length + more);
		return length + more;
	},
	// The IP length a little off, or far.
	(bytes, length, random) => {
		const at = bytes[12] === 0x86 ? 18 : 16;
		const now = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
		putWord(bytes, at, (now + random.pick([-21, -9, -1, 1, 8, 40, 1400, 0x8000])) & 0xffff);
		return length;
	},
	// Another protocol announced.
	(bytes, length, random) => {
		if (random.oneIn(2)) putWord(bytes, 12, random.pick(etherTypes));
		else bytes[bytes[12] === 0x86 ? 20 : 23] = random.pick(protocols);
		return length;
	},
	// A piece missing, or twice.
	(bytes, length, random) => {
		const at = 12 + random.below(60);
		const count = 2 + 2 * random.below(12);
		if (at + count >= length || length - count < 14) return length;
		if (random.oneIn(2)) {
			bytes.copyWithin(at, at + count, length);
			return length - count;
		}
		if (length + count > longest) return length;
		bytes.copyWithin(at + count, at, length);
		return length + count;
	},
	// A VLAN tag, or two.
	(bytes, length, random) => {
		if (length + 4 > longest) return length;
		bytes.copyWithin(16, 12, length);
		putWord(bytes, 12, random.oneIn(3) ? 0x88a8 : 0x8100);
		putWord(bytes, 14, random.below(0x10000));
		return length + 4;
	},
];

/** The fields that decide how far a frame gets, set as they are in traffic that is meant for us. */
function aim(bytes: Uint8Array, length: number, aims: Aims, random: Random): void {
	const sourceOf = (size: number): Uint8Array =>
		random.oneIn(3)
			? random.pick(size === 4 ? aims.ipv4 : aims.ipv6)
			: random.pick(aims.senders.filter((address) => address.length === size));
	if (bytes[12] === 0x08 && bytes[13] === 0 && length >= 34) {
		if (!random.oneIn(5)) bytes.set(random.pick(aims.ipv4), 30);
		if (!random.oneIn(3)) bytes.set(sourceOf(4), 26);
		if (!random.oneIn(8)) bytes[22] = 1 + random.below(random.oneIn(4) ? 3 : 255);
	} else if (bytes[12] === 0x86 && bytes[13] === 0xdd && length >= 54) {
		if (!random.oneIn(5)) bytes.set(random.pick(aims.ipv6), 38);
		if (!random.oneIn(3)) bytes.set(sourceOf(16), 22);
		if (!random.oneIn(8)) bytes[21] = 1 + random.below(random.oneIn(4) ? 3 : 255);
	}
}

/** Write the checksum of a frame's IPv4 header: its bytes. */
function sumIpv4(bytes: Uint8Array, length: number): number {
	const header = Math.min(((bytes[14] ?? 0) & 15) * 4, length - 14);
	if (header < 20) return header;
	putWord(bytes, 24, 0);
	putWord(bytes, 24, internetChecksum(bytes.subarray(14, 14 + header)));
	return header;
}

/** Mend what a mutation broke, so that the next check in line is reached: lengths, and the IPv4 checksum. */
function mend(bytes: Uint8Array, length: number, random: Random): void {
	if (bytes[12] === 0x08 && bytes[13] === 0 && length >= 34) {
		if (random.oneIn(2)) putWord(bytes, 16, length - 14);
		const header = sumIpv4(bytes, length);
		const udp = 14 + header;
		if (bytes[23] === 17 && length >= udp + 8 && random.oneIn(3)) putWord(bytes, udp + 2, random.pick(ports));
	} else if (bytes[12] === 0x86 && bytes[13] === 0xdd && length >= 54) {
		if (random.oneIn(2)) putWord(bytes, 18, length - 54);
		if (bytes[20] === 17 && length >= 62 && random.oneIn(3)) putWord(bytes, 56, random.pick(ports));
	}
}

/** Frames without end, the same for the same seed. */
export function openFrames(seed: number, random: Random, aims: Aims): Frames {
	const plain = corpus(seed, aims.macs);
	const tunnelled = wrapped(seed, random, aims);
	return {
		next: (into) => {
			const isTunnelled = random.oneIn(4);
			const base = random.pick(isTunnelled ? tunnelled : plain);
			into.set(base);
			let { length } = base;
			if (!random.oneIn(12)) into.set(random.oneIn(20) ? random.pick(aims.macs) : (aims.macs[0] ?? []), 0);
			if (!isTunnelled || random.oneIn(20)) aim(into, length, aims, random);
			const changes = random.pick([0, 0, 1, 1, 1, 2, 3, 6]);
			for (let change = 0; change < changes; change++) length = random.pick(damages)(into, length, random);
			if (!random.oneIn(4)) mend(into, length, random);
			return length;
		},
	};
}
