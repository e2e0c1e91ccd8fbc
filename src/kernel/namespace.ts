/**
 * Network namespaces. A namespace belongs to a thread: what runs inside `inNamespace` must be synchronous,
 * for libuv's other threads (fs.promises, koffi's async calls) stay where they were.
 */
import { closeSync, existsSync, fstatSync, openSync, readlinkSync, rmSync, statfsSync } from 'node:fs';
import { basename } from 'node:path';
import { ip } from './ip.ts';
import { libc } from './libc.ts';
import { check } from './library.ts';

export interface Namespace {
	readonly fd: number;
	/** Identifies it on this machine: what BPF programs see and `ls -l /proc/PID/ns/net` shows. */
	readonly inode: number;
}

const cloneNewNetwork = 0x40000000;
const own = '/proc/thread-self/ns/net';
const namespaceFileSystem = 0x6e736673; // NSFS_MAGIC

/** By a path such as /proc/12/ns/net, which must be there. */
export function openNamespace(path: string): Namespace {
	const fd = openSync(path, 'r');
	return { fd, inode: Number(fstatSync(fd).ino) };
}

/** The namespace this thread is in. */
export function currentNamespace(): Namespace {
	return openNamespace(own);
}

function pathOf(name: string): string {
	return `/run/netns/${name}`;
}

/** Whether a name is taken, be it by a namespace or by what is left of one. */
export function isNameTaken(name: string): boolean {
	return existsSync(pathOf(name));
}

/** A namespace that `ip netns add` made, by name; undefined if there is none. */
export function namedNamespace(name: string): Namespace | undefined {
	return isNameTaken(name) && statfsSync(pathOf(name)).type === namespaceFileSystem
		? openNamespace(pathOf(name))
		: undefined;
}

/** Take a name away, also where its naming was cut short and there is only a file. */
export function removeName(name: string): void {
	if (!isNameTaken(name)) return;
	if (statfsSync(pathOf(name)).type === namespaceFileSystem) ip('netns', 'delete', name);
	else rmSync(pathOf(name));
}

/** Give a namespace a name, as `ip netns add` does: it stays until `ip netns delete`. */
export function nameNamespace(namespace: Namespace, name: string): void {
	// `ip netns attach` takes a thread for its namespace: this one, while it is in there.
	const thread = basename(readlinkSync('/proc/thread-self'));
	inNamespace(namespace, () => ip('netns', 'attach', name, thread));
}

/**
 * A new namespace without a name. It lives as long as somebody holds it open: when this process ends, in
 * whatever way, the kernel removes it with all that is in it.
 */
export function anonymousNamespace(): Namespace {
	const before = currentNamespace();
	try {
		check(libc().unshare(cloneNewNetwork), 'create a network namespace');
		try {
			return openNamespace(own);
		} finally {
			check(libc().setns(before.fd, cloneNewNetwork), 'return to its network namespace');
		}
	} finally {
		closeSync(before.fd);
	}
}

/** Run `work` with this thread in the namespace. A promise is refused: its rest would run outside. */
export function inNamespace<T>(
	namespace: Namespace,
	work: () => T extends PromiseLike<unknown> ? never : T,
): T {
	const before = currentNamespace();
	try {
		check(libc().setns(namespace.fd, cloneNewNetwork), 'enter a network namespace');
		try {
			return work();
		} finally {
			check(libc().setns(before.fd, cloneNewNetwork), 'return to its network namespace');
		}
	} finally {
		closeSync(before.fd);
	}
}

export function closeNamespace(namespace: Namespace): void {
	closeSync(namespace.fd);
}
