/** What `trace` tells programs: an object a line, each with its `type`. */

import type { Advice } from './advice.ts';
import type { DroppedPacket, TracedDrop } from './drop.ts';
import type { IpHeader } from './key.ts';
import { placeKey } from './places.ts';
import type { TraceReport } from './run.ts';
import { explanationOf, protocolText } from './words.ts';

interface HeaderJson {
	readonly source: string;
	readonly destination: string;
	/** By name, or by number where it has none here. */
	readonly protocol: string;
}

/** What is the same for one packet and for many. */
interface DropJson {
	readonly by: TracedDrop['by'];
	readonly reason: string;
	readonly cause: string;
	readonly where: string;
	readonly namespace: string;
	/** null where nothing is known of it. */
	readonly device: string | null;
	/** Only of a redirect: where it was to go. */
	readonly target?: string;
	/** null where the packet says none, or there is no packet. */
	readonly ethertype: number | null;
	readonly outer: HeaderJson | null;
	readonly encapsulation: string | null;
	readonly inner: HeaderJson | null;
	/** Whether there were too many different headers to tell them apart. */
	readonly tooMany: boolean;
}

function headerJson(header: IpHeader | undefined): HeaderJson | null {
	return header === undefined ? null : { ...header, protocol: protocolText(header.protocol) };
}

function dropJson({ headers, device, target, ...drop }: TracedDrop): DropJson {
	const { by, reason, cause, where, namespace, tooMany } = drop;
	return {
		by,
		reason,
		cause,
		where,
		namespace,
		device: device === '' ? null : device,
		...(target === undefined ? {} : { target }),
		ethertype: headers?.ethertype || null,
		outer: headerJson(headers?.outer),
		encapsulation: headers?.encapsulation ?? null,
		inner: headerJson(headers?.inner),
		tooMany,
	};
}

/** One packet, or frames that XDP lost at once. */
export function packetJson(drop: TracedDrop, packet: DroppedPacket, packets: number): object {
	const { time, length, bytes, start } = packet;
	return {
		type: 'drop',
		/** Nanoseconds since 1970, a decimal number as text. */
		time: String(time),
		packets,
		...dropJson(drop),
		...(bytes.length === 0 ? {} : { length, start, frame: Buffer.from(bytes).toString('hex') }),
	};
}

/** A line for each row, and the sum of them. */
export function reportJson(
	report: TraceReport,
	type: 'interval' | 'summary',
	advice: ReadonlyMap<string, Advice> = new Map(),
): object[] {
	const { rows, seconds, packets, counts, told } = report;
	return [
		...rows.map(({ drop, packets }) => ({
			type: 'drops',
			packets,
			...dropJson(drop),
			explanation: advice.get(placeKey(drop))?.explanation ?? explanationOf(drop),
			changes: advice.get(placeKey(drop))?.changes ?? [],
		})),
		{ type, seconds, packets, told, ...counts },
	];
}
