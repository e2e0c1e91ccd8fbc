/** Where a tunnel stands in the datapath's hash table, and the prefix lengths to look for: bpf/tunnels.h. */
import { maskBytes } from '../packet/address.ts';
import { prefixLayout, prefixNumbers, tunnelStates } from './layout.ts';
import { prefixOfNumber, stateShift } from './tunnel-map.ts';
import { recordWord, recordWords, type TunnelRecords } from './tunnel-records.ts';

/** PROBES of bpf/tunnels.h: how far from its place a tunnel may stand, and the slots behind the last place. */
export const probes = 256;

/** Words of struct tunnel_entry, and where those stand that are not as in a record. */
export const entryWords: number = recordWords;
export const entryWord = { counter: 6, state: 7 } as const;

export const liveState: number = tunnelStates.indexOf('live');
export const goneState: number = tunnelStates.indexOf('gone');
export const stateMask = 3;

/** The share of the slots that may be in use before searches take long. */
const fullest = 0.8;

/** `max_entries` of the maps that are as large as there are tunnels. */
export type TunnelSizes = Readonly<Record<'tunnels' | 'templates' | 'tunnel_counts', number>>;

/**
 * For new maps: room for some more tunnels, and searches stay short.
 * @param processors that count each tunnel's packets; 0 if none is to
 */
export function tunnelSizes(tunnels: number, templates: number, processors: number): TunnelSizes {
	const slots = Math.max(64, Math.ceil(tunnels * 1.7));
	return {
		tunnels: slots + probes,
		templates: templates * 2 + 16,
		tunnel_counts: Math.max(1, slots * processors),
	};
}

/** The constants that tell the programs how large the maps are. */
export function tunnelConstants(
	{ tunnels, tunnel_counts }: TunnelSizes,
	processors: number,
): Readonly<Record<'tunnel_slots' | 'tunnel_counters', number>> {
	return {
		tunnel_slots: tunnels - probes,
		tunnel_counters: tunnel_counts === 1 ? 0 : tunnel_counts / processors,
	};
}

export function isTooFull(inUse: number, slots: number): boolean {
	return inUse > slots * fullest;
}

/** The word `state` of a live tunnel. */
export function stateOf(prefix: number, template: number): number {
	return ((template << stateShift.template) | (prefix << stateShift.prefix) | liveState) >>> 0;
}

/** The slot where a prefix, words at `at` of its record, is looked for first: tunnel_hash of bpf/tunnels.h. */
export function firstSlot(words: Uint32Array, at: number, prefix: number, slots: number): number {
	let hash =
		Math.imul(words[at] as number, 0x9e3779b1) +
		Math.imul(words[at + 1] as number, 0x85ebca6b) +
		Math.imul(words[at + 2] as number, 0xc2b2ae35) +
		Math.imul(words[at + 3] as number, 0x27d4eb2f) +
		Math.imul(prefix, 0x165667b1);
	hash ^= hash >>> 15;
	hash = Math.imul(hash, 0x2c1b3c6d);
	hash ^= hash >>> 13;
	// The upper half of hash times slots, in parts that a number holds exactly.
	const lower = Math.floor(((hash & 0xffff) * slots) / 0x10000);
	return Math.floor(((hash >>> 16) * slots + lower) / 0x10000);
}

/** What the maps of tunnels hold. */
export interface TunnelImage {
	/** The slots in use. */
	readonly tunnels: readonly { readonly slot: number; readonly entry: Uint8Array }[];
	/** From the first on. */
	readonly templates: readonly Uint8Array[];
	/** The whole map. */
	readonly prefixes: Uint8Array;
}

/** The entry of a record's words, with its template at the records' number and with counter 0. */
export function entryOf(record: Uint32Array): Uint8Array {
	const entry = record.slice();
	entry[entryWord.counter] = 0;
	entry[entryWord.state] = stateOf(
		record[recordWord.prefix] as number,
		record[recordWord.template] as number,
	);
	return new Uint8Array(entry.buffer);
}

/** What empty maps are to get, in a table of so many slots. @throws RangeError when there is no room */
export function tunnelImage({ count, templates, write }: TunnelRecords, slots: number): TunnelImage {
	const tunnels: { slot: number; entry: Uint8Array }[] = [];
	const taken = new Set<number>();
	const prefixes = new Set<number>();
	const record = new Uint32Array(recordWords);
	for (let row = 0; row < count; row++) {
		write(row, record, 0);
		const prefix = record[recordWord.prefix] as number;
		prefixes.add(prefix);
		const first = firstSlot(record, 0, prefix, slots);
		let slot = first;
		while (taken.has(slot)) slot++;
		if (slot >= first + probes) throw new RangeError(`there is no room for ${count} tunnels`);
		taken.add(slot);
		tunnels.push({ slot, entry: entryOf(record) });
	}
	return { tunnels, templates, prefixes: prefixBytes(prefixes) };
}

/** Whether a record's words and an entry have one match. */
export function isSameMatch(record: Uint32Array, entries: Uint32Array, slot: number): boolean {
	const other = slot * entryWords;
	return (
		entries[other] === record[0] &&
		entries[other + 1] === record[1] &&
		entries[other + 2] === record[2] &&
		entries[other + 3] === record[3] &&
		(((entries[other + entryWord.state] as number) >>> stateShift.prefix) & 0xff) ===
			record[recordWord.prefix]
	);
}

/**
 * The map `prefixes` for these prefix numbers in use.
 *
 * Programs may read it while it is written, in any order: each `shorter` leads to the longest of those in use
 * below it, before or after, so whatever mixture is read, no length is skipped that is in use both times.
 */
export function prefixBytes(inUse: ReadonlySet<number>): Uint8Array<ArrayBuffer> {
	prefixMasks ??= masksOfPrefixes();
	const bytes = prefixMasks.slice();
	const view = new DataView(bytes.buffer);
	const setShorter = (number: number, shorter: number): void =>
		view.setUint32(number * prefixLayout.size + prefixLayout.shorter.offset, shorter, true);
	for (const [first, any] of prefixFamilies) {
		const { addressBytes } = prefixOfNumber(first);
		let shorter: number = prefixNumbers.none;
		for (let number = first; number <= first + addressBytes * 8; number++) {
			setShorter(number, shorter);
			if (inUse.has(number)) shorter = number;
		}
		setShorter(any, shorter);
	}
	return bytes;
}

/** Of each family the number of its shortest prefix, and where a search begins. */
const prefixFamilies = [
	[prefixNumbers.ipv6, prefixNumbers.anyIpv6],
	[prefixNumbers.ipv4, prefixNumbers.anyIpv4],
] as const;

/** The map with what is the same whatever is in use: made once, when it is first needed. */
let prefixMasks: Uint8Array<ArrayBuffer> | undefined;

function masksOfPrefixes(): Uint8Array<ArrayBuffer> {
	const bytes = new Uint8Array(prefixLayout.size * prefixNumbers.numbers);
	for (const [first] of prefixFamilies) {
		const { addressBytes } = prefixOfNumber(first);
		for (let length = 0; length <= addressBytes * 8; length++) {
			const mask = maskBytes(new Uint8Array(addressBytes).fill(0xff), length);
			bytes.set(mask, (first + length) * prefixLayout.size + prefixLayout.mask.offset);
		}
	}
	return bytes;
}
