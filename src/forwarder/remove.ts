/** Taking away what was attached, whatever of it is still there. */
import { basename } from 'node:path';
import { isAttached, removeTc } from './attach.ts';
import { requireBpffs } from './bpffs.ts';
import { allDevices } from './devices.ts';
import {
	type Attachment,
	closePins,
	type Pins,
	pathOf,
	pinFolders,
	qdiscPath,
	readPins,
	readText,
	removeFolder,
	unpin,
} from './pins.ts';
import { alone, findPlace } from './place.ts';

export interface Removed {
	/** Something of a forwarder was there. */
	readonly found: boolean;
	/** By device name, what was removed from it. */
	readonly interfaces: readonly { readonly name: string; readonly places: readonly Attachment['place'][] }[];
	/** What had gone already, in words. */
	readonly notes: readonly string[];
}

/** Remove one attachment and its pin. A link held open elsewhere ends when it is closed. */
export function removeAttachment(
	folder: string,
	attachment: Attachment,
	devices: ReadonlyMap<number, string>,
): boolean {
	const path = pathOf(folder, attachment);
	if (attachment.place !== 'clsact') return unpin(path);
	const name = devices.get(attachment.device);
	const madeQdisc = unpin(qdiscPath(folder, attachment.device));
	unpin(path);
	return name !== undefined && removeTc(attachment.device, name, madeQdisc);
}

/** Remove what was set up for a namespace of this name that was another one than there is now. */
export function removeLeftovers(bpffs: string, name: string, present: number | undefined): number {
	let removed = 0;
	for (const folder of pinFolders(bpffs)) {
		if (Number(basename(folder)) === present || readText(folder, 'netns') !== name) continue;
		removeFolder(folder);
		removed++;
	}
	return removed;
}

/** End the forwarder of a namespace; what has gone already, device, pin or namespace, does not stand in the way. */
export function down(netns?: string): Removed {
	const place = findPlace(netns);
	if (place === undefined) return downWithoutNamespace(netns ?? '');
	try {
		return alone(place, () => {
			const notes: string[] = [];
			const leftovers = netns === undefined ? 0 : removeLeftovers(place.bpffs, netns, place.namespace.inode);
			if (leftovers > 0)
				notes.push(`the network namespace ${netns} had been made anew; what the old one left is removed`);
			const devices = new Map(allDevices().map(({ index, name }) => [index, name]));
			const pins = readPins(place.folder);
			const interfaces = new Map<string, Attachment['place'][]>();
			const note = (device: number, at: Attachment['place']): void => {
				const name = devices.get(device) ?? `device ${device}`;
				interfaces.set(name, [...(interfaces.get(name) ?? []), at]);
			};
			if (pins !== undefined) {
				try {
					removePins(pins, devices, note, notes);
				} finally {
					closePins(pins);
				}
				removeFolder(place.folder);
			}
			// A filter stays with its device even when the pins have gone, with their file system or by hand.
			for (const [index, name] of devices) {
				if (!isAttached({ device: index, place: 'clsact' })) continue;
				removeTc(index, name, false);
				note(index, 'clsact');
				notes.push(`${name}: the filter was there without its pin`);
			}
			return {
				found: pins !== undefined || leftovers > 0 || interfaces.size > 0,
				interfaces: [...interfaces].map(([name, places]) => ({ name, places })),
				notes,
			};
		});
	} finally {
		place.close();
	}
}

function removePins(
	pins: Pins,
	devices: ReadonlyMap<number, string>,
	note: (device: number, at: Attachment['place']) => void,
	notes: string[],
): void {
	for (const { path, device } of pins.gone) {
		unpin(path);
		notes.push(`device ${device} had gone, and its ${basename(path).replace(/-[0-9]+$/, '')} with it`);
	}
	for (const attachment of [...pins.attachments].reverse()) {
		if (removeAttachment(pins.folder, attachment, devices)) note(attachment.device, attachment.place);
		else
			notes.push(`${devices.get(attachment.device) ?? `device ${attachment.device}`}: the filter had gone`);
	}
}

/** Nothing is attached any more where the namespace has gone: only its pins are left. */
function downWithoutNamespace(netns: string): Removed {
	const removed = removeLeftovers(requireBpffs(), netns, undefined);
	const notes = removed === 0 ? [] : [`the network namespace ${netns} had gone; its pins are removed`];
	return { found: removed > 0, interfaces: [], notes };
}
