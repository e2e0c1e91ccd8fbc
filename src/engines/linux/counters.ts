/** The kernel's counters of a network namespace, by the names that nstat gives them. */
import { readFileSync } from 'node:fs';
import { readCounter } from '../../kernel/counter.ts';
import { inNamespace, type Namespace } from '../../kernel/namespace.ts';
import type { Watch } from './watch.ts';

/** `Ip: Forwarding DefaultTTL …` and `Ip: 1 64 …`: names and values in turn, each with what they are about. */
function paired(text: string): [string, number][] {
	const lines = text.split('\n').map((line) => line.split(' '));
	return lines.flatMap(([about = '', ...names], index) => {
		if (index % 2 === 1) return [];
		const values = lines[index + 1] ?? [];
		return names.map((name, at): [string, number] => [
			`${about.replace(':', '')}${name}`,
			Number(values[at + 1]),
		]);
	});
}

/** `Ip6InReceives   5`: a name and a value a line. */
function listed(text: string): [string, number][] {
	return text.split('\n').flatMap((line): [string, number][] => {
		const [name, value] = line.trim().split(/\s+/);
		return name === undefined || value === undefined ? [] : [[name, Number(value)]];
	});
}

export function readCounters(namespace: Namespace): ReadonlyMap<string, number> {
	return inNamespace(namespace, () => {
		const read = (file: string): string => readFileSync(`/proc/thread-self/net/${file}`, 'utf8').trimEnd();
		return new Map([...paired(read('snmp')), ...paired(read('netstat')), ...listed(read('snmp6'))]);
	});
}

/** The names of those that are more than they were. */
export function risen(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string[] {
	return [...after].flatMap(([name, value]) => (value > (before.get(name) ?? 0) ? [name] : []));
}

/** Asks, where the kernel has no reason for it, whether rp_filter has dropped a packet of the namespace's since. */
export function countReversePath(namespace: Namespace, watch: Watch): () => boolean {
	if (watch.namesReversePath) return () => false;
	const count = (): number | undefined => inNamespace(namespace, () => readCounter('IPReversePathFilter'));
	const before = count();
	return () => count() !== before;
}
