/**
 * The tunnels in the kernel: maps whose memory is written directly while programs read it.
 *
 * An update goes by steps, and between two of them every program that ran has ended (`waitForPrograms`):
 *
 * 1. Entries and templates that nobody finds yet, and the prefix lengths of before and after together.
 * 2. The states of the new entries: from here on a program finds the new one of two, or the old.
 * 3. The states of those that go, the prefix lengths of after, and the generation, which ends what programs
 *    remember. Where they stood nothing is written before the next update.
 *
 * So a packet with a tunnel before and after has one at every moment between, and sees it whole. Cut off
 * anywhere, the table is one that the next update makes right.
 */
import { waitForPrograms } from '../kernel/barrier.ts';
import {
	lookupMap,
	type MappedMap,
	mapInformation,
	mapMemory,
	possibleCpus,
	updateMap,
} from '../kernel/map.ts';
import type { TunnelTable } from '../tunnel/tunnel-table.ts';
import { outcomeCountLayout, tunnelEntryLayout, tunnelLayout } from './layout.ts';
import type { OutcomeCount } from './outcome-count.ts';
import { prefixOfNumber, stateShift } from './tunnel-map.ts';
import { recordWords, type TunnelRecords, tunnelRecords } from './tunnel-records.ts';
import {
	entryWord,
	entryWords,
	goneState,
	liveState,
	prefixBytes,
	stateMask,
	type TunnelSizes,
	tunnelConstants,
} from './tunnel-slots.ts';
import { clearGone, findSlot, planUpdate, type TunnelUpdate } from './tunnel-update.ts';

/** File descriptors of the maps that hold tunnels, by the names of their pins. */
export interface TunnelMaps {
	readonly tunnels: number;
	readonly templates: number;
	readonly prefixes: number;
	readonly generation: number;
	readonly tunnelCounts: number;
}

/** What `tunnelSizes` would have to say for maps as large as these. */
export function presentSizes({ tunnels, templates, tunnelCounts }: TunnelMaps): TunnelSizes {
	const entries = (map: number): number => mapInformation(map).entries;
	return { tunnels: entries(tunnels), templates: entries(templates), tunnel_counts: entries(tunnelCounts) };
}

/** How many counters each processor has; 0 when tunnels are not counted. */
export function countersOf(maps: TunnelMaps): number {
	return tunnelConstants(presentSizes(maps), possibleCpus()).tunnel_counters;
}

/** With the memory of maps, which is given back afterwards: keep nothing of it. */
function withMemory<Name extends string, T>(
	maps: Readonly<Record<Name, number>>,
	work: (memory: Readonly<Record<Name, Uint8Array<ArrayBuffer>>>) => T,
): T {
	const mapped: Partial<Record<Name, MappedMap>> = {};
	const memory: Partial<Record<Name, Uint8Array<ArrayBuffer>>> = {};
	try {
		for (const name of Object.keys(maps) as Name[]) {
			const one = mapMemory(maps[name]);
			mapped[name] = one;
			memory[name] = one.bytes;
		}
		return work(memory as Record<Name, Uint8Array<ArrayBuffer>>);
	} finally {
		for (const name of Object.keys(mapped) as Name[]) mapped[name]?.close();
	}
}

