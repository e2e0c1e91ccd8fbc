/** In words, what is wrong with a value that is not what the schema expects there. */
import { suggestion } from './suggestion.ts';
import type { TreeNode } from './yaml-tree.ts';

/** What stands there, as it is written, if it is short. */
function shown(text: string): string {
	const line = text.length > 60 ? `${text.slice(0, 60)}…` : text;
	return JSON.stringify(line);
}

/** @param expected such as `a whole number from 1 to 255`, as the schema's messages are */
export function expectationProblem(node: TreeNode, expected: string): string {
	if (node.kind !== 'scalar') return `is a ${node.kind}; give ${expected}`;
	const { value, source } = node;
	if (value === null) return `has no value; give ${expected}`;
	if (typeof value === 'number') {
		if (!expected.startsWith('a whole number'))
			return `${source} is a number; give ${expected}${quoted(expected)}`;
		return `${source} is ${Number.isInteger(value) ? 'out of range' : 'not a whole number'}; give ${expected}`;
	}
	if (typeof value === 'boolean')
		return `${source} is true or false to YAML; give ${expected}${quoted(expected)}`;
	if (expected === 'true or false' && /^(yes|no|on|off|y|n)$/i.test(value))
		return `${value} is text in YAML 1.2; give ${/^(yes|on|y)$/i.test(value) ? 'true' : 'false'}`;
	if (expected.startsWith('a whole number') && /^(0|[1-9][0-9]*)$/.test(value))
		return `${shown(value)} is text; remove the quotes`;
	const words = /^one of (.*)$/.exec(expected)?.[1]?.split(', ');
	if (words !== undefined)
		return `${shown(value)} is none of ${words.join(', ')}; ${suggestion(value, words)}`;
	return `${shown(value)} is text; give ${expected}`;
}

function quoted(expected: string): string {
	return /^(an? (IP|prefix|Ethernet)|the name)/.test(expected) ? ', in quotes' : '';
}

/** @param problem what a text's own rule says of it, without the text */
export function textProblem(text: string, problem: string): string {
	return `${shown(text)} ${problem}`;
}
