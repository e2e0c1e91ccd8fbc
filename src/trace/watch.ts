/** The kernel side of `trace`: bpf/drops.bpf.c loaded with a filter, its events, its table and its counters. */
import { closeSync } from 'node:fs';
import { objectPath } from '../datapath/datapath.ts';
import {
	dropCounts,
	dropKeyLayout,
	dropPrefixLayout,
	dropInterests as interests,
} from '../datapath/layout.ts';
import {
	createMap,
	drainMap,
	lookupMap,
	possibleCpus,
	replaceInnerMap,
	tryLookupMap,
	updateMap,
} from '../kernel/map.ts';
import { type BpfObject, loadObject } from '../kernel/object.ts';
import { missedRuns } from '../kernel/program.ts';
import { openRingBuffer } from '../kernel/ring-buffer.ts';
import type { Prefix } from '../packet/address.ts';
import { type DropEvent, decodeDropEvent, dropEventSize } from './event.ts';
import { type DropFilter, type Interest, interestIn, isXdpReason } from './filter.ts';

export interface DropWatchOptions {
	readonly filter: DropFilter;
	/** Inode numbers of the only namespaces that are wanted; all if there are none. */
	readonly namespaces: readonly number[];
	/** The running kernel's reasons by number; empty where it gives none. */
	readonly reasons: ReadonlyMap<number, string>;
	/** Whether every drop is to be an event; else only the first of a kind, for some kinds. */
	readonly each: boolean;
	/** How many bytes of a packet an event has. */
	readonly snap: number;
	/** How many bytes of events there is room for: a power of two. */
	readonly eventRoom: number;
}

/** Drops that are not told of one by one, or not at all. */
export interface DropCounts {
	/** Freed in the ordinary course of things, and not asked for. */
	readonly routine: number;
	/** Not events, as should be: there was no room. They are in the table. */
	readonly tooFast: number;
	/** Nowhere: there was no room in the table either. */
	readonly notShown: number;
	/** At most so many more: the kernel could not ask us, for it was asking us on that processor. */
	readonly missed: number;
}

export interface DropWatch {
	/** The events there are, oldest first, or the first of many. */
	take(): DropEvent[];
	/** Take the table's entries, key and packets: exact, each drop in one of all answers. */
	drain(count: (key: Uint8Array, packets: number) => void): Promise<void>;
	/** Whether the table was filling since it was drained last. */
	isFilling(): boolean;
	counts(): DropCounts;
	/** The name that a device had when it dropped; undefined if that was not told. */
	deviceName(namespace: number, device: number): string | undefined;
	/** Resolves when there may be an event, after the time, or on `wake`. */
	wait(milliseconds: number): Promise<void>;
	wake(): void;
	/** See no more; what was seen can still be taken. */
	stop(): void;
	close(): void;
}

const programs = ['drop_skb', 'drop_redirect', 'drop_transmit', 'drop_exception'] as const;

/** How many kinds have their first packet kept, each time the table is drained. */
const samples = 256;

/** How many events are taken at a time: what else the process has to do comes between. */
const portion = 4096;

/** Index in the map `reasons` of the reasons of the kernel's subsystems, which have numbers of their own. */
const subsystems = 256;

/** The table's entries for keys with headers: some 4 MB of counters in all, whatever the processors. */
function tableRoom(processors: number): number {
	return Math.max(4096, Math.min(16384, 2 ** Math.floor(Math.log2(2 ** 18 / processors))));
}

const number = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer);
const yes = Uint8Array.of(1);

