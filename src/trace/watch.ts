/** The kernel side of `trace`: bpf/drops.bpf.c loaded with a filter, its events, its table and its counters. */
import { objectPath } from '../datapath/datapath.ts';
import {
	dropBucketLayout,
	dropCounts,
	dropPrefixLayout,
	dropInterests as interests,
} from '../datapath/layout.ts';
import { lookupMap, possibleCpus, replaceInnerMap, tryLookupMap, updateMap } from '../kernel/map.ts';
import { type BpfObject, loadObject } from '../kernel/object.ts';
import { missedRuns } from '../kernel/program.ts';
import { openRingBuffer } from '../kernel/ring-buffer.ts';
import { makeSharedArray, type SharedArray } from '../kernel/shared-array.ts';
import type { Prefix } from '../packet/address.ts';
import { type DropEvent, decodeDropEvent, dropEventSize } from './event.ts';
import { type DropFilter, type Interest, interestIn, isXdpReason } from './filter.ts';
import { foldRarest } from './fold.ts';
import { tableContent } from './table-content.ts';

export interface DropWatchOptions {
	readonly filter: DropFilter;
	/** Inode numbers of the only namespaces that are wanted; all if there are none. */
	readonly namespaces: readonly number[];
	/** The running kernel's reasons by number; empty where it gives none. */
	readonly reasons: ReadonlyMap<number, string>;
	/** Whether the kernel's tracepoint xdp_redirect_err says what type of map it was (Linux 5.13). */
	readonly hasMapType: boolean;
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
	/** Nowhere: there was no room in the table either, or they came while another was being counted. */
	readonly notShown: number;
	/** At most so many more: the kernel could not ask us, for it was asking us on that processor. */
	readonly missed: number;
}

export interface DropWatch {
	/** The events there are, oldest first, or the first of many. */
	take(): DropEvent[];
	/**
	 * Take the table's entries, key and packets: exact, each drop in one of all answers. Where there are many,
	 * the rarest come without headers.
	 */
	drain(count: (key: Uint8Array, packets: number) => void): Promise<void>;
	/** Whether the table had no room for some keys since it was drained last. */
	isFull(): boolean;
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
const samples = 64;

/** How many events are taken at a time: what else the process has to do comes between. */
const portion = 4096;

/** Index in the map `reasons` of the reasons of the kernel's subsystems, which have numbers of their own. */
const subsystems = 256;

/** enum { PLACES } of bpf/drops.bpf.c */
const places = 64;

/**
 * Buckets for keys with headers that each processor has, of four keys: half a megabyte, less where there are
 * many processors.
 */
function bucketsOf(processors: number): number {
	return processors <= 8 ? 1024 : processors <= 32 ? 512 : 256;
}

const number = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer);
const yes = Uint8Array.of(1);

/** Load and attach. @throws EF_BPF_LOAD, EF_KERNEL */
export function openDropWatch(options: DropWatchOptions): DropWatch {
	const { filter, namespaces, reasons, hasMapType, each, snap, eventRoom } = options;
	const eventSize = dropEventSize(snap);
	const processors = possibleCpus();
	const buckets = bucketsOf(processors);
	const makeTable = (): SharedArray =>
		makeSharedArray('drops', dropBucketLayout.size, processors * (buckets + places));
	let [used, empty] = [makeTable(), makeTable()];
	let object: BpfObject | undefined;
	const close = (): void => {
		object?.close();
		used.close();
		empty.close();
	};
	try {
		object = loadObject(objectPath('drops'), {
			constants: {
				has_drop_reason: reasons.size > 0,
				has_map_type: hasMapType,
				only_namespace: namespaces.length === 1 ? (namespaces[0] ?? 0) : 0,
				only_namespaces: namespaces.length > 1,
				only_devices: filter.devices.length > 0,
				outer_count: filter.outer.length,
				inner_count: filter.inner.length,
				with_xdp: isXdpWanted(filter),
				each,
				samples: each ? 0 : samples,
				event_size: eventSize,
				buckets,
			},
			innerMaps: { tables: used.fd },
			entries: { events: eventRoom },
		});
		const { map, detach } = object;
		updateMap(map('tables'), number(0), number(used.fd));
		setFilter(object, options);
		let full = false;
		let events: DropEvent[] = [];
		const ring = openRingBuffer(map('events'), eventSize, (event, bytes) => {
			if (bytes < eventSize) full = true;
			else events.push(decodeDropEvent(event));
			return events.length < portion;
		});
		for (const program of programs) object.attach(program);
		const counters = object;
		return {
			take: () => {
				ring.consume();
				const taken = events;
				events = [];
				return taken;
			},
			drain: async (count) => {
				await replaceInnerMap(map('tables'), 0, empty.fd);
				[used, empty] = [empty, used];
				full = false;
				updateMap(map('fill'), number(0), new Uint8Array(8));
				foldRarest(tableContent(empty.take()), count);
			},
			isFull: () => full,
			counts: () => readCounts(counters, processors),
			deviceName: (namespace, device) => readName(map('device_names'), namespace, device),
			wait: ring.wait,
			wake: ring.wake,
			stop: detach,
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
		set(
			index,
			reasons.size === 0 ? 'wanted-route' : interestIn(reasons.get(index) ?? `UNKNOWN_${index}`, filter),
		);
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
	const words = new BigUint64Array(values.buffer);
	return Number(words.reduce((sum, word) => sum + word, 0n));
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
