/** Sysctls of the network namespace this thread is in: call inside `inNamespace`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { EncapForwardError } from '../error.ts';

/** `net.ipv4.conf.veth0.rp_filter` as a path. A device name may hold dots, written as slashes (sysctl(8)). */
function path(name: string): string {
	return `/proc/sys/${name.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'))}`;
}

export function readSysctl(name: string): string {
	return readFileSync(path(name), 'utf8').trim();
}

/** Whether the kernel has it in this namespace. */
export function hasSysctl(name: string): boolean {
	return existsSync(path(name));
}

export function writeSysctl(name: string, value: number | string): void {
	try {
		writeFileSync(path(name), String(value));
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		throw new EncapForwardError('EF_KERNEL', `cannot set the sysctl ${name} to ${value}: ${code}`, { cause });
	}
}
