/** From a YAML tree to plain data with no member that the schema does not have; those are reported. */

import { type Encapsulation, encapsulations } from '../tunnel/tunnel.ts';
import { memberNames } from './schema.ts';
import { suggestion } from './suggestion.ts';
import { expectationProblem } from './value-problem.ts';
import { joinPath, type Report, type TreeMapping, type TreeNode, type TreeScalar } from './yaml-tree.ts';

/** Stands for a value that has been reported: nothing more is said of it. */
export const unusable: unique symbol = Symbol('unusable');

export const sections = ['tunnels', 'tunnelFiles', 'decapsulate'] as const;
export type Section = (typeof sections)[number];

const itemWords: Readonly<Record<Section, string>> = {
	tunnels: 'the members of a tunnel',
	tunnelFiles: 'a file and what its tunnels share',
	decapsulate: 'the members of a decapsulation',
};

/** What stands where members are expected. */
function noMapping(node: TreeNode, path: string, expected: string, report: Report): typeof unusable {
	if (node.kind !== 'unusable') report(node.offset, path, expectationProblem(node, expected));
	return unusable;
}

/** Plain data of a whole configuration. `missing` is told of a member that must be there, by its parent's path. */
export function structureOf(
	tree: TreeNode,
	report: Report,
	missing: (path: string, name: string) => void,
): unknown {
	if (tree.kind !== 'mapping')
		return noMapping(tree, '', 'a mapping of members such as interfaces and tunnels', report);
	const members = knownMembers(tree, '', memberNames.configuration, report, () => '');
	return Object.fromEntries(
		[...members].map(([name, node]) => {
			const section = sections.find((each) => each === name);
			if (section === undefined || node.kind !== 'list') return [name, plain(node, name, report)];
			const items = node.items.map((item, index) => {
				const path = joinPath(section, index);
				return item.kind === 'mapping'
					? itemOf(item, path, section, report, missing)
					: noMapping(item, path, itemWords[section], report);
			});
			return [name, items];
		}),
	);
}

/** An item whose members are told by its encapsulation; when that is wrong, what all kinds have is left. */
function itemOf(
	item: TreeMapping,
	path: string,
	section: Section,
	report: Report,
	missing: (path: string, name: string) => void,
): Record<string, unknown> {
	const kinds = memberNames[section];
	const kind = encapsulationOf(item, path, report, missing);
	const every = [...new Set(encapsulations.flatMap((each) => kinds[each]))];
	const names = kind === undefined ? every : kinds[kind];
	const members = knownMembers(item, path, names, report, (name) => {
		const having = encapsulations.filter((each) => kinds[each].includes(name));
		if (having.length === 0) return '';
		return `${kind} has no ${name}, ${having.join(', ')} ${having.length === 1 ? 'has' : 'have'}; remove it`;
	});
	const left = [...members].filter(
		([name]) => kinds[kind ?? 'ip'].includes(name) && name !== 'encapsulation',
	);
	return {
		...Object.fromEntries(left.map(([name, node]) => [name, plain(node, joinPath(path, name), report)])),
		encapsulation: kind ?? 'ip',
	};
}

function encapsulationOf(
	item: TreeMapping,
	path: string,
	report: Report,
	missing: (path: string, name: string) => void,
): Encapsulation | undefined {
	const node = item.members.get('encapsulation')?.node;
	if (node === undefined) missing(path, 'encapsulation');
	if (node === undefined || node.kind === 'unusable') return undefined;
	const source = node.kind === 'scalar' ? node.source : '';
	const kind = encapsulations.find((each) => each === source);
	if (kind === undefined) {
		const list = encapsulations.join(', ');
		const said =
			source === ''
				? `has no value; give one of ${list}`
				: `"${source}" is none of ${list}; ${suggestion(source, encapsulations)}`;
		report(node.offset, joinPath(path, 'encapsulation'), said);
	}
	return kind;
}

function knownMembers(
	mapping: TreeMapping,
	path: string,
	names: readonly string[],
	report: Report,
	elsewhere: (name: string) => string,
): Map<string, TreeNode> {
	const known = new Map<string, TreeNode>();
	for (const [name, { offset, node }] of mapping.members) {
		if (names.includes(name)) known.set(name, node);
		else {
			const meant = suggestion(name, names, (each) => mapping.members.has(each));
			const said = elsewhere(name) || `there is no such member; ${meant}`;
			report(offset, joinPath(path, name), said);
		}
	}
	return known;
}

function plain(node: TreeNode, path: string, report: Report): unknown {
	switch (node.kind) {
		case 'scalar':
			return isPlainNumber(node, path, report) ? node.value : unusable;
		case 'list':
			return node.items.map((item, index) => plain(item, joinPath(path, index), report));
		case 'mapping':
			return Object.fromEntries(
				[...node.members].map(([name, member]) => [name, plain(member.node, joinPath(path, name), report)]),
			);
		case 'unusable':
			return unusable;
	}
}

/** A number that is whole is written so that YAML 1.1, YAML 1.2 and JSON read the same; text is always right. */
function isPlainNumber({ value, source, offset }: TreeScalar, path: string, report: Report): boolean {
	if (typeof value !== 'number' || !Number.isSafeInteger(value)) return true;
	if (/^(0|-?[1-9][0-9]*|0x[0-9a-fA-F]+)$/.test(source)) return true;
	const why = /^[-+]?0[0-9]/.test(source)
		? 'begins with 0, which some programs read as octal'
		: 'is an unusual way to write a number';
	report(offset, path, `${source} ${why}; write ${value === 0 ? 0 : value}`);
	return false;
}
