/** What is to be written to make the tunnels of a running datapath others: planned here, on plain memory. */
import { tunnelLayout } from './layout.ts';
import { stateShift } from './tunnel-map.ts';
import { recordWord, recordWords, type TunnelRecords, textOf } from './tunnel-records.ts';
import {
	entryWord,
	entryWords,
	firstSlot,
	goneState,
	isSameMatch,
	isTooFull,
	liveState,
	probes,
	stateMask,
	stateOf,
} from './tunnel-slots.ts';

/** The maps `tunnels` and `templates`, whole. */
export interface TunnelMemory {
	/** `entryWords` each: the slots and `probes` more. */
	readonly entries: Uint32Array;
	readonly templates: Uint8Array;
	/** How many counters each processor has; 0 when none are kept. */
	readonly counters: number;
}

export interface TunnelDifference {
	readonly added: number;
	readonly changed: number;
	readonly removed: number;
	readonly total: number;
}

/**
 * A tunnel that is new or other gets a slot where none is live, so that programs find the old one until the
 * new one is whole.
 */
export interface TunnelUpdate {
	readonly difference: TunnelDifference;
	/** Whether the maps have room for it; if not, only the difference is right. */
	readonly fits: boolean;
	/** Of each tunnel to write: its record, and its slot, counter and state. */
	readonly rows: Uint32Array;
	readonly slots: Uint32Array;
	readonly counters: Uint32Array;
	readonly states: Uint32Array;
	/** Counters that are not carried over from a tunnel that was there before. */
	readonly newCounters: readonly number[];
	readonly templates: readonly { readonly index: number; readonly bytes: Uint8Array }[];
	/** Slots of tunnels that are to go. */
	readonly removed: Uint32Array;
	/** Prefix numbers in use. */
	readonly prefixesBefore: ReadonlySet<number>;
	readonly prefixesAfter: ReadonlySet<number>;
}

/** Of a slot, while the update is planned. */
const [free, live, kept, taken] = [0, 1, 2, 3];

/**
 * From the tunnels that are there to those of the records. What is there is read anew each time, so it does
 * not matter who changed it, or whether an update was cut off.
 */
export function planUpdate(memory: TunnelMemory, records: TunnelRecords): TunnelUpdate {
	const { entries } = memory;
	const record = new Uint32Array(recordWords);
	const slots = entries.length / entryWords - probes;
	const present = readPresent(memory, records);
	const { marks, prefixesBefore, numberOf } = present;
	let { inUse } = present;
	const templateIndexes = [...present.templateIndexes];
	const newTemplates: { index: number; bytes: Uint8Array }[] = [];
	const nextTemplate = nextFree(present.templatesUsed);
	const nextCounter = nextFree(present.countersUsed);
	const newCounters: number[] = [];
	const prefixesAfter = new Set<number>();
	const written = {
		rows: [] as number[],
		slots: [] as number[],
		counters: [] as number[],
		states: [] as number[],
	};
	let changed = 0;
	let added = 0;
	let fits = true;
	let lastPrefix = -1;
	for (let row = 0; row < records.count; row++) {
		records.write(row, record, 0);
		const prefix = record[recordWord.prefix] as number;
		const number = record[recordWord.template] as number;
		if (prefix !== lastPrefix) prefixesAfter.add(prefix);
		lastPrefix = prefix;
		const first = firstSlot(record, 0, prefix, slots);
		let room = -1;
		let old = -1;
		let same = false;
		let ended = false;
		for (let slot = first; slot < first + probes && !same; slot++) {
			const state = entries[slot * entryWords + entryWord.state] as number;
			if (marks[slot] === free && room < 0) room = slot;
			if (state === 0) ended = true;
			if (ended) {
				if (room >= 0) break;
			} else if (marks[slot] === live && isSameMatch(record, entries, slot)) {
				old = slot;
				same =
					numberOf[state >>> stateShift.template] === number &&
					entries[slot * entryWords + recordWord.destination] === record[recordWord.destination] &&
					entries[slot * entryWords + recordWord.key] === record[recordWord.key];
			}
		}
		if (same) {
			marks[old] = kept;
			continue;
		}
		if (old >= 0) changed++;
		else added++;
		let template = templateIndexes[number];
		if (template === undefined) {
			template = nextTemplate();
			templateIndexes[number] = template;
			if (template !== undefined)
				newTemplates.push({ index: template, bytes: records.templates[number] ?? new Uint8Array() });
		}
		let counter: number | undefined = 0;
		if (old >= 0) counter = entries[old * entryWords + entryWord.counter] as number;
		else if (memory.counters > 0) {
			counter = nextCounter();
			if (counter !== undefined) newCounters.push(counter);
		}
		if (room < 0 || template === undefined || counter === undefined) {
			fits = false;
			continue;
		}
		if (entries[room * entryWords + entryWord.state] === 0) inUse++;
		marks[room] = taken;
		written.rows.push(row);
		written.slots.push(room);
		written.counters.push(counter);
		written.states.push(stateOf(prefix, template));
	}
	const removed: number[] = [];
	for (let slot = marks.indexOf(live); slot >= 0; slot = marks.indexOf(live, slot + 1)) removed.push(slot);
	return {
		difference: {
			added,
			changed,
			removed: Math.max(removed.length - changed, 0),
			total: records.count,
		},
		fits: fits && !isTooFull(inUse, slots),
		rows: Uint32Array.from(written.rows),
		slots: Uint32Array.from(written.slots),
		counters: Uint32Array.from(written.counters),
		states: Uint32Array.from(written.states),
		newCounters,
		templates: newTemplates,
		removed: Uint32Array.from(removed),
		prefixesBefore,
		prefixesAfter,
	};
}

