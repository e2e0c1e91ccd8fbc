/** Kernels by the names people give them, ready to boot. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from '../programs.ts';
import { openArchive } from './apt.ts';
import { cacheFolder, clearLeftovers } from './places.ts';
import { type Kernel, prepareKernel } from './prepare.ts';
import { programFile } from './tool.ts';

export interface Kernels {
	/** @throws EF_USAGE if Debian has no such kernel; EF_TOOL_FAILED such as for a package that has gone */
	prepare(series: string): Promise<Kernel>;
}

/** What a guest takes; some compressions are only of some kernels. */
const needed: readonly Program[] = ['qemu-system-x86_64', 'virtiofsd', 'busybox', 'depmod', 'xz'];

/**
 * Look what kernels there are.
 * @param warn told of what is not as it should be, and does not stand in the way
 * @throws EF_NO_TOOL before anything is touched; EF_FILE, EF_TOOL_FAILED without an archive
 */
export async function openKernels(warn: (text: string) => void, signal: AbortSignal): Promise<Kernels> {
	for (const program of needed) programFile(program);
	mkdirSync(cacheFolder(), { recursive: true });
	clearLeftovers(cacheFolder());
	const archive = await openArchive(join(cacheFolder(), 'apt'), warn, signal);
	return { prepare: (series) => prepareKernel(archive, series, signal) };
}
