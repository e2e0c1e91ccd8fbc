/** What the schema says against plain data, as problems at the places of its tree. */
import * as v from 'valibot';
import { type Section, sections, unusable } from './structure.ts';
import { expectationProblem, textProblem } from './value-problem.ts';
import { joinPath, type Report, type TreeNode } from './yaml-tree.ts';

/** Issues that say what is expected instead of what is wrong. */
const expectations = new Set([
	...['string', 'number', 'boolean', 'array', 'picklist', 'literal', 'union', 'variant', 'strict_object'],
	...['integer', 'min_value', 'max_value'],
]);

type Keys = readonly (string | number)[];

/** The node of a path, or the nearest above it. */
export function nodeAt(tree: TreeNode, keys: Keys): TreeNode {
	let node = tree;
	for (const key of keys) {
		const next =
			node.kind === 'list' && typeof key === 'number'
				? node.items[key]
				: node.kind === 'mapping'
					? node.members.get(String(key))?.node
					: undefined;
		if (next === undefined) return node;
		node = next;
	}
	return node;
}

function pathOf(keys: Keys): string {
	return keys.reduce<string>(joinPath, '');
}

/** Which items of a section have a problem, or cannot be used for one reported before. */
export type WrongItems = ReadonlyMap<Section, ReadonlySet<number>>;

/** @param missing told of a member that must be there, by its parent's path */
export function reportSchemaProblems(
	schema: v.GenericSchema<unknown, unknown>,
	value: unknown,
	tree: TreeNode,
	report: Report,
	missing: (path: string, name: string) => void,
): WrongItems {
	const wrong = new Map(sections.map((section) => [section, new Set<number>()]));
	const said = new Set<string>();
	for (const issue of v.safeParse(schema, value).issues ?? []) {
		const keys = (issue.path ?? []).map(({ key }) => key as string | number);
		const [section, index] = keys;
		if (typeof index === 'number') wrong.get(section as Section)?.add(index);
		if (issue.input === unusable) continue;
		const name = keys.at(-1);
		if (issue.received === 'undefined' && typeof name === 'string') {
			missing(pathOf(keys.slice(0, -1)), name);
			continue;
		}
		const node = nodeAt(tree, keys);
		const path = pathOf(keys);
		const message = expectations.has(issue.type)
			? expectationProblem(node, issue.message)
			: typeof issue.input === 'string'
				? textProblem(issue.input, issue.message)
				: issue.message;
		if (said.has(`${path} ${message}`)) continue;
		said.add(`${path} ${message}`);
		report(node.offset, path, message);
	}
	return wrong;
}
