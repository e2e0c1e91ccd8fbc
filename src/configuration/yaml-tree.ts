/**
 * YAML 1.2 text as a tree of plain data, every value with its place. Of YAML only what JSON can say is taken:
 * no anchors, aliases, tags, directives or merge keys, so that each thing stands where it is said and every
 * mistake has one place. `no`, `on` and `11:22:33:44:55:66` are text, as in YAML 1.2's core schema.
 */
import {
	type Document,
	isAlias,
	isMap,
	isScalar,
	isSeq,
	parseDocument,
	type YAMLError,
	type YAMLMap,
} from 'yaml';
import { placesIn } from './text-place.ts';

export interface TreeScalar {
	readonly kind: 'scalar';
	readonly offset: number;
	readonly value: string | number | boolean | null;
	/** As it is written; quotes left out. */
	readonly source: string;
}

export interface TreeList {
	readonly kind: 'list';
	readonly offset: number;
	readonly items: readonly TreeNode[];
}

export interface TreeMapping {
	readonly kind: 'mapping';
	readonly offset: number;
	readonly members: ReadonlyMap<string, { readonly offset: number; readonly node: TreeNode }>;
}

/** What stands for a value and is not taken, which has been reported. */
export interface TreeUnusable {
	readonly kind: 'unusable';
	readonly offset: number;
}

export type TreeNode = TreeScalar | TreeList | TreeMapping | TreeUnusable;

/** Told what is wrong: at an offset of the text, in UTF-16 code units, and with which member. */
export type Report = (offset: number, path: string, message: string) => void;

/** `tunnels` and `0` and `ttl`: `tunnels[0].ttl`. */
export function joinPath(path: string, key: string | number): string {
	if (typeof key === 'number') return `${path}[${key}]`;
	return path === '' ? key : `${path}.${key}`;
}

/** Brackets or block indicators within each other: the parser is recursive and a configuration has four. */
const deepest = 100;

/** Undefined when the text is not YAML or empty, which is then reported. */
export function parseYamlTree(text: string, report: Report): TreeNode | undefined {
	const tooDeep = offsetTooDeep(text);
	if (tooDeep !== undefined) {
		report(tooDeep, '', `is nested more than ${deepest} deep; a configuration is a flat list of members`);
		return undefined;
	}
	const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
	const reported = new Set<number>();
	for (const error of [...document.errors, ...document.warnings]) {
		const [offset] = error.pos;
		if (reported.has(offset)) continue;
		reported.add(offset);
		report(offset, '', syntaxMessage(error, text));
	}
	if (reported.size > 0) return undefined;
	const { yaml } = document.directives ?? {};
	if (yaml?.explicit === true && yaml.version !== '1.2')
		report(
			0,
			'',
			`is marked as YAML ${yaml.version}, which reads no and 010 otherwise; remove the %YAML line`,
		);
	return treeOf(document, text, report);
}

function offsetTooDeep(text: string): number | undefined {
	let depth = 0;
	for (let offset = 0; offset < text.length; offset++) {
		const character = text[offset];
		if (character === '[' || character === '{') depth++;
		else if ((character === ']' || character === '}') && depth > 0) depth--;
		if (depth > deepest) return offset;
	}
	const deepLine = /^[ \t?:-]{200}/m.exec(text);
	return deepLine?.index;
}

/** The parser's own words where there are no better ones. */
function syntaxMessage({ code, message, pos }: YAMLError, text: string): string {
	const lineStart = text.lastIndexOf('\n', pos[0] - 1) + 1;
	const line = text.slice(lineStart).split('\n', 1)[0] ?? '';
	if (code === 'TAB_AS_INDENT') return 'a tab indents here, which YAML does not allow; indent with spaces';
	if (code === 'MULTIPLE_DOCS') return 'a second document begins here; keep one configuration in a file';
	if (code === 'BAD_ALIAS') return 'an alias begins here; write the value itself';
	if (code === 'TAG_RESOLVE_FAILED') return 'a tag stands here; remove it';
	if (code === 'BAD_DIRECTIVE') return 'a directive stands here; remove the line';
	if (/::(?=[\s,\]}]|$)/.test(line) && (code === 'BLOCK_AS_IMPLICIT_KEY' || code === 'BLOCK_IN_FLOW'))
		return 'a value that ends with a colon reads as the name of a member; put quotes around it';
	const short = message.length > 120 ? `${message.slice(0, 120)}…` : message;
	const said = short.charAt(0).toLowerCase() + short.slice(1).replace(/[.;]$/, '');
	return `is not YAML: ${said}; correct it`;
}

function treeOf(document: Document.Parsed, text: string, report: Report): TreeNode | undefined {
	if (document.contents === null || document.contents === undefined) {
		report(0, '', 'the file says nothing; give at least interfaces and tunnels');
		return undefined;
	}
	const placeOf = placesIn(text);
	const convert = (node: unknown, path: string, fallback: number): TreeNode => {
		const { range, tag, anchor } = (node ?? {}) as NodeDecoration;
		const offset = Math.min(range?.[0] ?? fallback, text.length);
		if (isAlias(node)) {
			report(offset, path, `*${node.source} is an alias; write the value itself`);
			return { kind: 'unusable', offset };
		}
		if (tag !== undefined) report(offset, path, `the tag ${tag} stands before the value; remove it`);
		if (anchor !== undefined)
			report(offset, path, `the anchor &${anchor} stands before the value; remove it`);
		if (isSeq(node)) {
			const items = node.items.map((item, index) => convert(item, joinPath(path, index), offset));
			return { kind: 'list', offset, items };
		}
		if (isMap(node)) return { kind: 'mapping', offset, members: membersOf(node, path, offset) };
		const { value, source = '' } = isScalar(node) ? node : { value: null };
		if (typeof value === 'string') return { kind: 'scalar', offset, value, source: value };
		const known = typeof value === 'number' || typeof value === 'boolean';
		return { kind: 'scalar', offset, value: known ? value : null, source };
	};
	const membersOf = (mapping: YAMLMap, path: string, offset: number): TreeMapping['members'] => {
		const members = new Map<string, { offset: number; node: TreeNode }>();
		for (const { key, value } of mapping.items) {
			const name = convert(key, path, offset);
			if (name.kind !== 'scalar') {
				if (name.kind !== 'unusable')
					report(name.offset, path, 'the name of a member is a list or a mapping; give text');
				continue;
			}
			const memberPath = joinPath(path, name.source);
			const first = members.get(name.source);
			if (first === undefined) {
				const node = convert(value, memberPath, name.offset);
				members.set(name.source, { offset: name.offset, node });
				continue;
			}
			const { line } = placeOf(first.offset);
			report(name.offset, memberPath, `is given twice, first on line ${line}; remove one`);
		}
		return members;
	};
	return convert(document.contents, '', 0);
}

interface NodeDecoration {
	readonly range?: readonly number[];
	readonly tag?: string;
	readonly anchor?: string;
}
