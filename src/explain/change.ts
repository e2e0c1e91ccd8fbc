/** A change that might get a packet through: to the host, to the tunnel, to the packet, or at the far end. */
import type { State } from './state.ts';

/**
 * What a change is to, in the order of its cost: what concerns one device before what concerns all, a setting
 * before a route, a route before a rule; last what only a firewall or somebody at the far end can do.
 */
export const changeKinds = [
	'device-sysctl',
	'host-sysctl',
	'tunnel',
	'packet',
	'fragments',
	'link',
	'neighbour',
	'route',
	'rule',
	'address',
	'mark',
	'socket',
	'far-end',
] as const;
export type ChangeKind = (typeof changeKinds)[number];

export interface Change {
	readonly kind: ChangeKind;
	/** Among changes of one kind, less is tried first: how much more it lets in. From 0 to 9. */
	readonly openness: number;
	/** What to do, in the imperative or as a command. */
	readonly text: string;
	/** Commands that do it on this host; none where it is not for this host to do. */
	readonly commands: readonly string[];
	/** What else it changes, as a sentence without a full stop. */
	readonly affects: string;
	/** Changes of one thing exclude each other. */
	readonly subject: string;
	readonly apply: (state: State) => State;
}

/** Of some changes together: fewest first, then the kind, then how open. */
export function costOf(changes: readonly Change[]): number {
	const sum = changes.reduce(
		(total, { kind, openness }) => total + 10 * changeKinds.indexOf(kind) + openness,
		0,
	);
	return 10_000 * changes.length + sum;
}

export function applyAll(state: State, changes: readonly Change[]): State {
	return changes.reduce((before, { apply }) => apply(before), state);
}

/** A command of iproute2's `ip` as a change's text and command. */
export function ipCommand(words: string): Pick<Change, 'text' | 'commands'> {
	return { text: `ip ${words}`, commands: [`ip ${words}`] };
}
