/** Drops counted by what they have in common. */
import type { DroppedPacket, TracedDrop } from './drop.ts';
import { type DropKey, decodeDropKey, type IpHeader } from './key.ts';

export interface Row {
	readonly drop: TracedDrop;
	readonly packets: number;
	/** One of the packets, where one was kept. */
	readonly sample?: DroppedPacket;
}

export interface Tally {
	/** Count packets under a key; false if they are not wanted. */
	add(key: Uint8Array, packets: number, sample?: DroppedPacket): boolean;
	/** Count packets of which everything is known already. */
	addNamed(drop: TracedDrop, packets: number): void;
	/** Most first. */
	rows(): Row[];
	/** All of them. */
	readonly packets: number;
}

type OpenRow = { -readonly [Member in keyof Row]: Row[Member] };

/** A table of more rows than this tells nobody anything: the smallest are put together. */
const mostRows = 20_000;

/**
 * @param name what a key means
 * @param wanted whether what it means is to be counted
 */
export function openTally(name: (key: DropKey) => TracedDrop, wanted: (drop: TracedDrop) => boolean): Tally {
	/** By the kernel's key, byte for byte; undefined for what is not wanted. */
	let byKey = new Map<string, OpenRow | undefined>();
	/** By what is shown: several places in one function are one. */
	let byName = new Map<string, OpenRow>();
	let packets = 0;
	const rowOf = (drop: TracedDrop): OpenRow => {
		const identity = identityOf(drop);
		const known = byName.get(identity);
		if (known !== undefined) return known;
		const row = { drop, packets: 0 };
		byName.set(identity, row);
		return row;
	};
	const shrink = (): void => {
		const rows = [...byName.values()].sort(mostFirst);
		byName = new Map(rows.slice(0, mostRows / 2).map((row) => [identityOf(row.drop), row]));
		byKey = new Map();
		for (const { drop, packets } of rows.slice(mostRows / 2)) {
			const { headers, ...common } = drop;
			rowOf({ ...common, tooMany: true }).packets += packets;
		}
	};
	return {
		add: (key, count, sample) => {
			const text = latin1(key);
			let row = byKey.get(text);
			if (row === undefined) {
				if (byKey.has(text)) return false;
				const drop = name(decodeDropKey(key));
				row = wanted(drop) ? rowOf(drop) : undefined;
				byKey.set(text, row);
				if (row === undefined) return false;
			}
			row.packets += count;
			packets += count;
			if (sample !== undefined) row.sample ??= sample;
			if (byName.size > mostRows) shrink();
			return true;
		},
		addNamed: (drop, count) => {
			rowOf(drop).packets += count;
			packets += count;
		},
		rows: () => [...byName.values()].filter((row) => row.packets > 0).sort(mostFirst),
		get packets() {
			return packets;
		},
	};
}

function mostFirst(a: Row, b: Row): number {
	return b.packets - a.packets;
}

function latin1(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function identityOf(drop: TracedDrop): string {
	const { by, reason, cause, where, namespace, device, target = '', tooMany, headers } = drop;
	const place = `${by} ${reason} ${cause} ${where} ${namespace} ${device} ${target} ${tooMany}`;
	if (headers === undefined) return place;
	const { ethertype, outer, encapsulation, inner } = headers;
	return `${place} ${ethertype} ${addresses(outer)} ${encapsulation} ${addresses(inner)}`;
}

function addresses(header: IpHeader | undefined): string {
	return header === undefined ? '' : `${header.source} ${header.destination} ${header.protocol}`;
}