/** Load and attach. @throws EF_BPF_LOAD, EF_KERNEL */
export function openDropWatch(options: DropWatchOptions): DropWatch {
	const { filter, namespaces, reasons, each, snap, eventRoom } = options;
	const eventSize = dropEventSize(snap);
	const processors = possibleCpus();
	const room = tableRoom(processors);
	const object = loadObject(objectPath('drops'), {
		constants: {
			has_drop_reason: reasons.size > 0,
			only_namespaces: namespaces.length > 0,
			only_devices: filter.devices.length > 0,
			outer_count: filter.outer.length,
			inner_count: filter.inner.length,
			with_xdp: isXdpWanted(filter),
			each,
			samples: each ? 0 : samples,
			event_size: eventSize,
			table_room: room,
		},
		entries: { events: eventRoom },
	});
	const shape = { keyBytes: dropKeyLayout.size, valueBytes: 8 };
	const makeTable = (): number => createMap('drops', 'per-cpu-hash', { ...shape, entries: room + room / 4 });
	const tables: number[] = [];
	const close = (): void => {
		object.close();
		for (const table of tables.splice(0)) closeSync(table);
	};
	try {
		tables.push(makeTable(), makeTable());
		updateMap(object.map('tables'), number(0), number(tables[0] ?? -1));
		setFilter(object, options);
		let filling = false;
		let events: DropEvent[] = [];
		const ring = openRingBuffer(object.map('events'), eventSize, (event, bytes) => {
			if (bytes < eventSize) filling = true;
			else events.push(decodeDropEvent(event));
			return events.length < portion;
		});
		for (const program of programs) object.attach(program);
		return {
			take: () => {
				ring.consume();
				const taken = events;
				events = [];
				return taken;
			},
			drain: async (count) => {
				const [used = -1, empty = -1] = tables;
				await replaceInnerMap(object.map('tables'), 0, empty);
				tables.reverse();
				filling = false;
				updateMap(object.map('fill'), number(0), new Uint8Array(8));
				drainMap(used, (key, values) => count(key, sumOf(values)), { ...shape, valueBytes: 8 * processors });
			},
			isFilling: () => filling,
			counts: () => readCounts(object, processors),
			deviceName: (namespace, device) => readName(object.map('device_names'), namespace, device),
			wait: ring.wait,
			wake: ring.wake,
			stop: object.detach,
			close: () => {
				ring.close();
				close();
			},
		};
	} catch (error) {
		close();
		throw error;
	}
}

function isXdpWanted({ reasons, causes }: DropFilter): boolean {
	return (
		(reasons.length === 0 || reasons.some(isXdpReason)) &&
		(causes.length === 0 || causes.some((cause) => cause === 'xdp-redirect' || cause === 'xdp-exception'))
	);
}

function setFilter(object: BpfObject, { filter, namespaces, reasons }: DropWatchOptions): void {
	const set = (index: number, interest: Interest): void =>
		updateMap(object.map('reasons'), number(index), number(interests.indexOf(interest)));
	for (let index = 0; index < subsystems; index++) {
		// A kernel without reasons gives none a number; a number without a name is one that is new to its BTF.
		set(index, reasons.size === 0 ? 'wanted' : interestIn(reasons.get(index) ?? `UNKNOWN_${index}`, filter));
	}
	const ofSubsystems = [...reasons].filter(([index]) => index > subsystems).map(([, name]) => name);
	const wanted = filter.reasons.length === 0 || ofSubsystems.some((name) => filter.reasons.includes(name));
	set(subsystems, wanted ? 'wanted' : 'ignored');
	for (const namespace of namespaces) updateMap(object.map('namespaces'), number(namespace), yes);
	for (const device of filter.devices) {
		const name = new Uint8Array(16);
		name.set(new TextEncoder().encode(device));
		updateMap(object.map('devices'), name, yes);
	}
	for (const side of ['outer', 'inner'] as const) {
		for (const [index, prefix] of filter[side].entries()) {
			updateMap(object.map(`${side}_prefixes`), number(index), encodePrefix(prefix));
		}
	}
}

/** struct drop_prefix */
function encodePrefix({ family, bytes, length }: Prefix): Uint8Array {
	const encoded = new Uint8Array(dropPrefixLayout.size);
	encoded.set(bytes, dropPrefixLayout.address.offset);
	const mask = bytes.map((_, index) => 0xff00 >> Math.min(8, Math.max(0, length - index * 8)));
	encoded.set(mask, dropPrefixLayout.mask.offset);
	encoded.set(number(family === 'ipv4' ? 2 : 10), dropPrefixLayout.family.offset);
	return encoded;
}

/** One value of each processor. */
function sumOf(values: Uint8Array): number {
	const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
	let sum = 0;
	for (let at = 0; at < values.length; at += 8) sum += Number(view.getBigUint64(at, true));
	return sum;
}

function readCounts(object: BpfObject, processors: number): DropCounts {
	const values = new Uint8Array(8 * processors);
	const read = (name: (typeof dropCounts)[number]): number => {
		lookupMap(object.map('counts'), number(dropCounts.indexOf(name)), values);
		return sumOf(values);
	};
	const missed = programs.reduce((sum, program) => sum + missedRuns(object.program(program)), 0n);
	return {
		routine: read('routine'),
		tooFast: read('too-fast'),
		notShown: read('not-shown'),
		missed: Number(missed),
	};
}

function readName(map: number, namespace: number, device: number): string | undefined {
	const name = new Uint8Array(16);
	const key = new Uint8Array(new Uint32Array([namespace, device]).buffer);
	if (!tryLookupMap(map, key, name)) return undefined;
	return new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
}
