/** Very many tunnels as columns: what stands in each line in arrays, what lines share in a template. */
import type { Prefix } from '../packet/address.ts';
import { innerMac } from './inner-mac.ts';
import type { ParsedTunnel } from './tunnel.ts';

export interface TunnelTemplate {
	/** All but match and destination, and the inner destination that follows from it, is every tunnel's. */
	readonly tunnel: ParsedTunnel;
	/** Whether the inner Ethernet destination is `innerMac` of the outer one's address. */
	readonly derivesInnerDestination: boolean;
	/** The member that each tunnel has of its own, in `identifiers`. */
	readonly identifier: 'vni' | 'key' | undefined;
}

export interface TunnelTable {
	readonly count: number;
	/** 16 bytes a tunnel: the match's address, IPv4 in the first 4 and then zeros. */
	readonly matches: Uint8Array;
	/** Bits of the match that count. */
	readonly matchLengths: Uint8Array;
	/** Bytes of the match's address, 4 or 16: its family. */
	readonly matchBytes: Uint8Array;
	/** 16 bytes a tunnel: the outer destination, IPv4 in the first 4 and then zeros; of its template's family. */
	readonly destinations: Uint8Array;
	/** VNI or key, where the template says so; else 0. */
	readonly identifiers: Uint32Array;
	/** The index of its template in `templates`. */
	readonly templateOf: Uint32Array;
	readonly templates: readonly TunnelTemplate[];
}

export function familyOf(bytes: number): 'ipv4' | 'ipv6' {
	return bytes === 4 ? 'ipv4' : 'ipv6';
}

/** One tunnel of a table, with bytes of its own. */
export function tunnelAt(table: TunnelTable, index: number): ParsedTunnel {
	const template = table.templates[table.templateOf[index] ?? -1];
	if (template === undefined || index >= table.count)
		throw new RangeError(`there is no tunnel ${index} of ${table.count}`);
	const { tunnel, derivesInnerDestination, identifier } = template;
	const width = table.matchBytes[index] ?? 0;
	const match: Prefix = {
		family: familyOf(width),
		bytes: table.matches.slice(index * 16, index * 16 + width),
		length: table.matchLengths[index] ?? 0,
	};
	const { family } = tunnel.destination;
	const bytes = table.destinations.slice(index * 16, index * 16 + (family === 'ipv4' ? 4 : 16));
	const own = {
		...(derivesInnerDestination ? { innerDestination: innerMac(bytes) } : {}),
		...(identifier === undefined ? {} : { [identifier]: table.identifiers[index] }),
	};
	return { ...tunnel, match, destination: { family, bytes }, ...own } as ParsedTunnel;
}

/** A table of tunnels given one by one. */
export function tableOf(tunnels: readonly ParsedTunnel[]): TunnelTable {
	const builder = buildTable();
	builder.reserve(tunnels.length);
	for (const tunnel of tunnels) addTunnel(builder, tunnel);
	return finishTable(builder);
}

/** Add a tunnel, for which there is room, with a template of its own. Returns its index. */
export function addTunnel({ columns, templates }: TableBuilder, tunnel: ParsedTunnel): number {
	const row = columns.count++;
	columns.matches.set(tunnel.match.bytes, row * 16);
	columns.matchLengths[row] = tunnel.match.length;
	columns.matchBytes[row] = tunnel.match.bytes.length;
	columns.destinations.set(tunnel.destination.bytes, row * 16);
	columns.templateOf[row] = templates.length;
	templates.push({ tunnel, derivesInnerDestination: false, identifier: undefined });
	return row;
}

/** A table while tunnels are added, and where each was read. */
export interface TableBuilder {
	/** Room for one tunnel more at index `count`, which the caller fills; then `count` is one more. */
	readonly columns: Columns;
	/** Make room for so many more. */
	reserve(more: number): void;
	readonly templates: TunnelTemplate[];
}

export interface Columns {
	count: number;
	matches: Uint8Array;
	matchLengths: Uint8Array;
	matchBytes: Uint8Array;
	destinations: Uint8Array;
	identifiers: Uint32Array;
	templateOf: Uint32Array;
	/** Line of the match in its file, from 1. */
	lines: Uint32Array;
	/** Column of the match in its line, from 1. */
	columns: Uint32Array;
}

export function buildTable(): TableBuilder {
	const columns: Columns = {
		count: 0,
		matches: new Uint8Array(0),
		matchLengths: new Uint8Array(0),
		matchBytes: new Uint8Array(0),
		destinations: new Uint8Array(0),
		identifiers: new Uint32Array(0),
		templateOf: new Uint32Array(0),
		lines: new Uint32Array(0),
		columns: new Uint32Array(0),
	};
	return {
		columns,
		templates: [],
		reserve: (more) => {
			const needed = columns.count + more;
			const capacity = columns.matchLengths.length;
			if (needed <= capacity) return;
			const size = Math.max(needed, capacity * 2, 64);
			columns.matches = grown(columns.matches, new Uint8Array(size * 16));
			columns.matchLengths = grown(columns.matchLengths, new Uint8Array(size));
			columns.matchBytes = grown(columns.matchBytes, new Uint8Array(size));
			columns.destinations = grown(columns.destinations, new Uint8Array(size * 16));
			columns.identifiers = grown(columns.identifiers, new Uint32Array(size));
			columns.templateOf = grown(columns.templateOf, new Uint32Array(size));
			columns.lines = grown(columns.lines, new Uint32Array(size));
			columns.columns = grown(columns.columns, new Uint32Array(size));
		},
	};
}

function grown<Column extends Uint8Array | Uint32Array>(from: Column, to: Column): Column {
	to.set(from);
	return to;
}

/** The table as it is to be kept: views of exactly its tunnels. */
export function finishTable({ columns, templates }: TableBuilder): TunnelTable {
	const { count } = columns;
	return {
		count,
		matches: columns.matches.subarray(0, count * 16),
		matchLengths: columns.matchLengths.subarray(0, count),
		matchBytes: columns.matchBytes.subarray(0, count),
		destinations: columns.destinations.subarray(0, count * 16),
		identifiers: columns.identifiers.subarray(0, count),
		templateOf: columns.templateOf.subarray(0, count),
		templates,
	};
}
