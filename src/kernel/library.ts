/** Native code is called through koffi, which is loaded only when first needed: it costs a start 25 ms. */
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import { EncapForwardError } from '../error.ts';

type Koffi = typeof import('koffi');

let loaded: Koffi | undefined;

export function koffi(): Koffi {
	// A CommonJS require, for the callers are synchronous: see inNamespace.
	loaded ??= createRequire(import.meta.url)('koffi') as Koffi;
	return loaded;
}

/** A native pointer as koffi hands it out. */
export type Pointer = bigint;

/** The name of a positive errno, such as ENOENT. */
export function errorName(errno: number): string {
	try {
		return getSystemErrorName(-errno);
	} catch {
		return `errno ${errno}`;
	}
}

/** Throw what the kernel said if a system call answered -1. */
export function check(result: number, doing: string): number {
	if (result >= 0) return result;
	throw new EncapForwardError('EF_KERNEL', `the kernel refused to ${doing}: ${errorName(koffi().errno())}`);
}

/** The same for a function that answers a pointer, and -1 for a failure. */
export function checkPointer(result: Pointer, doing: string): Pointer {
	if (BigInt.asIntN(64, result) !== -1n) return result;
	throw new EncapForwardError('EF_KERNEL', `the kernel refused to ${doing}: ${errorName(koffi().errno())}`);
}
