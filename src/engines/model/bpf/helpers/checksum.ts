/** Checksum helpers, in the kernel's arithmetic: ones' complement sums of 32 bits in our byte order. */
import { errno } from '../errno.ts';
import type { Machine } from '../machine.ts';
import type { SkbState } from '../skb.ts';
import { currentSkb, ensureWritable } from '../skb-buffer.ts';
import { both, type Helper } from './prototype.ts';

/** csum_add */
function add(a: number, b: number): number {
	const sum = (a >>> 0) + (b >>> 0);
	return sum > 0xffff_ffff ? (sum % 2 ** 32) + 1 : sum;
}

/** csum_fold without its complement */
function fold(sum: number): number {
	let folded = (sum & 0xffff) + (sum >>> 16);
	folded = (folded & 0xffff) + (folded >>> 16);
	return folded;
}

/** csum_partial of whole words of 32 bits */
function sumWords({ memory }: Machine, at: number, bytes: number, seed: number): number {
	let sum = seed >>> 0;
	for (let offset = 0; offset < bytes; offset += 4) sum += memory.view.getUint32(at + offset, true);
	while (sum > 0xffff_ffff) sum = (sum % 2 ** 32) + Math.floor(sum / 2 ** 32);
	return sum;
}

/**
 * bpf_csum_diff as of Linux 6.13, which folds its result to 16 bits; before, it was one of 32 bits that folds
 * to the same.
 */
function difference(machine: Machine, from = 0, fromBytes = 0, to = 0, toBytes = 0, seed = 0): number {
	if (((fromBytes | toBytes) & 3) !== 0) return -errno.EINVAL;
	const [removed, added] = [fromBytes >>> 0, toBytes >>> 0];
	if (removed > 0 && added > 0) {
		const sum = sumWords(machine, to >>> 0, added, seed);
		return fold(add(sum, ~sumWords(machine, from >>> 0, removed, 0)));
	}
	if (added > 0) return fold(sumWords(machine, to >>> 0, added, seed));
	if (removed > 0) return fold(~sumWords(machine, from >>> 0, removed, ~seed));
	return fold(seed);
}

/** csum_replace2, csum_replace4 and csum_replace_by_diff: the checksum after what it covers has changed. */
function replaced(checksum: number, from: number, to: number, bytes: number): number {
	if (bytes === 2) {
		const add16 = (a: number, b: number): number => {
			const sum = a + b;
			return (sum + (sum >> 16)) & 0xffff;
		};
		return ~add16(add16(~checksum & 0xffff, ~from & 0xffff), to & 0xffff) & 0xffff;
	}
	const sum = bytes === 0 ? ~checksum : add(~checksum, ~from);
	return ~fold(add(sum, to)) & 0xffff;
}

/** The same for a checksum that so far covers only the pseudo header, and is not complemented. */
function replacedPartial(checksum: number, from: number, to: number, bytes: number): number {
	const sum = bytes === 0 ? checksum : add(checksum, ~from);
	return fold(add(sum, to));
}

const field = { mask: 0xf, pseudoHeader: 0x10, markMangled0: 0x20, markEnforce: 0x40, ipv6: 0x80 } as const;

/** Where the checksum stands, or a negative error. */
function place(machine: Machine, offset: number): number {
	if (offset > 0xffff || (offset & 1) !== 0) return -errno.EFAULT;
	return ensureWritable(machine, offset + 2) === 0 ? machine.data + offset : -errno.EFAULT;
}

/** Change the checksum at an address by `bytes` (0: by a difference) of what it covers. */
function replace(
	machine: Machine,
	at: number,
	from: number,
	to: number,
	bytes: number,
	partial = false,
): number {
	if (bytes !== 0 && bytes !== 2 && bytes !== 4) return -errno.EINVAL;
	const { view } = machine.memory;
	const change = partial ? replacedPartial : replaced;
	view.setUint16(at, change(view.getUint16(at, true), from, to, bytes), true);
	return 0;
}

