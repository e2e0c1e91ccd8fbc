/** What is attached to the devices of a forwarder: what stays, what is new, what goes. */
import type { ParsedConfiguration } from '../configuration/parse.ts';
import { EncapForwardError } from '../error.ts';
import { detachLink } from '../kernel/link.ts';
import type { Hook } from '../scenario/scenario.ts';
import { packageVersion } from '../version.ts';
import { type Attached, attachTc, attachXdp, isAttached, replace } from './attach.ts';
import { allDevices, type Device } from './devices.ts';
import {
	type Attachment,
	hookOf,
	makeFolder,
	mapPath,
	type Pins,
	pathOf,
	programPath,
	qdiscPath,
	removeFolder,
	replacePin,
	replaceText,
	unpin,
} from './pins.ts';
import type { Place } from './place.ts';
import type { LoadedPrograms } from './programs.ts';
import { removeAttachment } from './remove.ts';
import type { Undo } from './undo.ts';

/** What is attached already and may stay, with new programs if there are any; undefined if there is nothing. */
export function keep(
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
export function attachNew(
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
export function pinAll(
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
export function removeRest(before: Pins, wanted: readonly Attachment[]): string[] {
	const devices = new Map(allDevices().map(({ index, name }) => [index, name]));
	const stays = new Set(wanted.map((each) => pathOf(before.folder, each)));
	const rest = before.attachments.filter((each) => !stays.has(pathOf(before.folder, each)));
	for (const attachment of [...rest].reverse()) removeAttachment(before.folder, attachment, devices);
	for (const { path } of before.gone) if (!stays.has(path)) unpin(path);
	const kept = new Set(wanted.map(({ device }) => device));
	const left = new Set(rest.map(({ device }) => device).filter((device) => !kept.has(device)));
	return [...left].map((device) => devices.get(device) ?? `device ${device}`);
}
