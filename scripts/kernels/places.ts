/** Where kernels are kept between runs, and where a run works; what a killed one left is cleared. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity, thisProcess } from '../../src/lab/marker.ts';

/** Kernels ready to boot, a folder for each release, and the lists of packages. */
export function cacheFolder(): string {
	return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'encap-forward', 'kernels');
}

const ours = /^encap-forward-kernels-(\d+)-(\d+)-/;

/** The folder's process, if it has gone. */
function isLeft(name: string): boolean {
	const [, pid, started = ''] = ours.exec(name) ?? [];
	const owner: ProcessIdentity = { pid: Number(pid), started };
	return pid !== undefined && !isAlive(owner);
}

/** Remove what killed runs left in a folder. */
export function clearLeftovers(parent: string): void {
	for (const name of readdirSync(parent).filter(isLeft)) rmSync(join(parent, name), { recursive: true });
}

/** A new folder of this process's in `parent`; a later run clears it should this one be killed. */
export function workFolder(parent: string = tmpdir()): string {
	mkdirSync(parent, { recursive: true });
	clearLeftovers(parent);
	const { pid, started } = thisProcess();
	return mkdtempSync(join(parent, `encap-forward-kernels-${pid}-${started}-`));
}
