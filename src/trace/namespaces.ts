/**
 * Network namespaces by name: `blue` as `ip netns` has it, `host` for the host's own, `pid:12` for one that
 * only a process has, `inode:4026531840` for one that nobody here can name.
 */
import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { EncapForwardError } from '../error.ts';

export interface NamedNamespace {
	readonly name: string;
	/** What opens it; undefined if nothing is known that does. */
	readonly path?: string;
	/** The program of the process that it is named by. */
	readonly program?: string;
}

const folder = '/run/netns';
const namespaceFileSystem = 0x6e736673; // NSFS_MAGIC

function inodeOf(path: string): number | undefined {
	try {
		return Number(statSync(path).ino);
	} catch {
		return undefined;
	}
}

function list(path: string): string[] {
	try {
		return readdirSync(path);
	} catch {
		return [];
	}
}

function isNamespace(path: string): boolean {
	try {
		return statfsSync(path).type === namespaceFileSystem;
	} catch {
		return false;
	}
}

/** Process 1's; where nobody may look at that, the own one counts as the host's. */
function hostPath(): string {
	return inodeOf('/proc/1/ns/net') === undefined ? '/proc/self/ns/net' : '/proc/1/ns/net';
}

function processes(): number[] {
	return list('/proc')
		.filter((name) => /^\d+$/.test(name))
		.map(Number)
		.sort((a, b) => a - b);
}

function programOf(process: number): string | undefined {
	try {
		return readFileSync(`/proc/${process}/comm`, 'utf8').trim();
	} catch {
		return undefined;
	}
}

/** Every namespace that can be found now, by inode number. A name comes before the host, that before a process. */
export function listNamespaces(): ReadonlyMap<number, NamedNamespace> {
	const found = new Map<number, NamedNamespace>();
	const add = (path: string, name: string, program?: string): void => {
		const inode = inodeOf(path);
		if (inode === undefined || found.has(inode)) return;
		found.set(inode, { name, path, ...(program === undefined ? {} : { program }) });
	};
	for (const name of list(folder).sort()) {
		if (isNamespace(`${folder}/${name}`)) add(`${folder}/${name}`, name);
	}
	add(hostPath(), 'host');
	for (const process of processes()) add(`/proc/${process}/ns/net`, `pid:${process}`, programOf(process));
	return found;
}

/** The inode number of the namespace that a user names. @throws EF_USAGE */
export function findNamespace(name: string): number {
	const [, kind, digits] = /^(pid|inode):(\d+)$/.exec(name) ?? [];
	if (kind === 'inode') return Number(digits);
	const path = kind === 'pid' ? `/proc/${digits}/ns/net` : `${folder}/${name}`;
	const inode = kind === 'pid' || (!name.includes('/') && isNamespace(path)) ? inodeOf(path) : undefined;
	if (inode !== undefined) return inode;
	const host = name === 'host' ? inodeOf(hostPath()) : undefined;
	if (host !== undefined) return host;
	throw new EncapForwardError(
		'EF_USAGE',
		kind === 'pid'
			? `--netns: there is no process ${digits}, or its namespace must not be read`
			: `--netns: there is no network namespace ${name}; "ip netns list" shows those there are, host, pid:NUMBER and inode:NUMBER name others`,
	);
}

/** Names namespaces, looking again when one is met that was not there before. */
export function nameNamespaces(): (inode: number) => NamedNamespace {
	let known = listNamespaces();
	const strangers = new Map<number, NamedNamespace>();
	return (inode) => {
		const before = known.get(inode) ?? strangers.get(inode);
		if (before !== undefined) return before;
		known = listNamespaces();
		const now = known.get(inode);
		if (now !== undefined) return now;
		const stranger = { name: inode === 0 ? 'unknown' : `inode:${inode}` };
		strangers.set(inode, stranger);
		return stranger;
	};
}