/** The arguments of both: offset, from, to and flags, the last three in halves. */
function replaceIp(
	machine: Machine,
	...[offset = 0, from = 0, high = 0, to = 0, , flags = 0, rest = 0]: number[]
): number {
	if (rest !== 0 || (flags & ~field.mask) !== 0) return -errno.EINVAL;
	const at = place(machine, offset >>> 0);
	if (at < 0) return at;
	if (flags === 0 && (from | high) !== 0) return -errno.EINVAL;
	return replace(machine, at, from, to, flags);
}

function replaceTransport(
	machine: Machine,
	...[offset = 0, from = 0, high = 0, to = 0, , flags = 0, rest = 0]: number[]
): number {
	const known = field.mask | field.pseudoHeader | field.markMangled0 | field.markEnforce | field.ipv6;
	if (rest !== 0 || (flags & ~known) !== 0) return -errno.EINVAL;
	const at = place(machine, offset >>> 0);
	if (at < 0) return at;
	const { view } = machine.memory;
	const mangles = (flags & field.markMangled0) !== 0;
	if (mangles && (flags & field.markEnforce) === 0 && view.getUint16(at, true) === 0) return 0;
	const bytes = flags & field.mask;
	if (bytes === 0 && (from | high) !== 0) return -errno.EINVAL;
	const partial = currentSkb(machine).checksum === 'partial';
	// A device that is to fill the checksum in covers all but the pseudo header.
	if (!partial || (flags & field.pseudoHeader) !== 0) {
		const mask = bytes === 2 ? 0xffff : -1;
		const result = replace(machine, at, from & mask, to & mask, bytes === 2 ? 4 : bytes, partial);
		if (result !== 0) return result;
	}
	if (mangles && view.getUint16(at, true) === 0) view.setUint16(at, 0xffff, true);
	return 0;
}

/** __skb_reset_checksum_unnecessary */
export function resetChecksumUnnecessary(skb: SkbState): void {
	if (skb.checksum !== 'unnecessary') return;
	skb.checksum = 'none';
	skb.checksumLevel = 0;
}

function level(machine: Machine, what = 0, high = 0): number {
	const skb = currentSkb(machine);
	const unnecessary = skb.checksum === 'unnecessary';
	if (high !== 0) return -errno.EINVAL;
	switch (what) {
		case 0: // BPF_CSUM_LEVEL_QUERY
			return unnecessary ? skb.checksumLevel : -errno.EACCES;
		case 1: // BPF_CSUM_LEVEL_INC
			if (unnecessary) skb.checksumLevel = Math.min(skb.checksumLevel + 1, 3);
			else if (skb.checksum === 'none') {
				skb.checksum = 'unnecessary';
				skb.checksumLevel = 0;
			}
			return 0;
		case 2: // BPF_CSUM_LEVEL_DEC
			if (unnecessary && skb.checksumLevel > 0) skb.checksumLevel--;
			else resetChecksumUnnecessary(skb);
			return 0;
		case 3: // BPF_CSUM_LEVEL_RESET
			resetChecksumUnnecessary(skb);
			return 0;
		default:
			return -errno.EINVAL;
	}
}

const skbOnly = ['tc'] as const;

export const checksumHelpers: ReadonlyMap<number, Helper> = new Map<number, Helper>([
	[
		10,
		{
			name: 'bpf_l3_csum_replace',
			hooks: skbOnly,
			arguments: ['context', 'number', 'long', 'long', 'long'],
			result: 'signed',
			run: replaceIp,
		},
	],
	[
		11,
		{
			name: 'bpf_l4_csum_replace',
			hooks: skbOnly,
			arguments: ['context', 'number', 'long', 'long', 'long'],
			result: 'signed',
			run: replaceTransport,
		},
	],
	[
		28,
		{
			name: 'bpf_csum_diff',
			hooks: both,
			arguments: [
				{ does: 'read', bytes: { argument: 1 }, optional: true },
				'number',
				{ does: 'read', bytes: { argument: 3 }, optional: true },
				'number',
				'number',
			],
			result: 'signed',
			run: difference,
		},
	],
	[
		135,
		{
			name: 'bpf_csum_level',
			hooks: skbOnly,
			arguments: ['context', 'long'],
			result: 'signed',
			run: level,
		},
	],
]);
