/** The tunnels of a table as the words of their entries, and the templates that these share. */
import { innerMac } from '../tunnel/inner-mac.ts';
import type { TunnelTable } from '../tunnel/tunnel-table.ts';
import { identifierKey, prefixNumber, templateBytes } from './tunnel-map.ts';

/** Words of a record: as in struct tunnel_entry, but for the last two. */
export const recordWords = 8;
/** Where they stand: match 0 to 3, destination, key, prefix number, index into `templates`. */
export const recordWord = { destination: 4, key: 5, prefix: 6, template: 7 } as const;

export interface TunnelRecords {
	readonly count: number;
	/** Each is another. */
	readonly templates: readonly Uint8Array[];
	/**
	 * Write a tunnel's record to `into` at `at`: in the order of the host, which is little-endian as the
	 * programs are; addresses as they stand on the wire. Made when it is wanted: memory for a million takes
	 * longer to get.
	 */
	readonly write: (row: number, into: Uint32Array, at: number) => void;
}

export function tunnelRecords(table: TunnelTable): TunnelRecords {
	const { count, matchLengths, matchBytes, identifiers, templateOf } = table;
	const matches = new Uint32Array(table.matches.buffer, table.matches.byteOffset, count * 4);
	const ends = new Uint32Array(table.destinations.buffer, table.destinations.byteOffset, count * 4);
	const templates: Uint8Array[] = [];
	const numbers = new Map<string, number>();
	const intern = (bytes: Uint8Array): number => {
		const name = textOf(bytes);
		const known = numbers.get(name);
		if (known !== undefined) return known;
		numbers.set(name, templates.length);
		return templates.push(bytes) - 1;
	};
	/** Of each of the table's: its number, where the outer destination is the entry's. */
	const shared = table.templates.map((template) => {
		const { tunnel, identifier } = template;
		const given = 'vni' in tunnel ? tunnel.vni : tunnel.encapsulation === 'gre' ? (tunnel.key ?? 0) : 0;
		const ipv4 = tunnel.destination.family === 'ipv4';
		return {
			...template,
			key: identifier === undefined ? swapped(identifierKey(tunnel.encapsulation, given)) : -1,
			shifted: identifier === 'vni',
			number: ipv4 ? intern(templateBytes(template)) : undefined,
		};
	});
	/** Of each tunnel, where the outer destination is the template's: its number. */
	const own = new Uint32Array(shared.some(({ number }) => number === undefined) ? count : 0);
	for (let row = 0; row < own.length; row++) {
		const template = shared[templateOf[row] as number];
		if (template === undefined || template.number !== undefined) continue;
		const { tunnel } = template;
		const bytes = table.destinations.slice(row * 16, row * 16 + 16);
		const whole = {
			...tunnel,
			destination: { family: 'ipv6', bytes },
			...(template.derivesInnerDestination ? { innerDestination: innerMac(bytes) } : {}),
		} as typeof tunnel;
		own[row] = intern(templateBytes({ tunnel: whole, derivesInnerDestination: false }));
	}
	const write = (row: number, into: Uint32Array, at: number): void => {
		const template = shared[templateOf[row] as number];
		if (template === undefined) throw new RangeError(`tunnel ${row} has no template`);
		const { key, number, shifted } = template;
		for (let word = 0; word < 4; word++) into[at + word] = matches[row * 4 + word] as number;
		const identifier = identifiers[row] as number;
		into[at + recordWord.destination] = number === undefined ? 0 : (ends[row * 4] as number);
		into[at + recordWord.key] = key >= 0 ? key : swapped(shifted ? identifier << 8 : identifier);
		into[at + recordWord.prefix] = prefixNumber(matchBytes[row] as number, matchLengths[row] as number);
		into[at + recordWord.template] = number ?? (own[row] as number);
	};
	return { count, templates, write };
}

/** Bytes as a text that can be a key: one character each. */
export function textOf(bytes: Uint8Array): string {
	let text = '';
	for (const byte of bytes) text += String.fromCharCode(byte);
	return text;
}

/** A number's bytes the other way round. */
function swapped(word: number): number {
	return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}
