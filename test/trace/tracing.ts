/** A trace under way in a test's namespace, and packets that can be told from others by their payload. */
import type { DroppedPacket, TracedDrop } from '../../src/trace/drop.ts';
import { type TraceOptions, type TraceReport, trace } from '../../src/trace/run.ts';

const everything: TraceOptions['filter'] = {
	causes: [],
	reasons: [],
	devices: [],
	namespaces: [],
	outer: [],
	inner: [],
	routine: false,
};

export interface Seen {
	readonly drop: TracedDrop;
	readonly packet: DroppedPacket;
	readonly packets: number;
}

export interface Tracing {
	/** Do what makes the kernel drop packets; resolves to the first drop that fits. */
	dropOf(provoke: () => void, fits: (seen: Seen) => boolean): Promise<Seen>;
	end(): Promise<TraceReport>;
}

/** Trace all that this machine drops. Resolves when the kernel tells of every drop. */
export async function openTracing(): Promise<Tracing> {
	const stop = new AbortController();
	const listeners = new Set<(seen: Seen) => void>();
	let ended: Promise<TraceReport> | undefined;
	await new Promise<void>((resolve, reject) => {
		ended = trace({
			filter: everything,
			signal: stop.signal,
			onStart: resolve,
			onDrop: (drop, packet, packets) => {
				for (const listen of listeners) listen({ drop, packet, packets });
			},
		});
		ended.catch(reject);
	});
	return {
		dropOf: (provoke, fits) =>
			new Promise((resolve) => {
				const listen = (seen: Seen): void => {
					if (!fits(seen)) return;
					listeners.delete(listen);
					resolve(seen);
				};
				listeners.add(listen);
				provoke();
			}),
		end: async () => {
			stop.abort();
			return (await ended) as TraceReport;
		},
	};
}

/** 24 random bytes, and whether a dropped packet has them. */
export function marker(): { readonly bytes: Uint8Array; isIn(seen: Seen): boolean } {
	const bytes = crypto.getRandomValues(new Uint8Array(24));
	return { bytes, isIn: ({ packet }) => Buffer.from(packet.bytes).includes(Buffer.from(bytes)) };
}
