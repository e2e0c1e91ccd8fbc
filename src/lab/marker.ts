/**
 * A note on this host of a lab that was set up by hand: that its namespaces are ours, and what is in them.
 * It is written before anything is made, so that whatever a killed process left can be told and cleared.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EncapForwardError } from '../error.ts';
import type { Cell } from '../scenario/example.ts';

const folder = '/run/encap-forward';

/** A process that can be told from a later one with the same number. */
export interface ProcessIdentity {
	readonly pid: number;
	/** Clock ticks since boot at which it started (proc(5), starttime). */
	readonly started: string;
}

export interface Marker {
	readonly name: string;
	/** Who is making it; meaningless once it is up. */
	readonly owner: ProcessIdentity;
	/** Inode numbers of the namespaces: another one of the same name is not ours. */
	readonly router: number;
	readonly host: number;
	/** Once it stands. */
	readonly up?: {
		readonly cell: Cell;
		/** The number of the ring buffer that the datapath writes to. */
		readonly sightings: number;
	};
}

const nobody: ProcessIdentity = { pid: 0, started: '' };

function path(name: string): string {
	return join(folder, `${name}.json`);
}

function startOf(pid: number): string | undefined {
	try {
		// The command's name, in parentheses, may hold anything; the fields are counted from behind it.
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
	} catch {
		return undefined;
	}
}

export function thisProcess(): ProcessIdentity {
	return { pid: process.pid, started: startOf(process.pid) ?? '' };
}

export function isAlive({ pid, started }: ProcessIdentity): boolean {
	return startOf(pid) === started;
}

export function readMarker(name: string): Marker | undefined {
	try {
		return JSON.parse(readFileSync(path(name), 'utf8')) as Marker;
	} catch (error) {
		// A file that is no JSON was being written when its process was killed: nothing was made yet.
		if (error instanceof SyntaxError) return { name, owner: nobody, router: 0, host: 0 };
		return undefined;
	}
}

export function allMarkers(): Marker[] {
	let files: string[];
	try {
		files = readdirSync(folder);
	} catch {
		return [];
	}
	return files.flatMap((file) => (file.endsWith('.json') ? (readMarker(file.slice(0, -5)) ?? []) : []));
}

/** Claim a name. @throws EF_BUSY if another process was quicker */
export function createMarker(marker: Marker): void {
	try {
		mkdirSync(folder, { recursive: true, mode: 0o700 });
		writeFileSync(path(marker.name), JSON.stringify(marker), { flag: 'wx' });
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		if (code === 'EEXIST') {
			throw new EncapForwardError(
				'EF_BUSY',
				`another process is setting up the lab ${marker.name}; wait for it`,
			);
		}
		throw new EncapForwardError('EF_FILE', `cannot write ${path(marker.name)}: ${code}`, { cause });
	}
}

/** Replace a marker at once: a reader sees the old one or the new one. */
export function replaceMarker(marker: Marker): void {
	const next = join(folder, `${marker.name}.next`);
	writeFileSync(next, JSON.stringify(marker));
	renameSync(next, path(marker.name));
}

export function removeMarker(name: string): void {
	rmSync(path(name), { force: true });
	rmSync(join(folder, `${name}.watch`), { force: true });
	try {
		rmdirSync(folder); // unless there are other labs
	} catch {}
}

/**
 * Be the only one to watch a lab: its events go to one reader. Returns what ends it; a killed process's
 * claim counts no more.
 * @throws EF_BUSY while another process watches
 */
export function claimWatch(name: string): () => void {
	const claim = join(folder, `${name}.watch`);
	const other = watcher(claim);
	if (other !== undefined && !isAlive(other)) rmSync(claim, { force: true });
	try {
		writeFileSync(claim, JSON.stringify(thisProcess()), { flag: 'wx' });
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		if (code !== 'EEXIST')
			throw new EncapForwardError('EF_FILE', `cannot write ${claim}: ${code}`, { cause });
		throw new EncapForwardError(
			'EF_BUSY',
			`another process${other === undefined ? '' : `, ${other.pid},`} is watching the lab ${name} already; end it first or set up another lab with --name`,
		);
	}
	return () => rmSync(claim, { force: true });
}

/** Who claims to watch. A claim that is still being written is somebody's who is alive. */
function watcher(claim: string): ProcessIdentity | undefined {
	try {
		return JSON.parse(readFileSync(claim, 'utf8')) as ProcessIdentity;
	} catch {
		return undefined;
	}
}
