/** `up` and `reload`: a configuration made true in the kernel, all of it or none. */
import { closeSync } from 'node:fs';
import type { ParsedConfiguration } from '../configuration/parse.ts';
import type { TunnelDifference } from '../datapath/tunnel-update.ts';
import { EncapForwardError } from '../error.ts';
import { type Attached, detach, isAttached } from './attach.ts';
import { attachNew, keep, pinAll, removeRest } from './attachments.ts';
import { applyContents, type Contents, hasRoom, wantedContents } from './contents.ts';
import { allDevices, type Device, findDevices } from './devices.ts';
import { type Attachment, closePins, type Pins, readPins, removeFolder } from './pins.ts';
import { alone, inWords, openPlace, type Place } from './place.ts';
import { type LoadedPrograms, loadPrograms } from './programs.ts';
import { removeLeftovers } from './remove.ts';
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
	readonly tunnels: TunnelDifference;
	/** What went another way than one might expect, and why. */
	readonly notes: readonly string[];
}

/** Start, or bring what runs to this configuration and this version's programs. Packets go on all the while. */
export function up(parsed: ParsedConfiguration, options: ApplyOptions = {}): Applied {
	return inPlace(parsed, options, (place, devices, contents, before) => {
		const loaded = loadPrograms(before, contents);
		try {
			return apply(place, parsed, devices, before, loaded, contents, options);
		} finally {
			loaded.close();
		}
	});
}

/**
 * The configuration anew for what runs; its programs stay, unless its maps are too small.
 * @throws EF_NOT_UP
 */
export function reload(parsed: ParsedConfiguration, options: ApplyOptions = {}): Applied {
	return inPlace(parsed, options, (place, devices, contents, before) => {
		if (before === undefined) throw notUp(options.netns);
		const loaded = hasRoom(contents, before) ? undefined : loadPrograms(before, contents);
		try {
			return apply(place, parsed, devices, before, loaded, contents, options);
		} finally {
			loaded?.close();
		}
	});
}

/** Do the work alone in its namespace, with its devices, and with the maps of what runs there already. */
function inPlace(
	parsed: ParsedConfiguration,
	options: ApplyOptions,
	work: (place: Place, devices: readonly Device[], contents: Contents, before: Pins | undefined) => Applied,
): Applied {
	const place = openPlace(options.netns);
	try {
		return alone(place, () => {
			const { interfaces, egress = [] } = parsed.configuration;
			const all = allDevices();
			const devices = findDevices(all, 'interfaces', interfaces, options.netns);
			findDevices(all, 'egress', egress, options.netns);
			return withPins(place, (before) =>
				work(place, devices, wantedContents(parsed, all, place, before), before),
			);
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

/** With what is pinned for this namespace; what a namespace long gone left under the same number is removed. */
function withPins<T>(place: Place, work: (pins: Pins | undefined) => T): T {
	const pins = readPins(place.folder);
	if (pins === undefined) return work(undefined);
	try {
		if (pins.programs.size === 2 && pins.attachments.some(isAttached)) return work(pins);
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
	contents: Contents,
	{ tcx = true }: ApplyOptions,
): Applied {
	const notes: string[] = parsed.configuration.hook === 'tc' ? [] : [...contents.notes];
	const wanted: Attachment[] = [];
	const made: Attached[] = [];
	const difference = allOrNothing((undo) => {
		const tunnels = applyContents(contents, before, loaded, undo);
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
		return tunnels;
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
