/** `up` and `reload`: a configuration made true in the kernel, all of it or none. */
import { closeSync } from 'node:fs';
import type { ParsedConfiguration } from '../configuration/parse.ts';
import { EncapForwardError } from '../error.ts';
import { detachLink } from '../kernel/link.ts';
import type { Hook } from '../scenario/scenario.ts';
import { packageVersion } from '../version.ts';
import { type Attached, attachTc, attachXdp, detach, isAttached, replace } from './attach.ts';
import { allDevices, type Device, findDevices } from './devices.ts';
import {
	type Attachment,
	closePins,
	hookOf,
	makeFolder,
	mapPath,
	type PinnedMap,
	type Pins,
	pathOf,
	programPath,
	qdiscPath,
	readPins,
	removeFolder,
	replacePin,
	replaceText,
	unpin,
} from './pins.ts';
import { alone, inWords, openPlace, type Place } from './place.ts';
import { type LoadedPrograms, loadPrograms } from './programs.ts';
import { removeAttachment, removeLeftovers } from './remove.ts';
import { applyTunnels, type Difference } from './tunnels.ts';
import { allOrNothing } from './undo.ts';

export interface ApplyOptions {
	/** Name of the network namespace to work in; this process's if not given. */
	readonly netns?: string;
	/** Use TCX where the kernel has it, which is the default. */
	readonly tcx?: boolean;
}

export interface Applied {
	/** Nothing was running before. */
	readonly started: boolean;
	/** By device name, the hooks it has now. */
	readonly interfaces: readonly { readonly name: string; readonly places: readonly Attachment['place'][] }[];
	readonly removedInterfaces: readonly string[];
	readonly tunnels: Difference;
	/** What went another way than one might expect, and why. */
	readonly notes: readonly string[];
}

type Maps = ReadonlyMap<PinnedMap, number>;
type Undo = (step: () => void) => void;

/** Start, or bring what runs to this configuration and this version's programs. Packets go on all the while. */
export function up(parsed: ParsedConfiguration, options: ApplyOptions = {}): Applied {
	return inPlace(parsed, options, (place, devices, before) => {
		const loaded = loadPrograms(before);
		try {
			return apply(place, parsed, devices, before, loaded, options);
		} finally {
			loaded.close();
		}
	});
}

/** The configuration anew for what runs; its programs stay. @throws EF_NOT_UP */
export function reload(parsed: ParsedConfiguration, options: ApplyOptions = {}): Applied {
	return inPlace(parsed, options, (place, devices, before) => {
		if (before === undefined) throw notUp(options.netns);
		return apply(place, parsed, devices, before, undefined, options);
	});
}

/** Do the work alone in its namespace, with its devices, and with the maps of what runs there already. */
function inPlace(
	parsed: ParsedConfiguration,
	options: ApplyOptions,
	work: (place: Place, devices: readonly Device[], before: Pins | undefined) => Applied,
): Applied {
	refuseWhatWeCannot(parsed);
	const place = openPlace(options.netns);
	try {
		return alone(place, () => {
			const devices = findDevices(parsed.configuration.interfaces, options.netns);
			return withPins(place, (before) => work(place, devices, before));
		});
	} finally {
		place.close();
	}
}

export function notUp(netns: string | undefined): EncapForwardError {
	return new EncapForwardError(
		'EF_NOT_UP',
		`no forwarder is up${inWords(netns)}; start one: encap-forward up --config FILE${netns === undefined ? '' : ` --netns ${netns}`}`,
	);
}

/** Said rather than left out in silence. */
function refuseWhatWeCannot({ configuration: { decapsulate, egress } }: ParsedConfiguration): void {
	const section = decapsulate.length > 0 ? 'decapsulate' : egress === undefined ? undefined : 'egress';
	if (section === undefined) return;
	const what = section === 'decapsulate' ? 'decapsulates' : 'restricts the devices that packets leave by';
	throw new EncapForwardError(
		'EF_CONFIGURATION',
		`${section}: nothing in this version of encap-forward ${what}; remove the section`,
	);
}

/** With what is pinned for this namespace; what a namespace long gone left under the same number is removed. */
function withPins<T>(place: Place, work: (pins: Pins | undefined) => T): T {
	const pins = readPins(place.folder);
	if (pins === undefined) return work(undefined);
	try {
		const complete = pins.programs.size === 2 && pins.maps.size === 5;
		if (complete && pins.attachments.some(isAttached)) return work(pins);
	} finally {
		closePins(pins);
	}
	removeFolder(place.folder);
	return work(undefined);
}

