/** What a line of a tunnel file says behind match and destination: `key=value`, the values as in YAML. */
import * as v from 'valibot';
import { parseIp, parsePrefix } from '../packet/address.ts';
import { contradictions } from '../tunnel/contradiction.ts';
import { parseTunnel, type Tunnel } from '../tunnel/tunnel.ts';
import type { TunnelTemplate } from '../tunnel/tunnel-table.ts';
import type { TunnelFile } from './configuration.ts';
import { memberNames, tunnelSchema } from './schema.ts';
import { suggestion } from './suggestion.ts';
import { expectationProblem, textProblem } from './value-problem.ts';
import type { TreeScalar } from './yaml-tree.ts';

/**
 * Told of a mistake and where it begins, in UTF-16 code units from the start of the options' text; undefined
 * when it is the line's destination that does not go with what the whole file says.
 */
export type OptionReport = (offset: number | undefined, path: string, message: string) => void;

interface Option {
	readonly offset: number;
	/** Of the value. */
	readonly valueOffset: number;
	readonly source: string;
	readonly value: string | number | boolean;
}

function valueFrom(source: string): Option['value'] {
	if (/^(0|[1-9][0-9]*|0x[0-9a-fA-F]+)$/.test(source)) return Number(source);
	return source === 'true' || (source === 'false' ? false : source);
}

/** The options by name; undefined when one is wrong in itself, which is reported. */
function readOptions(text: string, kind: Tunnel['encapsulation'], report: OptionReport) {
	const names = memberNames.tunnels[kind].filter(
		(name) => name !== 'match' && name !== 'destination' && name !== 'encapsulation',
	);
	const options = new Map<string, Option>();
	let right = true;
	for (const { 0: word, index: offset } of text.matchAll(/[^ \t\r]+/g)) {
		const wrong = (path: string, message: string): void => {
			right = false;
			report(offset, path, message);
		};
		const equals = word.indexOf('=');
		const name = equals < 0 ? word : word.slice(0, equals);
		const source = word.slice(equals + 1);
		if (equals < 0) wrong('', textProblem(word, 'has no =; give options as name=value'));
		else if (options.has(name)) wrong(name, 'is given twice in this line; remove one');
		else if (!names.includes(name))
			wrong(name, `a line of ${kind} has no such option; ${suggestion(name, names)}`);
		else options.set(name, { offset, valueOffset: offset + equals + 1, source, value: valueFrom(source) });
	}
	return right ? options : undefined;
}

/**
 * The template of a line with these options, its match and destination as examples; undefined when something
 * is wrong, which is reported.
 */
export function templateOf(
	text: string,
	{ match, destination }: { readonly match: string; readonly destination: string },
	{ file: _, ...defaults }: TunnelFile,
	report: OptionReport,
): Omit<TunnelTemplate, 'identifier'> | undefined {
	const options = readOptions(text, defaults.encapsulation, report);
	if (options === undefined) return undefined;
	const given = Object.fromEntries([...options].map(([name, { value }]) => [name, value]));
	const result = v.safeParse(tunnelSchema, { ...defaults, match, destination, ...given });
	const said = new Set<string>();
	for (const { path, message, type, input } of result.issues ?? []) {
		const name = String(path?.[0]?.key);
		const option = options.get(name);
		if (said.has(name)) continue;
		said.add(name);
		if (option === undefined) {
			report(0, name, 'is missing; give it in the line or for the whole file');
			continue;
		}
		const node: TreeScalar = { kind: 'scalar', offset: 0, value: option.value, source: option.source };
		const own = type === 'check' && typeof input === 'string';
		report(option.valueOffset, name, own ? textProblem(input, message) : expectationProblem(node, message));
	}
	if (!result.success) return undefined;
	const source = parsePrefix(result.output.source);
	const outer = parseIp(destination);
	if (source === undefined || outer === undefined) return undefined;
	const found = contradictions(result.output, source.family, outer.family);
	for (const { member, message } of found) report(options.get(member)?.valueOffset, member, message);
	if (found.length > 0) return undefined;
	const tunnel = parseTunnel(result.output);
	return {
		tunnel,
		derivesInnerDestination: 'innerDestination' in tunnel && !('innerDestination' in result.output),
	};
}
