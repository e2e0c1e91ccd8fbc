/** Watches for a time: what is dropped, packet by packet if asked for, and counted. */
import { requireTracing } from '../kernel/capabilities.ts';
import { dateOf } from '../kernel/clock.ts';
import { readDropReasons, readKernelTypes } from '../kernel/drop-reasons.ts';
import { etherType } from '../packet/protocol.ts';
import { followDatapaths } from './datapath-drops.ts';
import type { DroppedPacket, TracedDrop } from './drop.ts';
import type { DropEvent } from './event.ts';
import { type DropFilter, isWanted, requireReasons, requireRoom } from './filter.ts';
import { decodeDropKey } from './key.ts';
import { type Names, openNames } from './names.ts';
import { findNamespace, listNamespaces } from './namespaces.ts';
import { openTally, type Row, type Tally } from './tally.ts';
import { type DropCounts, type DropWatch, openDropWatch } from './watch.ts';

export interface TraceOptions {
	readonly filter: DropFilter;
	/** Ends the trace. */
	readonly signal: AbortSignal;
	/** End after so many drops; until the signal if not given. */
	readonly count?: number;
	/** End after so many seconds. */
	readonly seconds?: number;
	/** Called when the kernel tells of every drop from now on. */
	readonly onStart?: () => void;
	/** Called for every drop there is time for. The kernel then tells of each, which costs more than counting. */
	readonly onDrop?: (drop: TracedDrop, packet: DroppedPacket, packets: number) => void;
	/** How many bytes of a packet are kept; 256 if not given. */
	readonly snap?: number;
	/** Called each time so many seconds have passed. */
	readonly every?: {
		readonly seconds: number;
		/** Whether a report is of all that was seen since the start; else of what was since the last one. */
		readonly cumulative: boolean;
		readonly report: (report: TraceReport) => void;
	};
}

export interface TraceReport {
	/** How long it is a report of. */
	readonly seconds: number;
	/** Most first. */
	readonly rows: readonly Row[];
	/** All that the rows count. */
	readonly packets: number;
	/** Since the start. */
	readonly counts: DropCounts;
	/** With `onDrop` or `count`: how many of the packets were told of one by one. */
	readonly told: number;
}

/** The table is not drained more often, however fast it fills: that would cost more than it tells. */
const shortestDrain = 1000;
const longestWait = 3_600_000;

/**
 * Watch until the count, the time or the signal. Nothing is left in the kernel, in whatever way it ends.
 * @returns a report of the whole time
 * @throws EF_PERMISSION, EF_USAGE, EF_KERNEL_FEATURE, EF_NO_BTF, EF_NO_LIBBPF, EF_BPF_LOAD
 */
export async function trace(options: TraceOptions): Promise<TraceReport> {
	const { filter, signal, onDrop, count, snap = 256 } = options;
	requireTracing();
	requireRoom(filter);
	const types = readKernelTypes();
	const reasons = readDropReasons(types);
	requireReasons(filter.reasons, reasons);
	const namespaces = filter.namespaces.map(findNamespace);
	const each = onDrop !== undefined || count !== undefined;
	const eventRoom = snap > 256 ? 1 << 23 : 1 << 21;
	const hasMapType = (types.tracepointParameters('xdp_redirect_err') ?? 0) >= 7;
	const watch = openDropWatch({ hasMapType, filter, namespaces, reasons, each, snap, eventRoom });
	const wake = (): void => watch.wake();
	signal.addEventListener('abort', wake);
	try {
		const names = openNames(reasons, watch.deviceName);
		return await follow(watch, names, namespaces, options);
	} finally {
		signal.removeEventListener('abort', wake);
		watch.close();
	}
}

async function follow(
	watch: DropWatch,
	names: Names,
	namespaces: readonly number[],
	{ filter, signal, count = Number.POSITIVE_INFINITY, seconds, onStart, onDrop, every }: TraceOptions,
): Promise<TraceReport> {
	const datapaths =
		filter.devices.length + filter.outer.length + filter.inner.length > 0 ? undefined : followed(namespaces);
	const open = (): Tally => openTally(names.drop, (drop) => isWanted(drop, filter));
	onStart?.();
	const start = performance.now();
	const end = seconds === undefined ? Number.POSITIVE_INFINITY : start + seconds * 1000;
	const total = open();
	let interval = every?.cumulative === false ? open() : total;
	let [intervalStart, drained] = [start, start];
	let told = 0;

	const add = (key: Uint8Array, packets: number, sample?: DroppedPacket): boolean => {
		if (interval !== total) interval.add(key, packets, sample);
		return total.add(key, packets, sample);
	};
	const see = (event: DropEvent): void => {
		const packet = packetOf(event);
		const alone = onDrop !== undefined || count !== Number.POSITIVE_INFINITY;
		// Without `each`, an event is only the first packet of a key that the table counts.
		if (!add(event.key, alone ? event.packets : 0, packet) || !alone) return;
		told += event.packets;
		onDrop?.(names.drop(decodeDropKey(event.key)), packet, event.packets);
	};
	const drain = async (): Promise<void> => {
		drained = performance.now();
		await watch.drain((key, packets) => void add(key, packets));
		for (const { drop, packets } of datapaths?.take() ?? []) {
			if (!isWanted(drop, filter)) continue;
			total.addNamed(drop, packets);
			if (interval !== total) interval.addNamed(drop, packets);
		}
	};
	const report = (tally: Tally, since: number): TraceReport => ({
		seconds: (performance.now() - since) / 1000,
		rows: tally.rows(),
		packets: tally.packets,
		counts: watch.counts(),
		told,
	});

	for (;;) {
		for (const event of watch.take()) if (told < count) see(event);
		const now = performance.now();
		if (signal.aborted || told >= count || now >= end) break;
		const due = every === undefined ? Number.POSITIVE_INFINITY : intervalStart + every.seconds * 1000;
		const relief = watch.isFull() ? drained + shortestDrain : Number.POSITIVE_INFINITY;
		if (now >= Math.min(due, relief)) await drain();
		if (every !== undefined && now >= due) {
			every.report(report(interval, every.cumulative ? start : intervalStart));
			if (interval !== total) interval = open();
			intervalStart = due;
		}
		await watch.wait(
			Math.ceil(Math.min(longestWait, Math.max(0, Math.min(due, relief, end) - performance.now()))),
		);
	}
	watch.stop();
	// A count that is reached is all there is to say: what came meanwhile is not.
	if (told < count) {
		await drain(); // when it returns, nobody writes any more
		for (let events = watch.take(); events.length > 0; events = watch.take()) events.forEach(see);
	}
	if (interval !== total) every?.report(report(interval, intervalStart));
	return report(total, start);
}

function followed(inodes: readonly number[]): ReturnType<typeof followDatapaths> {
	const all = listNamespaces();
	return followDatapaths(
		inodes.length === 0 ? all : new Map([...all].filter(([inode]) => inodes.includes(inode))),
	);
}

const starts: Readonly<Record<number, DroppedPacket['start']>> = {
	[etherType.ipv4]: 'ipv4',
	[etherType.ipv6]: 'ipv6',
};

function packetOf({ key, time, length, bytes, fromEthernet }: DropEvent): DroppedPacket {
	const { headers } = decodeDropKey(key);
	const start = fromEthernet ? 'ethernet' : (starts[headers?.ethertype ?? 0] ?? 'unknown');
	return { time: dateOf(time), length, bytes, start };
}
