/** What a running forwarder is and has done, as plain data. */
import { outcomes } from '../datapath/layout.ts';
import { readOutcomes } from '../datapath/outcome-map.ts';
import { entryTunnel } from '../datapath/tunnel-map.ts';
import type { DatapathOutcome } from '../journey/cause.ts';
import { describeOutcome } from '../journey/hops.ts';
import { inNamespace } from '../kernel/namespace.ts';
import type { Hook } from '../scenario/scenario.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import { notUp } from './apply.ts';
import { isAttached } from './attach.ts';
import { allDevices } from './devices.ts';
import { type Attachment, closePins, type Pins, readPins } from './pins.ts';
import { openPlace } from './place.ts';
import { tunnelEntries } from './tunnels.ts';

export interface OutcomeTotal {
	readonly hook: Hook;
	readonly outcome: DatapathOutcome;
	/** In words. */
	readonly meaning: string;
	readonly packets: bigint;
	/** As received, Ethernet headers included. */
	readonly bytes: bigint;
}

export interface Status {
	/** Of this package, that set it up. */
	readonly version: string;
	readonly interfaces: readonly { readonly name: string; readonly places: readonly Attachment['place'][] }[];
	/** What had been attached to devices that are no more, or was removed by somebody else. */
	readonly missing: readonly string[];
	readonly tunnels: { readonly count: number; readonly list?: readonly Tunnel[] };
	/** By hook and outcome, in the order of bpf/outcome.h; zeros left out. */
	readonly outcomes: readonly OutcomeTotal[];
}

/** Reads a forwarder's state again and again. */
export interface StatusReader {
	/** @param list whether to list the tunnels, or only count them */
	read(list: boolean): Status;
	/** Counters alone, zeros included: cheap. */
	totals(): readonly OutcomeTotal[];
	close(): void;
}

/** @throws EF_NOT_UP */
export function openStatus(netns?: string): StatusReader {
	const place = openPlace(netns);
	const pins = readPins(place.folder);
	if (pins === undefined || pins.programs.size === 0) {
		if (pins !== undefined) closePins(pins);
		place.close();
		throw notUp(netns);
	}
	return {
		read: (list) =>
			inNamespace(place.namespace, () => ({
				version: pins.version ?? 'unknown',
				...attachmentsOf(pins),
				tunnels: tunnelsOf(pins, list),
				outcomes: totalsOf(pins).filter(({ packets }) => packets > 0n),
			})),
		totals: () => totalsOf(pins),
		close: () => {
			closePins(pins);
			place.close();
		},
	};
}

function attachmentsOf({ attachments, gone }: Pins): Pick<Status, 'interfaces' | 'missing'> {
	const names = new Map(allDevices().map(({ index, name }) => [index, name]));
	const missing = gone.map(({ device }) => `device ${device} has gone`);
	const interfaces = new Map<string, Attachment['place'][]>();
	for (const attachment of attachments) {
		const name = names.get(attachment.device);
		if (name === undefined) missing.push(`device ${attachment.device} has gone`);
		else if (!isAttached(attachment)) missing.push(`${name}: somebody removed the filter`);
		else interfaces.set(name, [...(interfaces.get(name) ?? []), attachment.place]);
	}
	return {
		interfaces: [...interfaces].map(([name, places]) => ({ name, places })),
		missing: [...new Set(missing)],
	};
}

function tunnelsOf({ maps }: Pins, list: boolean): Status['tunnels'] {
	if (list) {
		const tunnels = [...tunnelEntries(maps)].map(entryTunnel);
		return { count: tunnels.length, list: tunnels };
	}
	let count = 0;
	for (const _ of tunnelEntries(maps)) count++;
	return { count };
}

/** Every outcome at every hook. */
function totalsOf({ maps }: Pins): OutcomeTotal[] {
	const totals: OutcomeTotal[] = [];
	for (const hook of ['xdp', 'tc'] as const) {
		const map = maps.get(`outcomes_${hook}`);
		if (map === undefined) continue;
		const counts = readOutcomes(map);
		for (const outcome of outcomes) {
			const { packets, bytes } = counts.get(outcome) ?? { packets: 0n, bytes: 0n };
			totals.push({ hook, outcome, meaning: describeOutcome(outcome), packets, bytes });
		}
	}
	return totals;
}
