/** The table of commands as plain data: what can be written on a command line. */
import { buildApp } from '../src/cli/app.ts';

export interface Flag {
	/** As it is written: `--rp-filter`. */
	readonly name: string;
	readonly brief: string;
	/** What follows it; undefined when nothing does. */
	readonly value: Value | undefined;
}

/** Words to choose from, a file, a network namespace, or anything. */
export type Value = readonly string[] | 'file' | 'namespace' | 'any';

export interface CommandNode {
	readonly name: string;
	readonly brief: string;
	readonly flags: readonly Flag[];
	/** What stands behind its flags. */
	readonly positional: Value | undefined;
	readonly commands: readonly CommandNode[];
}

/** What is used of @stricli/core's commands and route maps. */
interface Target {
	readonly brief: string;
	readonly parameters?: {
		readonly flags?: Readonly<Record<string, Parameter>>;
		readonly positional?: { readonly kind: string; readonly parameters?: readonly Parameter[] };
	};
	readonly getAllEntries?: () => readonly {
		readonly name: { readonly original: string };
		readonly target: Target;
		readonly hidden: boolean;
	}[];
}

interface Parameter {
	readonly kind?: string;
	readonly brief: string;
	readonly placeholder?: string;
	readonly values?: readonly string[];
	readonly hidden?: boolean;
}

export function commandTree(): CommandNode {
	const { root } = buildApp(() => {}) as unknown as { readonly root: Target };
	return nodeOf('encap-forward', root);
}

const help: Flag = { name: '--help', brief: 'Print help', value: undefined };

function nodeOf(name: string, target: Target): CommandNode {
	const commands = (target.getAllEntries?.() ?? [])
		.filter(({ hidden }) => !hidden)
		.map((entry) => nodeOf(entry.name.original, entry.target));
	const flags = Object.entries(target.parameters?.flags ?? {})
		.filter(([, { hidden }]) => hidden !== true)
		.map(([flag, parameter]) => ({
			name: `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
			brief: parameter.brief,
			value: parameter.kind === 'boolean' ? undefined : choices(flag, parameter),
		}));
	const [first] = target.parameters?.positional?.parameters ?? [];
	// `lab` alone is `lab run`.
	const run = commands.find((command) => command.name === 'run');
	return {
		name,
		brief: target.brief,
		flags: [...(run?.flags.filter((flag) => flag.name !== '--help') ?? flags), help],
		positional: first === undefined ? undefined : choices('', first),
		commands,
	};
}

function choices(name: string, { values, placeholder }: Parameter): Value {
	if (values !== undefined) return values;
	if (name === 'netns') return 'namespace';
	return placeholder === 'file' ? 'file' : 'any';
}
