/** What the kernel and our programs saw: the tracer, the observers at the far ends, and their events. */
import { objectPath } from '../../datapath/datapath.ts';
import { decodeEvent, type Event, eventSize } from '../../datapath/event.ts';
import { attachXdp } from '../../kernel/attach.ts';
import { readDropReasons } from '../../kernel/drop-reasons.ts';
import { deleteFromMap, updateMap } from '../../kernel/map.ts';
import { inNamespace, type Namespace } from '../../kernel/namespace.ts';
import { u32 } from '../../kernel/netlink.ts';
import { loadObject } from '../../kernel/object.ts';
import { openRingBuffer } from '../../kernel/ring-buffer.ts';
import { readSymbols } from '../../kernel/symbols.ts';
import type { KernelNames } from './sightings.ts';

export interface Watch {
	/** The ring buffer that the datapath is to write to. */
	readonly sightings: number;
	/** Report what the kernel does with packets in this namespace, or no longer. */
	namespace(namespace: Namespace): void;
	forget(namespace: Namespace): void;
	/** Report what comes out at this device of the namespace. */
	farEnd(namespace: Namespace, device: number): void;
	/** The events there are, oldest first. */
	take(): Event[];
	/** Resolves when there may be an event, after the time, or on `wake`. */
	wait(milliseconds: number): Promise<void>;
	wake(): void;
	/** What the running kernel calls things. */
	readonly names: KernelNames;
	/** Whether what rp_filter drops has a reason of its own: since Linux 5.18. */
	readonly namesReversePath: boolean;
	close(): void;
}

/**
 * Begin to watch.
 * @param shared a ring buffer that a datapath already writes to, if it is not to be made
 */
export function openWatch(shared?: number): Watch {
	const reasons = readDropReasons();
	let symbols: ReturnType<typeof readSymbols> | undefined;
	const tracer = loadObject(objectPath('tracer'), {
		constants: { has_drop_reason: reasons.size > 0 },
		...(shared === undefined ? {} : { maps: { sightings: shared } }),
	});
	const sightings = tracer.map('sightings');
	const observer = loadObject(objectPath('observer'), { maps: { sightings } });
	for (const program of ['receive', 'transmit', 'drop', 'deliver']) tracer.attach(program);
	let events: Event[] = [];
	const ring = openRingBuffer(sightings, eventSize, (bytes) => {
		events.push(decodeEvent(bytes));
		return true;
	});
	return {
		sightings,
		namespace: ({ inode }) => updateMap(tracer.map('watched'), u32(inode), new Uint8Array([1])),
		// The kernel gives a number that has become free to the next namespace, whoever makes it.
		forget: ({ inode }) => void deleteFromMap(tracer.map('watched'), u32(inode)),
		farEnd: (namespace, device) => {
			inNamespace(namespace, () => attachXdp(device, observer.program('observe')));
		},
		take: () => {
			ring.consume();
			const taken = events;
			events = [];
			return taken;
		},
		wait: ring.wait,
		wake: ring.wake,
		namesReversePath: [...reasons.values()].includes('IP_RPFILTER'),
		names: {
			reason: (number) => reasons.get(number) ?? (number === 0 ? 'NOT_SPECIFIED' : `UNKNOWN_${number}`),
			where: (address) => {
				symbols ??= readSymbols();
				return symbols(address) ?? `0x${address.toString(16)}`;
			},
			namesConsumed: [...reasons.values()].includes('CONSUMED'),
		},
		close: () => {
			ring.close();
			observer.close();
			tracer.close();
		},
	};
}
