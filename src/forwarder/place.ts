/** Where a forwarder works: a network namespace, its pins, and being the only one to change them. */
import { closeSync } from 'node:fs';
import { EncapForwardError } from '../error.ts';
import { requireKernelAccess } from '../kernel/capabilities.ts';
import { libc } from '../kernel/libc.ts';
import { errorName, koffi } from '../kernel/library.ts';
import {
	closeNamespace,
	currentNamespace,
	inNamespace,
	type Namespace,
	namedNamespace,
} from '../kernel/namespace.ts';
import { requireBpffs } from './bpffs.ts';
import { pinFolder } from './pins.ts';

export interface Place {
	readonly namespace: Namespace;
	/** As --netns gave it; undefined for the namespace this process is in. */
	readonly name: string | undefined;
	readonly bpffs: string;
	/** Of its pins: it need not exist. */
	readonly folder: string;
	close(): void;
}

/** How messages name a place: ` in the network namespace blue`, or nothing for the own one. */
export function inWords(name: string | undefined): string {
	return name === undefined ? '' : ` in the network namespace ${name}`;
}

/** Undefined when there is no namespace of this name. @throws EF_PERMISSION, EF_PRIVATE_MOUNTS, EF_NO_BPFFS */
export function findPlace(name: string | undefined): Place | undefined {
	requireKernelAccess();
	const bpffs = requireBpffs();
	const namespace = name === undefined ? currentNamespace() : namedNamespace(name);
	if (namespace === undefined) return undefined;
	return {
		namespace,
		name,
		bpffs,
		folder: pinFolder(bpffs, namespace.inode),
		close: () => closeNamespace(namespace),
	};
}

/** @throws EF_USAGE if there is no namespace of this name */
export function openPlace(name: string | undefined): Place {
	const place = findPlace(name);
	if (place !== undefined) return place;
	throw new EncapForwardError(
		'EF_USAGE',
		`--netns: there is no network namespace ${name}; "ip netns list" shows those there are`,
	);
}

const unix = 1; // AF_UNIX
const stream = 0x80001; // SOCK_STREAM | SOCK_CLOEXEC
const addressInUse = 98; // EADDRINUSE

/**
 * Work as the only one to change this namespace's forwarder. The claim is an abstract socket address, of
 * which each network namespace has its own, and which goes with its process, in whatever way that ends.
 * @throws EF_BUSY
 */
export function alone<T>(place: Place, work: () => T extends PromiseLike<unknown> ? never : T): T {
	const address = new TextEncoder().encode('\u0001\u0000\u0000encap-forward');
	const socket = inNamespace(place.namespace, () => libc().socket(unix, stream, 0));
	if (socket < 0)
		throw new EncapForwardError('EF_KERNEL', 'cannot open a socket; the process has too many files');
	try {
		if (libc().bind(socket, address, address.length) < 0) {
			const errno = koffi().errno();
			const why = `another "encap-forward" is changing the forwarder${inWords(place.name)}; try again when it is done`;
			throw errno === addressInUse
				? new EncapForwardError('EF_BUSY', why)
				: new EncapForwardError('EF_KERNEL', `cannot claim the forwarder: ${errorName(errno)}`);
		}
		return inNamespace(place.namespace, work);
	} finally {
		closeSync(socket);
	}
}