function apply(
	place: Place,
	parsed: ParsedConfiguration,
	devices: readonly Device[],
	before: Pins | undefined,
	loaded: LoadedPrograms | undefined,
	{ tcx = true }: ApplyOptions,
): Applied {
	const maps: Maps = loaded?.maps ?? before?.maps ?? new Map();
	const notes: string[] = [];
	const wanted: Attachment[] = [];
	const made: Attached[] = [];
	const difference = allOrNothing((undo) => {
		const tunnels = applyTunnels(maps, parsed.tunnels);
		undo(tunnels.undo);
		// TC on every device before XDP on any: what XDP hands over finds it there.
		for (const hook of ['tc', 'xdp'] as const) {
			if (hook === 'xdp' && parsed.configuration.hook === 'tc') continue;
			for (const device of devices) {
				const kept = keep(device, hook, parsed, before, loaded, undo);
				if (kept !== undefined) {
					wanted.push(kept);
					continue;
				}
				const attached = attachNew(device, hook, parsed, (loaded ?? before)?.programs, tcx, notes);
				if (attached === undefined) continue;
				undo(() => detach(attached, device.name));
				made.push(attached);
				wanted.push(attached.attachment);
				if (attached.note !== undefined) notes.push(attached.note);
			}
		}
		pinAll(place, made, before, loaded, undo);
		return tunnels.difference;
	});
	for (const { attachment } of made) if (attachment.link !== undefined) closeSync(attachment.link);
	const removed = before === undefined ? [] : removeRest(before, wanted);
	if (place.name !== undefined) removeLeftovers(place.bpffs, place.name, place.namespace.inode);
	return {
		started: before === undefined,
		interfaces: devices.map(({ index, name }) => ({
			name,
			places: wanted.filter(({ device }) => device === index).map((each) => each.place),
		})),
		removedInterfaces: removed,
		tunnels: difference,
		notes,
	};
}

/** What is attached already and may stay, with new programs if there are any; undefined if there is nothing. */
function keep(
	device: Device,
	hook: Hook,
	{ configuration: { xdpMode } }: ParsedConfiguration,
	before: Pins | undefined,
	loaded: LoadedPrograms | undefined,
	undo: Undo,
): Attachment | undefined {
	const present = before?.attachments.find(
		(each) => each.device === device.index && hookOf(each.place) === hook && isAttached(each),
	);
	const old = before?.programs.get(hook);
	if (before === undefined || present === undefined || old === undefined) return undefined;
	if (hook === 'xdp' && xdpMode !== 'automatic' && present.place !== `xdp-${xdpMode}`) {
		// The kernel takes one mode at a time. TC, which is attached, does the work meanwhile.
		detachLink(present.link ?? -1);
		undo(() => {
			const again = attachXdp(device, old, present.place === 'xdp-native' ? 'native' : 'generic');
			if (again.attachment.link !== undefined)
				replacePin(again.attachment.link, pathOf(before.folder, present));
		});
		return undefined;
	}
	const program = loaded?.programs.get(hook);
	if (program !== undefined) {
		replace(present, program);
		undo(() => replace(present, old));
	}
	return present;
}

/** Undefined where XDP is not to be had and not asked for. */
function attachNew(
	device: Device,
	hook: Hook,
	{ configuration }: ParsedConfiguration,
	programs: ReadonlyMap<Hook, number> | undefined,
	tcx: boolean,
	notes: string[],
): Attached | undefined {
	const program = programs?.get(hook);
	if (program === undefined) throw new RangeError(`there is no program for ${hook}`);
	if (hook === 'tc') return attachTc(device, program, tcx);
	try {
		return attachXdp(device, program, configuration.xdpMode);
	} catch (error) {
		if (configuration.hook === 'xdp' || !(error instanceof EncapForwardError)) throw error;
		notes.push(`${device.name}: TC alone, for ${error.message}`);
		return undefined;
	}
}

/** The links last: until then nothing would stay if this process were killed. */
function pinAll(
	{ folder, name }: Place,
	made: readonly Attached[],
	before: Pins | undefined,
	loaded: LoadedPrograms | undefined,
	undo: Undo,
): void {
	if (before === undefined) undo(() => removeFolder(folder));
	makeFolder(folder);
	const pin = (fd: number, path: string, old: number | undefined): void => {
		replacePin(fd, path);
		undo(() => (old === undefined ? unpin(path) : replacePin(old, path)));
	};
	for (const [map, fd] of loaded?.maps ?? []) {
		const old = before?.maps.get(map);
		if (old === undefined || loaded?.fresh.has(map)) pin(fd, mapPath(folder, map), old);
	}
	for (const [hook, fd] of loaded?.programs ?? []) {
		pin(fd, programPath(folder, hook), before?.programs.get(hook));
	}
	const program = (loaded ?? before)?.programs.get('tc') ?? -1;
	for (const { attachment, madeQdisc } of made) {
		if (madeQdisc) pin(program, qdiscPath(folder, attachment.device), undefined);
		if (attachment.place === 'clsact') pin(program, pathOf(folder, attachment), undefined);
	}
	if (name !== undefined) replaceText(folder, 'netns', name);
	if (loaded !== undefined) replaceText(folder, 'version', packageVersion());
	for (const { attachment } of made) {
		if (attachment.link !== undefined) pin(attachment.link, pathOf(folder, attachment), undefined);
	}
}

/** Remove what was attached and is no longer wanted, XDP first: the names of the devices left. */
function removeRest(before: Pins, wanted: readonly Attachment[]): string[] {
	const devices = new Map(allDevices().map(({ index, name }) => [index, name]));
	const stays = new Set(wanted.map((each) => pathOf(before.folder, each)));
	const rest = before.attachments.filter((each) => !stays.has(pathOf(before.folder, each)));
	for (const attachment of [...rest].reverse()) removeAttachment(before.folder, attachment, devices);
	for (const { path } of before.gone) if (!stays.has(path)) unpin(path);
	const kept = new Set(wanted.map(({ device }) => device));
	const left = new Set(rest.map(({ device }) => device).filter((device) => !kept.has(device)));
	return [...left].map((device) => devices.get(device) ?? `device ${device}`);
}
