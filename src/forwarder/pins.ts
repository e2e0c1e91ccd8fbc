/**
 * What keeps a forwarder running without a process: names in a BPF file system, below encap-forward/, one
 * folder for each network namespace, named by its inode number:
 *
 *     netns                          symbolic link whose text is the name that --netns gave, if one was given
 *     version                        symbolic link whose text is the version of this package that set it up
 *     maps/tunnels, templates, prefixes, generation, tunnel_counts   shared by all programs
 *     maps/devices, endpoints, decapsulations                        the same
 *     maps/outcomes_xdp, outcomes_tc                                 counters, one map for each hook
 *     programs/xdp, programs/tc
 *     links/xdp-native-7, xdp-generic-7, tcx-7      links; the number is the device's
 *     filters/7                      the program, as a note that the device has our filter (no TCX here)
 *     qdiscs/7                       the same as a note that its clsact qdisc was made by us
 *
 * A name in a BPF file system cannot hold a dot, and a device's name can: hence the numbers. The links are
 * pinned last: without them nothing stays attached.
 */
import {
	closeSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readlinkSync,
	renameSync,
	rmdirSync,
	symlinkSync,
	unlinkSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { type LinkPlace, linkInformation } from '../kernel/link.ts';
import { openPinned, pinObject } from '../kernel/pin.ts';
import type { Hook } from '../scenario/scenario.ts';

export const pinnedMaps = [
	'tunnels',
	'templates',
	'prefixes',
	'generation',
	'tunnel_counts',
	'devices',
	'endpoints',
	'decapsulations',
	'outcomes_xdp',
	'outcomes_tc',
] as const;
export type PinnedMap = (typeof pinnedMaps)[number];

/** A program at a hook of a device. */
export interface Attachment {
	/** The device's number. */
	readonly device: number;
	readonly place: LinkPlace | 'clsact';
	/** File descriptor of the link; none for `clsact`, where the filter itself is what stays. */
	readonly link?: number;
}

export interface Pins {
	readonly folder: string;
	/** The inode number of the network namespace. */
	readonly namespace: number;
	/** As --netns gave it. */
	readonly name?: string;
	readonly version?: string;
	readonly maps: ReadonlyMap<PinnedMap, number>;
	readonly programs: ReadonlyMap<Hook, number>;
	/** Those whose device is still there; a clsact one may have lost its filter to somebody else. */
	readonly attachments: readonly Attachment[];
	/** Pins of what has gone, with the number of the device that had it. */
	readonly gone: readonly { readonly path: string; readonly device: number }[];
}

const top = 'encap-forward';
const folders = ['maps', 'programs', 'links', 'filters', 'qdiscs'] as const;

export function hookOf(place: Attachment['place']): Hook {
	return place === 'tcx' || place === 'clsact' ? 'tc' : 'xdp';
}

export function pinFolder(bpffs: string, namespace: number): string {
	return join(bpffs, top, String(namespace));
}

/** The folders of all namespaces. */
export function pinFolders(bpffs: string): string[] {
	return list(join(bpffs, top)).map((name) => join(bpffs, top, name));
}

export function pathOf(folder: string, { place, device }: Pick<Attachment, 'place' | 'device'>): string {
	return place === 'clsact'
		? join(folder, 'filters', `${device}`)
		: join(folder, 'links', `${place}-${device}`);
}

export function qdiscPath(folder: string, device: number): string {
	return join(folder, 'qdiscs', `${device}`);
}

export function mapPath(folder: string, map: PinnedMap): string {
	return join(folder, 'maps', map);
}

export function programPath(folder: string, hook: Hook): string {
	return join(folder, 'programs', hook);
}

export function makeFolder(folder: string): void {
	for (const each of folders) mkdirSync(join(folder, each), { recursive: true, mode: 0o700 });
}

/** Pin in place of whatever has the name: a reader finds the old or the new. */
export function replacePin(fd: number, path: string): void {
	const next = `${path}-next`;
	unpin(next);
	pinObject(fd, next);
	renameSync(next, path);
}

/** Replace the text of a symbolic link. */
export function replaceText(folder: string, name: 'netns' | 'version', text: string): void {
	const next = join(folder, `${name}-next`);
	unpin(next);
	symlinkSync(text, next);
	renameSync(next, join(folder, name));
}

/** Remove a pin; false if there is none. */
export function unpin(path: string): boolean {
	try {
		unlinkSync(path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
		throw error;
	}
}

/** The links first: what they hold goes from the hooks. */
export function removeFolder(folder: string): void {
	for (const each of ['links', ...folders.filter((name) => name !== 'links')]) {
		for (const name of list(join(folder, each))) unpin(join(folder, each, name));
		removeEmpty(join(folder, each));
	}
	for (const name of list(folder)) unpin(join(folder, name));
	removeEmpty(folder);
	removeEmpty(join(folder, '..'));
}

function removeEmpty(folder: string): void {
	try {
		rmdirSync(folder);
	} catch {}
}

function list(folder: string): string[] {
	try {
		return readdirSync(folder).sort();
	} catch {
		return [];
	}
}

/** What a namespace's folder holds, opened; undefined if there is none. `closePins` closes it. */
export function readPins(folder: string): Pins | undefined {
	if (!exists(folder)) return undefined;
	const maps = new Map<PinnedMap, number>();
	for (const map of pinnedMaps) {
		if (exists(mapPath(folder, map))) maps.set(map, openPinned(mapPath(folder, map)));
	}
	const programs = new Map<Hook, number>();
	for (const hook of ['tc', 'xdp'] as const) {
		if (exists(programPath(folder, hook))) programs.set(hook, openPinned(programPath(folder, hook)));
	}
	const attachments: Attachment[] = [];
	const gone: { path: string; device: number }[] = [];
	for (const name of list(join(folder, 'links'))) {
		const path = join(folder, 'links', name);
		const [, place, number] = /^(xdp-native|xdp-generic|tcx)-([0-9]+)$/.exec(name) ?? [];
		if (place === undefined) continue;
		const device = Number(number);
		const link = openPinned(path);
		if (linkInformation(link).device === device)
			attachments.push({ device, place: place as LinkPlace, link });
		else {
			closeSync(link);
			gone.push({ path, device });
		}
	}
	for (const name of list(join(folder, 'filters'))) {
		attachments.push({ device: Number(name), place: 'clsact' });
	}
	const [name, version] = [readText(folder, 'netns'), readText(folder, 'version')];
	return {
		folder,
		namespace: Number(basename(folder)),
		...(name === undefined ? {} : { name }),
		...(version === undefined ? {} : { version }),
		maps,
		programs,
		attachments,
		gone,
	};
}

export function closePins(pins: Pins): void {
	for (const fd of [...pins.maps.values(), ...pins.programs.values()]) closeSync(fd);
	// XDP before TC: where this is the end of a link, no packet is handed over to a hook already empty.
	for (const { link } of [...pins.attachments].reverse()) if (link !== undefined) closeSync(link);
}

export function readText(folder: string, name: 'netns' | 'version'): string | undefined {
	try {
		return readlinkSync(join(folder, name));
	} catch {
		return undefined;
	}
}

function exists(path: string): boolean {
	return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