function wordsOf(bytes: Uint8Array<ArrayBuffer>): Uint32Array {
	return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** What is to be done to make the tunnels those of the records. */
export function planTunnels(maps: TunnelMaps, records: TunnelRecords): TunnelUpdate {
	const counters = countersOf(maps);
	return withMemory({ tunnels: maps.tunnels, templates: maps.templates }, ({ tunnels, templates }) => {
		const entries = wordsOf(tunnels);
		waitForPrograms();
		clearGone(entries);
		return planUpdate({ entries, templates, counters }, records);
	});
}

/** Carry an update out, whole. What is returned takes it back. @throws RangeError when it does not fit */
export function writeTunnels(maps: TunnelMaps, records: TunnelRecords, update: TunnelUpdate): () => void {
	if (!update.fits) throw new RangeError(`the maps have no room for ${records.count} tunnels`);
	const { rows, slots, removed, prefixesBefore, prefixesAfter } = update;
	if (rows.length === 0 && removed.length === 0) return () => {};
	const before = new Uint32Array(removed.length);
	withMemory(
		{ tunnels: maps.tunnels, templates: maps.templates, counts: maps.tunnelCounts },
		({ tunnels, templates, counts }) => {
			const entries = wordsOf(tunnels);
			for (const { index, bytes } of update.templates) templates.set(bytes, index * tunnelLayout.size);
			const counters = countersOf(maps);
			for (const counter of update.newCounters)
				for (let cpu = 0; cpu < possibleCpus(); cpu++)
					counts.fill(0, ...range(outcomeCountLayout.size, cpu * counters + counter));
			const record = new Uint32Array(recordWords);
			for (const [index, slot] of slots.entries()) {
				const to = slot * entryWords;
				records.write(rows[index] as number, record, 0);
				for (let word = 0; word < entryWord.counter; word++) entries[to + word] = record[word] as number;
				entries[to + entryWord.counter] = update.counters[index] as number;
			}
			setPrefixes(maps, new Set([...prefixesBefore, ...prefixesAfter]));
			waitForPrograms();
			for (const [index, slot] of slots.entries())
				entries[slot * entryWords + entryWord.state] = update.states[index] as number;
			waitForPrograms();
			for (const [index, slot] of removed.entries()) {
				before[index] = entries[slot * entryWords + entryWord.state] as number;
				entries[slot * entryWords + entryWord.state] = goneState;
			}
		},
	);
	setPrefixes(maps, prefixesAfter);
	raiseGeneration(maps);
	return () => {
		withMemory({ tunnels: maps.tunnels }, ({ tunnels }) => {
			const entries = wordsOf(tunnels);
			setPrefixes(maps, new Set([...prefixesBefore, ...prefixesAfter]));
			for (const [index, slot] of removed.entries())
				entries[slot * entryWords + entryWord.state] = before[index] as number;
			waitForPrograms();
			for (const slot of slots) entries[slot * entryWords + entryWord.state] = goneState;
		});
		setPrefixes(maps, prefixesBefore);
		raiseGeneration(maps);
	};
}

function range(size: number, index: number): [number, number] {
	return [index * size, (index + 1) * size];
}

const onlyKey = new Uint8Array(4);

function setPrefixes({ prefixes: fd }: TunnelMaps, inUse: ReadonlySet<number>): void {
	withMemory({ prefixes: fd }, ({ prefixes }) => {
		const [from, to] = [wordsOf(prefixBytes(inUse)), wordsOf(prefixes)];
		// Word by word: a program may read them meanwhile.
		for (let word = 0; word < from.length; word++) to[word] = from[word] as number;
	});
}

/** From now on no packet is served what was remembered before. */
export function raiseGeneration({ generation }: TunnelMaps): void {
	const value = new Uint32Array(1);
	const bytes = new Uint8Array(value.buffer);
	lookupMap(generation, onlyKey, bytes);
	value[0] = (value[0] ?? 0) + 1;
	updateMap(generation, onlyKey, bytes);
}

/** Make the tunnels those of a table. @throws RangeError when the maps have no room for them */
export function setTunnels(maps: TunnelMaps, table: TunnelTable): void {
	const records = tunnelRecords(table);
	writeTunnels(maps, records, planTunnels(maps, records));
}

/** A tunnel as it stands in the maps. */
export interface PresentTunnel {
	/** struct tunnel_entry and struct tunnel */
	readonly entry: Uint8Array;
	readonly template: Uint8Array;
	/** Undefined when tunnels are not counted. */
	readonly count: OutcomeCount | undefined;
}

/** Every tunnel there is, copied; IPv4 matches first, each family in the order of addresses. */
export function readTunnels(maps: TunnelMaps): PresentTunnel[] {
	const counters = countersOf(maps);
	const { tunnels: fd, templates: templatesFd, tunnelCounts } = maps;
	return withMemory(
		{ tunnels: fd, templates: templatesFd, counts: tunnelCounts },
		({ tunnels, templates, counts }) => {
			const entries = wordsOf(tunnels);
			const totals = new BigUint64Array(counts.buffer, counts.byteOffset, counts.length / 8);
			const size = entryWords * 4;
			const list: PresentTunnel[] = [];
			for (let slot = 0; slot < tunnels.length / size; slot++) {
				const state = entries[slot * entryWords + entryWord.state] as number;
				if ((state & stateMask) !== liveState) continue;
				const counter = entries[slot * entryWords + entryWord.counter] as number;
				list.push({
					entry: tunnels.slice(...range(size, slot)),
					template: templates.slice(...range(tunnelLayout.size, state >>> stateShift.template)),
					count: counters === 0 ? undefined : sum(totals, counters, counter),
				});
			}
			return list.sort((a, b) => {
				const [one, other] = [prefixOf(a.entry), prefixOf(b.entry)];
				const family = other.addressBytes === one.addressBytes ? 0 : one.addressBytes - other.addressBytes;
				return family || compareBytes(a.entry, b.entry, 16) || one.length - other.length;
			});
		},
	);
}

function prefixOf(entry: Uint8Array): ReturnType<typeof prefixOfNumber> {
	const state = new DataView(entry.buffer, entry.byteOffset).getUint32(tunnelEntryLayout.state.offset, true);
	return prefixOfNumber((state >>> stateShift.prefix) & 0xff);
}

function compareBytes(a: Uint8Array, b: Uint8Array, bytes: number): number {
	for (let index = 0; index < bytes; index++) {
		const difference = (a[index] as number) - (b[index] as number);
		if (difference !== 0) return difference;
	}
	return 0;
}

function sum(totals: BigUint64Array, counters: number, counter: number): OutcomeCount {
	let [packets, bytes] = [0n, 0n];
	for (let index = counter; index * 2 < totals.length; index += counters) {
		packets += totals[index * 2] as bigint;
		bytes += totals[index * 2 + 1] as bigint;
	}
	return { packets, bytes };
}

/** How many there are. */
export function countTunnels({ tunnels: fd }: TunnelMaps): number {
	return withMemory({ tunnels: fd }, ({ tunnels }) => {
		const entries = wordsOf(tunnels);
		let count = 0;
		for (let at = entryWord.state; at < entries.length; at += entryWords)
			if (((entries[at] as number) & stateMask) === liveState) count++;
		return count;
	});
}

/** Give each tunnel of new maps the counters it has in old ones. What is counted meanwhile in the old is lost. */
export function copyCounts(from: TunnelMaps, to: TunnelMaps): void {
	const [oldCounters, newCounters] = [countersOf(from), countersOf(to)];
	if (oldCounters === 0 || newCounters === 0) return;
	withMemory(
		{ old: from.tunnels, now: to.tunnels, oldCounts: from.tunnelCounts, nowCounts: to.tunnelCounts },
		(memory) => {
			const [old, now] = [wordsOf(memory.old), wordsOf(memory.now)];
			for (let at = 0; at < now.length; at += entryWords) {
				const state = now[at + entryWord.state] as number;
				if ((state & stateMask) !== liveState) continue;
				const slot = findSlot(old, now, at, (state >>> stateShift.prefix) & 0xff);
				if (slot < 0) continue;
				for (let cpu = 0; cpu < possibleCpus(); cpu++) {
					const source = cpu * oldCounters + (old[slot * entryWords + entryWord.counter] as number);
					const target = cpu * newCounters + (now[at + entryWord.counter] as number);
					const { size } = outcomeCountLayout;
					memory.nowCounts.set(memory.oldCounts.subarray(...range(size, source)), target * size);
				}
			}
		},
	);
}