/** What stands in memory, seen from the records that are to stand there. */
function readPresent({ entries, templates, counters }: TunnelMemory, records: TunnelRecords) {
	const marks = new Uint8Array(entries.length / entryWords);
	const prefixesBefore = new Set<number>();
	const templatesUsed = new Uint8Array(templates.length / tunnelLayout.size);
	const countersUsed = new Uint8Array(counters);
	let inUse = 0;
	let lastPrefix = -1;
	for (let slot = 0; slot < marks.length; slot++) {
		const state = entries[slot * entryWords + entryWord.state] as number;
		if (state === 0) continue;
		inUse++;
		if ((state & stateMask) !== liveState) continue;
		marks[slot] = live;
		const prefix = (state >>> stateShift.prefix) & 0xff;
		if (prefix !== lastPrefix) prefixesBefore.add(prefix);
		lastPrefix = prefix;
		templatesUsed[state >>> stateShift.template] = 1;
		countersUsed[entries[slot * entryWords + entryWord.counter] as number] = 1;
	}
	/** Of a template that is there: the number of the records' one that is the same. */
	const numberOf = new Int32Array(templatesUsed.length).fill(-1);
	/** Of one of the records': where it is there already. */
	const templateIndexes: (number | undefined)[] = records.templates.map(() => undefined);
	const numbers = new Map(records.templates.map((bytes, number) => [textOf(bytes), number]));
	for (const [index, used] of templatesUsed.entries()) {
		if (used === 0) continue;
		const bytes = templates.subarray(index * tunnelLayout.size, (index + 1) * tunnelLayout.size);
		const number = numbers.get(textOf(bytes));
		if (number === undefined) continue;
		numberOf[index] = number;
		templateIndexes[number] = index;
	}
	return { marks, inUse, prefixesBefore, templatesUsed, countersUsed, numberOf, templateIndexes };
}

/** One after the other, what is not in use; undefined when there is no more. */
function nextFree(used: Uint8Array): () => number | undefined {
	let next = 0;
	return () => {
		while (next < used.length && used[next] !== 0) next++;
		return next < used.length ? next++ : undefined;
	};
}

/** Give back slots of tunnels that have gone where no search has to go on over them. */
export function clearGone(entries: Uint32Array): void {
	let behind = 0;
	for (let at = entries.length - entryWords + entryWord.state; at >= 0; at -= entryWords) {
		if (behind === 0 && ((entries[at] as number) & stateMask) === goneState) entries[at] = 0;
		behind = entries[at] as number;
	}
}

/** The slot of the live tunnel with the match of a record, or of an entry, at `at`; -1 if there is none. */
export function findSlot(entries: Uint32Array, words: Uint32Array, at: number, prefix: number): number {
	const first = firstSlot(words, at, prefix, entries.length / entryWords - probes);
	for (let slot = first; slot < first + probes; slot++) {
		const other = slot * entryWords;
		const state = entries[other + entryWord.state] as number;
		if (state === 0) return -1;
		if (
			(state & stateMask) === liveState &&
			((state >>> stateShift.prefix) & 0xff) === prefix &&
			[0, 1, 2, 3].every((word) => entries[other + word] === words[at + word])
		)
			return slot;
	}
	return -1;
}
