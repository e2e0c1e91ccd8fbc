/**
 * A file of tunnels, one on a line, read straight from its bytes into a table: a million in well under a
 * second. A line is `MATCH DESTINATION [NAME=VALUE ...]`; `#` begins a comment; empty lines count for nothing.
 */

import { limits } from '../tunnel/limits.ts';
import { endpointProblem, ipProblem, prefixProblem } from '../tunnel/text-problem.ts';
import type { TableBuilder } from '../tunnel/tunnel-table.ts';
import type { TunnelFile } from './configuration.ts';
import { isNetwork, scanIp } from './scan-address.ts';
import { templateOf } from './tunnel-options.ts';
import { textProblem } from './value-problem.ts';

const [newline, space, tab, carriageReturn, hash, slash] = [0x0a, 0x20, 0x09, 0x0d, 0x23, 0x2f];

/** Told what is wrong at a line and column from 1, with which member; false: enough has been heard. */
export type LineReport = (line: number, column: number, path: string, message: string) => boolean;

interface KnownTemplate {
	readonly index: number;
	/** Bytes of its addresses, 4 or 16. */
	readonly width: number;
}

/** A longest prefix length that a text can have, as a number; -1 when it is none. */
function scanLength(text: Uint8Array, start: number, end: number): number {
	const first = text[start] ?? 0;
	if (end <= start || end - start > 3 || (first === 0x30 && end - start > 1)) return -1;
	let length = 0;
	for (let index = start; index < end; index++) {
		const digit = (text[index] as number) - 0x30;
		if (digit < 0 || digit > 9) return -1;
		length = length * 10 + digit;
	}
	return length;
}

/** The member that is often another in each line. */
const identifiers = { ip: undefined, gre: 'key', gue: undefined, vxlan: 'vni', geneve: 'vni' } as const;

/** Where an identifier's `name=number` stands among the options; -1 and what follows means nothing: nowhere. */
interface Identifier {
	start: number;
	end: number;
	value: number;
}

/** Finds `name=` and a number in range, in decimal digits; another form is left for the options to judge. */
function findIdentifier(
	text: Uint8Array,
	start: number,
	end: number,
	{ name, most }: { readonly name: Uint8Array; readonly most: number },
	found: Identifier,
): void {
	found.start = -1;
	for (let at = start; at < end; at++) {
		const beginsWord = at === start || text[at - 1] === space || text[at - 1] === tab;
		if (!beginsWord || text[at] !== name[0]) continue;
		let index = 1;
		while (index < name.length && text[at + index] === name[index]) index++;
		if (index < name.length) continue;
		const digits = at + name.length;
		let [last, value] = [digits, 0];
		for (; last < end; last++) {
			const digit = (text[last] as number) - 0x30;
			if (digit < 0 || digit > 9) break;
			value = value * 10 + digit;
		}
		const ends = last === end || text[last] === space || text[last] === tab;
		const plain = last > digits && last - digits <= 10 && (text[digits] !== 0x30 || last === digits + 1);
		// Found twice, it is a mistake, which the options tell of.
		if (!ends || !plain || value > most || found.start >= 0) {
			found.start = -1;
			return;
		}
		[found.start, found.end, found.value] = [at, last, value];
		at = last;
	}
}

/** Of these first bytes some addresses are of no use as an end; the text tells which. */
function mayBeSpecial(width: number, first: number): boolean {
	return width === 4 ? first === 0 || first === 127 || first >= 224 : first === 0 || first >= 0xfe;
}

/** Adds the tunnels of a file to a table; nothing of a line with a mistake. */
export function readTunnelLines(
	pieces: Iterable<Uint8Array>,
	file: TunnelFile,
	table: TableBuilder,
	report: LineReport,
): void {
	const readLines = lineReader(file, table, report);
	for (const lines of wholeLines(pieces)) if (!readLines(lines)) return;
}

/** The same bytes in pieces that end with a line; only the last may do without. */
function* wholeLines(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
	let rest: Uint8Array = new Uint8Array();
	for (const piece of pieces) {
		const end = piece.lastIndexOf(newline) + 1;
		if (end === 0) {
			rest = joined(rest, piece);
			continue;
		}
		let start = 0;
		if (rest.length > 0) {
			start = piece.indexOf(newline) + 1;
			yield joined(rest, piece.subarray(0, start));
		}
		if (start < end) yield piece.subarray(start, end);
		rest = piece.slice(end);
	}
	if (rest.length > 0) yield rest;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
	const both = new Uint8Array(a.length + b.length);
	both.set(a);
	both.set(b, a.length);
	return both;
}

