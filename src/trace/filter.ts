/** Which drops are wanted, as plain data; and from what users write. */

import { interfaceNameProblem } from '../configuration/interface-name.ts';
import { suggestion } from '../configuration/suggestion.ts';
import type { dropInterests } from '../datapath/layout.ts';
import { EncapForwardError } from '../error.ts';
import { type Cause, causes, settledCause } from '../journey/cause.ts';
import { type Prefix, parsePrefix, prefixProblem } from '../packet/address.ts';

/** A list that is empty wants everything; of several, one has to fit. */
export interface DropFilter {
	readonly causes: readonly Cause[];
	/** The kernel's names without SKB_DROP_REASON_; errnos and verdicts for XDP. */
	readonly reasons: readonly string[];
	readonly devices: readonly string[];
	/** Names as src/trace/namespaces.ts takes them. */
	readonly namespaces: readonly string[];
	/** Networks that the source or the destination of the outermost IP header is in. */
	readonly outer: readonly Prefix[];
	/** The same for the inner header of an encapsulation: packets without one are not wanted then. */
	readonly inner: readonly Prefix[];
	/** Whether what is freed in the ordinary course of things is wanted too. */
	readonly routine: boolean;
}

/** How many values there is room for in the kernel. */
const mostPrefixes = 8;
const mostNames = 64;

/** @throws SyntaxError with what is wrong, in words */
export function parseCause(text: string): Cause {
	if (Object.hasOwn(causes, text)) return text as Cause;
	throw new SyntaxError(`"${text}" is no cause; ${suggestion(text, Object.keys(causes))}`);
}

/** @throws SyntaxError with what is wrong, in words */
export function parseNetwork(text: string): Prefix {
	const prefix = parsePrefix(text);
	if (prefix !== undefined) return prefix;
	throw new SyntaxError(prefixProblem(text));
}

/** @throws SyntaxError with what is wrong, in words */
export function parseDevice(text: string): string {
	const problem = interfaceNameProblem(text);
	if (problem === undefined) return text;
	throw new SyntaxError(`"${text}" ${problem}`);
}

/** In whatever case, with the kernel's prefix or without. */
export function parseReason(text: string): string {
	return text.toUpperCase().replace(/^SKB_(DROP_REASON_)?/, '');
}

/** @throws EF_USAGE where there is more than the kernel side has room for */
export function requireRoom(filter: DropFilter): void {
	const { outer, inner, devices, namespaces } = filter;
	const limits = { outer: mostPrefixes, inner: mostPrefixes, device: mostNames, netns: mostNames };
	const given = { outer, inner, device: devices, netns: namespaces };
	for (const [option, limit] of Object.entries(limits)) {
		const { length } = given[option as keyof typeof given];
		if (length <= limit) continue;
		throw new EncapForwardError(
			'EF_USAGE',
			`--${option} is given ${length} times, and can be ${limit} times; give fewer, wider ones`,
		);
	}
}

/** What an XDP tracepoint can say: an errno, or a verdict. */
export function isXdpReason(reason: string): boolean {
	return /^(E[A-Z0-9]+|XDP_[A-Z]+)$/.test(reason);
}

/**
 * Refuse reasons that the running kernel does not know.
 * @param known by number; empty where it gives none
 * @throws EF_USAGE, EF_KERNEL_FEATURE
 */
export function requireReasons(reasons: readonly string[], known: ReadonlyMap<number, string>): void {
	const names = [...known.values()];
	for (const reason of reasons) {
		if (names.includes(reason) || isXdpReason(reason)) continue;
		if (names.length === 0) {
			throw new EncapForwardError(
				'EF_KERNEL_FEATURE',
				`--reason ${reason}: the running kernel gives no reasons (Linux 5.17 does); choose with --cause`,
			);
		}
		const [meant] = [suggestion(reason, names)].filter((text) => text.startsWith('did you mean'));
		throw new EncapForwardError(
			'EF_USAGE',
			`--reason: the running kernel has no reason "${reason}"; ${meant ?? 'give one by its name in the kernel, such as IP_RPFILTER'}`,
		);
	}
}

/** Freed, but not dropped: the kernel has these for packets that went well. */
const notDropped = new Set(['NOT_DROPPED_YET', 'CONSUMED', 'MAX', 'SUBSYS_MASK']);

/**
 * What the kernel frees in the ordinary course of things: what a socket still held when it was closed, what
 * a queue held when it was emptied, and what TCP has had before.
 */
const routineReasons: ReadonlySet<string> = new Set([
	...['SOCKET_CLOSE', 'TCP_CLOSE', 'UNIX_DISCONNECT', 'UNIX_SKIP_OOB', 'QUEUE_PURGE'],
	...['TCP_OLD_ACK', 'TCP_OFOMERGE', 'TCP_OFO_QUEUE_PRUNE'],
]);

export type Interest = (typeof dropInterests)[number];

/** What is wanted of a kernel reason as far as it alone tells: the place may tell more, see `isWanted`. */
export function interestIn(reason: string, filter: DropFilter): Interest {
	if (notDropped.has(reason)) return 'ignored';
	const cause = settledCause(reason);
	// Where the reason alone does not settle the cause, the packet's route may.
	const wanted = cause === undefined ? 'wanted-route' : 'wanted';
	if (filter.reasons.length > 0) return filter.reasons.includes(reason) ? wanted : 'ignored';
	if (filter.causes.length > 0 && cause !== undefined && !filter.causes.includes(cause)) return 'ignored';
	return routineReasons.has(reason) && !filter.routine ? 'routine' : wanted;
}

/** Whether a drop that the kernel side let through is wanted. */
export function isWanted(
	drop: { readonly reason: string; readonly cause: Cause; readonly routine?: boolean },
	filter: DropFilter,
): boolean {
	return (
		(filter.routine || drop.routine !== true) &&
		(filter.reasons.length === 0 || filter.reasons.includes(drop.reason)) &&
		(filter.causes.length === 0 || filter.causes.includes(drop.cause))
	);
}
