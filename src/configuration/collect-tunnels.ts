/** All tunnels of a configuration in one table: its own, and those of its files. */
import { parseIp, parsePrefix } from '../packet/address.ts';
import { contradictions } from '../tunnel/contradiction.ts';
import { parseTunnel, type Tunnel } from '../tunnel/tunnel.ts';
import { addTunnel, type TableBuilder } from '../tunnel/tunnel-table.ts';
import type { TunnelFile } from './configuration.ts';
import type { KeysReport } from './conflicts.ts';
import { reportDuplicateMatches, reportOwnMatches } from './match-conflicts.ts';
import type { ProblemList } from './problem-list.ts';
import { nodeAt } from './schema-problems.ts';
import type { Place } from './text-place.ts';
import { readTunnelLines } from './tunnel-lines.ts';
import type { TreeNode } from './yaml-tree.ts';

/** A tunnel file, read piece by piece. */
export interface OpenedFile {
	/** What problems call it. */
	readonly file: string;
	/** About so many bytes. */
	readonly size: number;
	/** A piece is used before the next is asked for, and not after. */
	readonly pieces: Iterable<Uint8Array>;
}

/** Opens a tunnel file by the name that the configuration gives it; it or its pieces may throw. */
export type ReadFile = (name: string) => OpenedFile;

/** Lines are mostly longer: room for the tunnels of a file is made at once. */
const leastLine = 24;

/** Where a run of the table's tunnels was read. */
export interface Part {
	readonly file: string;
	readonly firstRow: number;
	/** Of the configuration's own tunnels, their indexes in its list. */
	readonly indexes?: readonly number[];
}

/** The configuration's own tunnels. */
export function addTunnels(
	tunnels: ReadonlyMap<number, Tunnel>,
	table: TableBuilder,
	parts: Part[],
	tree: TreeNode,
	{ file, placeOf, report }: { file: string; placeOf: (offset: number) => Place; report: KeysReport },
): void {
	const indexes: number[] = [];
	const { columns } = table;
	table.reserve(tunnels.size);
	for (const [index, tunnel] of tunnels) {
		const source = parsePrefix(tunnel.source);
		const destination = parseIp(tunnel.destination);
		if (source === undefined || destination === undefined) continue;
		const found = contradictions(tunnel, source.family, destination.family);
		for (const { member, message } of found) report(['tunnels', index, member], message);
		if (found.length > 0) continue;
		const parsed = parseTunnel(tunnel);
		const row = addTunnel(table, parsed);
		const place = placeOf(nodeAt(tree, ['tunnels', index, 'match']).offset);
		columns.lines[row] = place.line;
		columns.columns[row] = place.column;
		indexes.push(index);
	}
	parts.push({ file, firstRow: 0, indexes });
}

/** The tunnels of its files. */
export function addFiles(
	files: ReadonlyMap<number, TunnelFile>,
	table: TableBuilder,
	parts: Part[],
	read: ReadFile | undefined,
	report: KeysReport,
	add: ProblemList['add'],
): void {
	const seen = new Map<string, number>();
	for (const [index, tunnelFile] of files) {
		const first = seen.get(tunnelFile.file);
		if (first !== undefined) {
			report(
				['tunnelFiles', index, 'file'],
				`"${tunnelFile.file}" is tunnelFiles[${first}] already; remove one`,
			);
			continue;
		}
		seen.set(tunnelFile.file, index);
		const family = parsePrefix(tunnelFile.source ?? '')?.family;
		const found = family === undefined ? [] : contradictions(tunnelFile, family, family);
		for (const { member, message } of found) report(['tunnelFiles', index, member], message);
		if (found.length > 0) continue;
		const name = tunnelFile.file;
		const reportFile = (message: string): boolean => report(['tunnelFiles', index, 'file'], message);
		if (read === undefined) {
			reportFile(`"${name}" cannot be read here; give its tunnels in the configuration`);
			continue;
		}
		try {
			const { file, size, pieces } = read(name);
			parts.push({ file, firstRow: table.columns.count });
			table.reserve(Math.ceil(size / leastLine));
			readTunnelLines(pieces, tunnelFile, table, (line, column, path, message) =>
				add({ file, line, column, path, message }),
			);
		} catch (error) {
			const { code } = error as { code?: string };
			if (code === undefined) throw error;
			reportFile(`"${name}" cannot be read: ${code}; correct its name or its permissions`);
		}
	}
}

/** Tunnels that cannot be beside each other, or not at all. */
export function reportTunnelConflicts(
	{ columns, templates }: TableBuilder,
	parts: readonly Part[],
	report: KeysReport,
	add: ProblemList['add'],
): void {
	const partOf = (row: number): Part | undefined => parts.findLast(({ firstRow }) => firstRow <= row);
	const reportRow = (row: number, member: 'match' | 'destination', message: string): boolean => {
		const part = partOf(row);
		const index = part?.indexes?.[row - part.firstRow];
		if (index !== undefined) return report(['tunnels', index, member], message);
		const [line = 0, column = 0] = [columns.lines[row], columns.columns[row]];
		return add({ file: part?.file ?? '', line, column, path: member, message });
	};
	const placeOf = (row: number): string =>
		`at ${partOf(row)?.file}:${columns.lines[row]}:${columns.columns[row]}`;
	reportOwnMatches(columns, templates, (row, message) => reportRow(row, 'destination', message));
	reportDuplicateMatches(columns, placeOf, (row, message) => reportRow(row, 'match', message));
}