/** Reads whole lines, from the first of a file on; false: enough has been heard. */
function lineReader(
	file: TunnelFile,
	table: TableBuilder,
	report: LineReport,
): (bytes: Uint8Array) => boolean {
	const decoder = new TextDecoder();
	const encoder = new TextEncoder();
	const known = new Map<string, KnownTemplate>();
	const { columns, templates } = table;
	const member = identifiers[file.encapsulation];
	const sought = member && { name: encoder.encode(`${member}=`), most: limits[member][1] };
	const identifier: Identifier = { start: -1, end: -1, value: 0 };
	let line = 0;
	let heard = true;

	return (bytes) => {
		const textOf = (start: number, end: number): string => decoder.decode(bytes.subarray(start, end));
		const size = bytes.length;
		const marked = line === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
		let lineStart = marked ? 3 : 0;
		// The options of the line before without its identifier, in two parts: most lines have the same. -1: none yet.
		let [headStart, headEnd, tailStart, tailEnd] = [-1, -1, -1, -1];
		let before: KnownTemplate | undefined;
		let beforeIdentified = false;

		const wrong = (at: number, path: string, message: string): void => {
			heard = report(line, textOf(lineStart, at).length + 1, path, message) && heard;
		};
		const sameBytes = (start: number, end: number, otherStart: number, otherEnd: number): boolean => {
			if (end - start !== otherEnd - otherStart) return false;
			for (let index = 0; index < end - start; index++)
				if (bytes[start + index] !== bytes[otherStart + index]) return false;
			return true;
		};
		const templateFor = (
			match: string,
			destination: string,
			destinationStart: number,
			[start, cut, resume, end]: readonly [number, number, number, number],
		): KnownTemplate | undefined => {
			const width = destination.includes(':') ? 16 : 4;
			const identified = resume > cut;
			const name = `${width} ${identified} ${textOf(start, cut)}${textOf(resume, end)}`;
			const template = known.get(name);
			if (template !== undefined) return template;
			const options = textOf(start, end);
			const found = templateOf(options, { match, destination }, file, (offset, path, message) => {
				// In bytes, as the file is; the options are told in characters.
				const before = offset === undefined ? '' : options.slice(0, offset);
				wrong(offset === undefined ? destinationStart : start + encoder.encode(before).length, path, message);
			});
			// One with a mistake is made again, so that every line with it is told of.
			if (found === undefined) return undefined;
			const made = { index: templates.length, width: found.tunnel.destination.bytes.length };
			templates.push({ ...found, identifier: identified ? member : undefined });
			known.set(name, made);
			return made;
		};
		for (let at = lineStart; heard && at < size; at++) {
			lineStart = at;
			line++;
			// Up to four words: match, destination, and where the options begin and end.
			let [matchStart, matchEnd, destinationStart, destinationEnd, optionsStart, optionsEnd] = [
				-1, -1, -1, -1, -1, -1,
			];
			let inWord = false;
			for (; at < size; at++) {
				const byte = bytes[at] as number;
				if (byte === newline) break;
				if (byte === space || byte === tab || byte === carriageReturn) {
					if (inWord) {
						inWord = false;
						if (matchEnd < 0) matchEnd = at;
						else if (destinationEnd < 0) destinationEnd = at;
						else optionsEnd = at;
					}
				} else if (!inWord) {
					if (byte === hash) {
						const end = bytes.indexOf(newline, at);
						at = end < 0 ? size : end;
						break;
					}
					inWord = true;
					if (matchStart < 0) matchStart = at;
					else if (destinationStart < 0) destinationStart = at;
					else if (optionsStart < 0) optionsStart = at;
				}
			}
			if (matchStart < 0) continue;
			if (inWord) {
				if (matchEnd < 0) matchEnd = at;
				else if (destinationEnd < 0) destinationEnd = at;
				else optionsEnd = at;
			}
			if (destinationStart < 0) {
				wrong(matchEnd, 'destination', 'is missing; give MATCH DESTINATION in each line');
				continue;
			}
			if (optionsStart < 0) {
				optionsStart = destinationEnd;
				optionsEnd = destinationEnd;
			}

			table.reserve(1);
			const row = columns.count;
			const cell = row * 16;
			let right = true;

			let slashAt = matchStart;
			while (slashAt < matchEnd && bytes[slashAt] !== slash) slashAt++;
			const width = scanIp(bytes, matchStart, slashAt, columns.matches, cell);
			const most = width * 8;
			const length = slashAt === matchEnd ? most : scanLength(bytes, slashAt + 1, matchEnd);
			if (width === 0 || length < 0 || length > most || !isNetwork(columns.matches, cell, length, most)) {
				const text = textOf(matchStart, matchEnd);
				wrong(matchStart, 'match', textProblem(text, prefixProblem(text) ?? ''));
				right = false;
			}
			const outer = scanIp(bytes, destinationStart, destinationEnd, columns.destinations, cell);
			if (outer === 0 || mayBeSpecial(outer, columns.destinations[cell] as number)) {
				const text = textOf(destinationStart, destinationEnd);
				const problem = ipProblem(text) ?? endpointProblem(text);
				if (problem !== undefined) {
					wrong(destinationStart, 'destination', textProblem(text, problem));
					right = false;
				}
			}
			identifier.start = -1;
			if (sought !== undefined) findIdentifier(bytes, optionsStart, optionsEnd, sought, identifier);
			const identified = identifier.start >= 0;
			const cut = identified ? identifier.start : optionsEnd;
			const resume = identified ? identifier.end : optionsEnd;
			const same =
				before?.width === outer &&
				beforeIdentified === identified &&
				sameBytes(optionsStart, cut, headStart, headEnd) &&
				sameBytes(resume, optionsEnd, tailStart, tailEnd);
			if (right && !same) {
				const match = textOf(matchStart, matchEnd);
				const destination = textOf(destinationStart, destinationEnd);
				before = templateFor(match, destination, destinationStart, [optionsStart, cut, resume, optionsEnd]);
				beforeIdentified = identified;
				[headStart, headEnd, tailStart, tailEnd] = [optionsStart, cut, resume, optionsEnd];
			}
			if (!right || before === undefined) {
				// The next line is written here: of IPv4 only the first bytes.
				columns.matches.fill(0, cell, cell + 16);
				columns.destinations.fill(0, cell, cell + 16);
				continue;
			}
			columns.matchLengths[row] = length;
			columns.matchBytes[row] = width;
			columns.identifiers[row] = identified ? identifier.value : 0;
			columns.templateOf[row] = before.index;
			columns.lines[row] = line;
			columns.columns[row] = matchStart - lineStart + 1;
			columns.count++;
		}
		return heard;
	};
}
