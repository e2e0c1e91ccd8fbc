/** What a running forwarder is and has done, as plain data. */
import { decapsulationWords } from '../configuration/summary.ts';
import { keyDecapsulation } from '../datapath/decapsulation-map.ts';
import { outcomeCountLayout, outcomes } from '../datapath/layout.ts';
import { type OutcomeCount, sumCounts } from '../datapath/outcome-count.ts';
import { readOutcomes } from '../datapath/outcome-map.ts';
import { tunnelOf } from '../datapath/tunnel-map.ts';
import { countersOf, countTunnels, readTunnels } from '../datapath/tunnels.ts';
import type { DatapathOutcome } from '../journey/cause.ts';
import { describeOutcome } from '../journey/hops.ts';
import { lookupMap, mapKeys, possibleCpus } from '../kernel/map.ts';
import { inNamespace } from '../kernel/namespace.ts';
import type { Hook } from '../scenario/scenario.ts';
import type { Decapsulation } from '../tunnel/decapsulation.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import { notUp } from './apply.ts';
import { isAttached } from './attach.ts';
import { allDevices } from './devices.ts';
import { tunnelMapsOf } from './maps.ts';
import { type Attachment, closePins, type Pins, readPins } from './pins.ts';
import { openPlace } from './place.ts';

export interface OutcomeTotal {
	readonly hook: Hook;
	readonly outcome: DatapathOutcome;
	/** In words. */
	readonly meaning: string;
	readonly packets: bigint;
	/** As received, Ethernet headers included. */
	readonly bytes: bigint;
}

/** With what it took, where tunnels are counted. */
export type CountedTunnel = Tunnel & Partial<OutcomeCount>;

/** With what was taken out of its outer header by it. */
export type CountedDecapsulation = Decapsulation & OutcomeCount;

export interface Status {
	/** Of this package, that set it up. */
	readonly version: string;
	readonly interfaces: readonly { readonly name: string; readonly places: readonly Attachment['place'][] }[];
	/** What had been attached to devices that are no more, or was removed by somebody else. */
	readonly missing: readonly string[];
	readonly tunnels: { readonly count: number; readonly list?: readonly CountedTunnel[] };
	readonly decapsulations: readonly CountedDecapsulation[];
	/** By hook and outcome, in the order of bpf/outcome.h; zeros left out. */
	readonly outcomes: readonly OutcomeTotal[];
}

/** Reads a forwarder's state again and again. */
export interface StatusReader {
	/** Whether each tunnel's packets are counted. */
	readonly counted: boolean;
	/** @param list whether to list the tunnels, or only count them */
	read(list: boolean): Status;
	/** Counters alone, zeros included: cheap. */
	totals(): readonly OutcomeTotal[];
	/** The tunnels, in the same order each time while there are the same. */
	tunnels(): readonly CountedTunnel[];
	decapsulations(): readonly CountedDecapsulation[];
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
	const tunnelMaps = tunnelMapsOf(pins.maps);
	return {
		counted: tunnelMaps !== undefined && countersOf(tunnelMaps) > 0,
		read: (list) =>
			inNamespace(place.namespace, () => ({
				version: pins.version ?? 'unknown',
				...attachmentsOf(pins),
				tunnels: tunnelsOf(pins, list),
				decapsulations: decapsulationsOf(pins),
				outcomes: totalsOf(pins).filter(({ packets }) => packets > 0n),
			})),
		totals: () => totalsOf(pins),
		tunnels: () => tunnelsOf(pins, true).list ?? [],
		decapsulations: () => decapsulationsOf(pins),
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

function tunnelsOf({ maps: pinned }: Pins, list: boolean): Status['tunnels'] {
	const maps = tunnelMapsOf(pinned);
	if (maps === undefined) return { count: 0 };
	if (!list) return { count: countTunnels(maps) };
	const tunnels = readTunnels(maps).map(({ entry, template, count }) => ({
		...tunnelOf(entry, template),
		...count,
	}));
	return { count: tunnels.length, list: tunnels };
}

/** In the order of their words. */
function decapsulationsOf({ maps }: Pins): readonly CountedDecapsulation[] {
	const fd = maps.get('decapsulations');
	if (fd === undefined) return [];
	const values = new Uint8Array(outcomeCountLayout.size * possibleCpus());
	const list = [...mapKeys(fd)].map((key) => {
		lookupMap(fd, key, values);
		return { ...keyDecapsulation(key), ...sumCounts(values) };
	});
	return list.sort((a, b) => (decapsulationWords(a) < decapsulationWords(b) ? -1 : 1));
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
