/** One program at one hook of one device: attached, replaced, removed. Call inside `inNamespace`. */
import { closeSync } from 'node:fs';
import { EncapForwardError } from '../error.ts';
import { ourFilter, removeEmptyQdisc, removeFilter, setFilter } from '../kernel/filter.ts';
import { errorName } from '../kernel/library.ts';
import { createLink, replaceProgram } from '../kernel/link.ts';
import { allDevices, type Device } from './devices.ts';
import type { Attachment } from './pins.ts';

/** The name of the C function, in the kernel too. */
const programName = 'datapath';

export interface Attached {
	readonly attachment: Attachment;
	/** A clsact qdisc was made for it. */
	readonly madeQdisc: boolean;
	/** Why it is not what would have been better. */
	readonly note?: string;
}

const [einval, ebusy, eexist] = [22, 16, 17];

/** By TCX where the kernel has it. */
export function attachTc(device: Device, program: number, useTcx: boolean): Attached {
	const link = useTcx ? createLink(program, device.index, 'tcx') : -einval;
	if (link >= 0) {
		return { attachment: { device: device.index, place: 'tcx', link }, madeQdisc: false };
	}
	// A kernel older than 6.6 does not know the attach type.
	if (link !== -einval) throw refused(device, 'TC', -link);
	const madeQdisc = setFilter(device.index, program, programName);
	return { attachment: { device: device.index, place: 'clsact' }, madeQdisc };
}

export type XdpMode = 'native' | 'generic' | 'automatic';

/** @throws EF_BUSY where another program is there, with its name */
export function attachXdp(device: Device, program: number, mode: XdpMode): Attached {
	const attach = (each: 'native' | 'generic'): number => {
		const link = createLink(program, device.index, `xdp-${each}`);
		if (link === -ebusy || link === -eexist) throw busy(device);
		return link;
	};
	const made = (each: 'native' | 'generic', link: number): Attached => ({
		attachment: { device: device.index, place: `xdp-${each}`, link },
		madeQdisc: false,
	});
	const first = mode === 'automatic' ? 'native' : mode;
	const link = attach(first);
	if (link >= 0) return made(first, link);
	if (mode !== 'automatic') throw refused(device, `XDP (${mode})`, -link);
	const second = attach('generic');
	if (second < 0) throw refused(device, 'XDP (native and generic)', -second);
	const note = `${device.name}: generic XDP, slower than native, which its driver refused (${errorName(-link)})`;
	return { ...made('generic', second), note };
}

function refused({ name }: Device, hook: string, errno: number): EncapForwardError {
	const remedy = hook === 'TC' ? '' : '; hook: tc does without XDP';
	return new EncapForwardError(
		'EF_KERNEL',
		`the kernel refused to attach to ${hook} of ${name}: ${errorName(errno)}${remedy}`,
	);
}

function busy({ index, name }: Device): EncapForwardError {
	const xdp = allDevices().find((each) => each.index === index)?.xdp;
	const whose =
		xdp === undefined ? 'a program' : `the program ${xdp.name ?? 'without a name'} (number ${xdp.id})`;
	return new EncapForwardError(
		'EF_BUSY',
		`XDP of ${name} is taken: ${whose} of somebody else is attached there and stays; remove it, or say hook: tc`,
	);
}

/** Replace what runs, from one packet to the next. */
export function replace({ device, link }: Attachment, program: number): void {
	if (link === undefined) setFilter(device, program, programName);
	else replaceProgram(link, program);
}

/** Take away what was attached and has no pin. */
export function detach({ attachment, madeQdisc }: Attached, deviceName: string): void {
	if (attachment.link !== undefined) closeSync(attachment.link);
	else removeTc(attachment.device, deviceName, madeQdisc);
}

/** Remove our filter, and the qdisc if it was made for it and holds nothing else. False if it had gone. */
export function removeTc(device: number, deviceName: string, madeQdisc: boolean): boolean {
	const removed = removeFilter(device, programName);
	if (madeQdisc) removeEmptyQdisc(device, deviceName);
	return removed;
}

/** Whether an attachment is really there; a filter may have been removed by somebody else. */
export function isAttached({ device, link }: Attachment): boolean {
	return link !== undefined || ourFilter(device, programName) !== undefined;
}
