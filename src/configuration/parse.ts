/** A configuration file read: YAML 1.2 or JSON to plain data and bytes, or every mistake with its place. */
import * as v from 'valibot';
import type { Decapsulation } from '../tunnel/decapsulation.ts';
import { type ParsedDecapsulation, parseDecapsulation } from '../tunnel/decapsulation.ts';
import { buildTable, finishTable, type TunnelTable } from '../tunnel/tunnel-table.ts';
import { addFiles, addTunnels, type Part, type ReadFile, reportTunnelConflicts } from './collect-tunnels.ts';
import type { Configuration } from './configuration.ts';
import {
	type KeysReport,
	reportDecapsulationConflicts,
	reportHookConflict,
	reportRepeatedNames,
} from './conflicts.ts';
import { problemList } from './problem-list.ts';
import { configurationSchema } from './schema.ts';
import { nodeAt, reportSchemaProblems } from './schema-problems.ts';
import { type Section, structureOf } from './structure.ts';
import { decodeUtf8, placesIn } from './text-place.ts';
import { joinPath, parseYamlTree, type TreeNode } from './yaml-tree.ts';

export interface ConfigurationSource {
	/** What problems call the file. */
	readonly file: string;
	/** Reads a tunnel file by the name that the configuration gives it; throws when it cannot. */
	readonly read?: ReadFile;
}

export interface ParsedConfiguration {
	/** As it is written, the defaults of its own members filled in. */
	readonly configuration: Configuration;
	/** All tunnels, those of its files too, with every default. */
	readonly tunnels: TunnelTable;
	readonly decapsulate: readonly ParsedDecapsulation[];
}

/** @throws EF_CONFIGURATION with every mistake in `problems` */
export function parseConfiguration(
	text: string | Uint8Array,
	source: ConfigurationSource,
): ParsedConfiguration {
	const { file } = source;
	const problems = problemList();
	const decoded = typeof text === 'string' ? text.replace(/^\ufeff/, '') : decodeUtf8(text);
	if (typeof decoded !== 'string') {
		const message = 'is not UTF-8 from here on; save the file as UTF-8';
		problems.add({ file, ...decoded, path: '', message });
		problems.throwIfAny();
		throw new RangeError(message);
	}
	const placeOf = placesIn(decoded);
	const reportAt = (offset: number, path: string, message: string): boolean =>
		problems.add({ file, ...placeOf(offset), path, message });
	const tree = parseYamlTree(decoded, reportAt);
	if (tree === undefined) problems.throwIfAny();
	if (tree === undefined) throw new RangeError('a file without a tree has a problem');

	const missing = new Map<string, string[]>();
	const noteMissing = (path: string, name: string): void => {
		missing.set(path, [...(missing.get(path) ?? []), name]);
	};
	const value = structureOf(tree, reportAt, noteMissing);
	const wrong = reportSchemaProblems(configurationSchema, value, tree, reportAt, noteMissing);
	const report: KeysReport = (keys, message) =>
		reportAt(nodeAt(tree, keys).offset, keys.reduce<string>(joinPath, ''), message);
	reportMissing(missing, tree, reportAt);

	const written = isRecord(value) ? value : {};
	for (const list of ['interfaces', 'egress'] as const)
		if (Array.isArray(written[list])) reportRepeatedNames(list, written[list], report);
	reportHookConflict(written, report);
	if (isRecord(value) && !('tunnels' in value || 'tunnelFiles' in value || 'decapsulate' in value))
		report([], 'there is nothing to do; give tunnels, tunnelFiles or decapsulate');

	/** The items of a section that are right in themselves and of the encapsulation they say, by index. */
	const rightItems = <Item extends { readonly encapsulation: string }>(section: Section) => {
		const list = written[section];
		const items = Array.isArray(list) ? [...(list as Item[]).entries()] : [];
		const isRight = ([index, item]: [number, Item]): boolean => {
			const said = nodeAt(tree, [section, index, 'encapsulation']);
			const known = said.kind === 'scalar' && said.source === item.encapsulation;
			return known && wrong.get(section)?.has(index) !== true;
		};
		return new Map(items.filter(isRight));
	};
	reportDecapsulationConflicts(rightItems<Decapsulation>('decapsulate'), report);

	const table = buildTable();
	const parts: Part[] = [];
	addTunnels(rightItems('tunnels'), table, parts, tree, { file, placeOf, report });
	addFiles(rightItems('tunnelFiles'), table, parts, source.read, report, problems.add);

	reportTunnelConflicts(table, parts, report, problems.add);
	problems.throwIfAny();

	const configuration = v.parse(configurationSchema, value);
	return {
		configuration,
		tunnels: finishTable(table),
		decapsulate: configuration.decapsulate.map(parseDecapsulation),
	};
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One problem for all that misses in one place. */
function reportMissing(
	missing: ReadonlyMap<string, readonly string[]>,
	tree: TreeNode,
	report: (offset: number, path: string, message: string) => void,
): void {
	for (const [path, names] of missing) {
		const keys = [...path.matchAll(/([^.[\]]+)/g)].map(([key]) => (/^[0-9]+$/.test(key) ? Number(key) : key));
		const [last = '', ...others] = [...names].reverse();
		const list = others.length === 0 ? `${last} is` : `${others.reverse().join(', ')} and ${last} are`;
		report(nodeAt(tree, keys).offset, path, `${list} missing; add ${others.length === 0 ? 'it' : 'them'}`);
	}
}
