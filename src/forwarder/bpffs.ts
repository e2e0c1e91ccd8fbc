/** The BPF file system that our pins stand in. Mounts of the host are never changed: a missing one is an error. */
import { accessSync, constants, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import { EncapForwardError } from '../error.ts';

const magic = 0xcafe4a11; // BPF_FS_MAGIC of <linux/magic.h>

/** /sys/fs/bpf, or another that ENCAP_FORWARD_BPFFS names. */
function place(): string {
	return process.env.ENCAP_FORWARD_BPFFS ?? '/sys/fs/bpf';
}

/**
 * The path of a BPF file system that can be written and that outlives this process.
 * @throws EF_PRIVATE_MOUNTS, EF_NO_BPFFS
 */
export function requireBpffs(): string {
	const path = place();
	requireSharedMounts(path);
	const present = isBpffs(path);
	if (!present) {
		const why = present === undefined ? 'does not exist' : 'is no BPF file system';
		throw new EncapForwardError('EF_NO_BPFFS', `${path} ${why}; mount one: mount -t bpf bpf ${path}`);
	}
	try {
		accessSync(path, constants.W_OK);
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		const remedy =
			code === 'EROFS'
				? `it is mounted read-only; make it writable: mount -o remount,rw ${path}`
				: `${code}; run as root`;
		throw new EncapForwardError('EF_NO_BPFFS', `the BPF file system ${path} cannot be written: ${remedy}`, {
			cause,
		});
	}
	return path;
}

/** Undefined when the path is not there. */
function isBpffs(path: string): boolean | undefined {
	try {
		return statfsSync(path).type === magic;
	} catch {
		return undefined;
	}
}

/**
 * `ip netns exec` gives its command mounts of its own, with a new /sys: a BPF file system mounted there
 * goes with the command, and every pin in it. What counts is whether others see the same file system.
 */
function requireSharedMounts(path: string): void {
	const outside = outsideProcess();
	if (outside === undefined) return;
	try {
		const same = statSync(`/proc/${outside}/root${path}`).dev === statSync(path).dev;
		if (same && isBpffs(path)) return;
	} catch {}
	throw new EncapForwardError(
		'EF_PRIVATE_MOUNTS',
		`this process has mounts of its own, as "ip netns exec" makes them, and what it pins in ${path} would vanish with it; run it outside, with --netns NAME for the network namespace`,
	);
}

/**
 * The outermost of our ancestors, if its mounts are not ours. It need not be process 1, whose namespaces
 * not even root may always read.
 */
function outsideProcess(): number | undefined {
	const own = readlinkSync('/proc/self/ns/mnt');
	let outside: number | undefined;
	for (let process = parentOf('self'); process > 0; process = parentOf(process)) {
		try {
			outside = readlinkSync(`/proc/${process}/ns/mnt`) === own ? undefined : process;
		} catch {}
	}
	return outside;
}

/** The number of a process's parent; 0 for the first one. */
function parentOf(process: number | 'self'): number {
	try {
		const stat = readFileSync(`/proc/${process}/stat`, 'utf8');
		return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
	} catch {
		return 0;
	}
}
