/** What a configuration and the host put into the maps: tunnels, where tunnels end, and devices. */
import type { ParsedConfiguration } from '../configuration/parse.ts';
import { decapsulationEntries } from '../datapath/decapsulation-map.ts';
import { deviceEntry } from '../datapath/device-map.ts';
import { tunnelRecords } from '../datapath/tunnel-records.ts';
import type { TunnelDifference, TunnelUpdate } from '../datapath/tunnel-update.ts';
import { copyCounts, countersOf, planTunnels, raiseGeneration, writeTunnels } from '../datapath/tunnels.ts';
import { EncapForwardError } from '../error.ts';
import { redirectTargets } from '../kernel/xdp-features.ts';
import { datapathDevices } from './device-facts.ts';
import type { Device } from './devices.ts';
import { applyEntries, type Entry } from './entries.ts';
import { mostDecapsulations, tunnelMapsOf } from './maps.ts';
import type { PinnedMap, Pins } from './pins.ts';
import type { Place } from './place.ts';
import type { LoadedPrograms, TunnelNeeds } from './programs.ts';
import type { Undo } from './undo.ts';

/** So many tunnels are counted each if the configuration does not say. */
const mostCounted = 65_536;

export interface Contents extends TunnelNeeds {
	/** From the tunnels that are there, if there are any. */
	readonly update: TunnelUpdate | undefined;
	readonly entries: Readonly<Record<'devices' | 'endpoints' | 'decapsulations', readonly Entry[]>>;
	/** What went another way than one might expect, and why. */
	readonly notes: readonly string[];
}

/** Seen from what runs. @throws EF_CONFIGURATION */
export function wantedContents(
	{ configuration, tunnels, decapsulate }: ParsedConfiguration,
	all: readonly Device[],
	place: Place,
	before: Pins | undefined,
): Contents {
	const { interfaces, egress, tunnelCounters } = configuration;
	const { endpoints, decapsulations } = decapsulationEntries(decapsulate);
	if (Math.max(endpoints.length, decapsulations.length) > mostDecapsulations) {
		throw new EncapForwardError(
			'EF_CONFIGURATION',
			`decapsulate: ${decapsulate.length} decapsulations at ${endpoints.length} addresses and ports are too many; give at most ${mostDecapsulations} of each`,
		);
	}
	const targets = redirectTargets(place.namespace);
	const devices = datapathDevices(all, targets, interfaces, egress);
	const entries = {
		devices: devices.map(deviceEntry),
		endpoints,
		decapsulations: decapsulations.map((key) => ({ key })),
	};
	const notes =
		targets === undefined
			? [
					'this kernel does not tell which devices XDP can send by (Linux 6.3 does): XDP leaves every packet to TC',
				]
			: [];
	const records = tunnelRecords(tunnels);
	const counted = tunnelCounters ?? records.count <= mostCounted;
	const maps = before === undefined ? undefined : tunnelMapsOf(before.maps);
	if (maps === undefined) return { records, counted, kept: false, update: undefined, entries, notes };
	const update = planTunnels(maps, records);
	const kept = update.fits && countersOf(maps) > 0 === counted;
	return { records, counted, kept, update, entries, notes };
}

/** Whether the programs that run can go on with their maps. */
export function hasRoom({ kept, entries }: Contents, before: Pins): boolean {
	return kept && Object.keys(entries).every((map) => before.maps.has(map as PinnedMap));
}

/** Write them: to the maps that are there, or to new ones that programs are still to use. */
export function applyContents(
	contents: Contents,
	before: Pins | undefined,
	loaded: LoadedPrograms | undefined,
	undo: Undo,
): TunnelDifference {
	const maps = (loaded ?? before)?.maps ?? new Map<PinnedMap, number>();
	const tunnels = tunnelMapsOf(maps);
	if (tunnels === undefined) throw new RangeError('there are no maps for the tunnels');
	const updates = Object.entries(contents.entries).map(([map, entries]) => {
		const update = applyEntries(maps.get(map as PinnedMap) ?? -1, entries);
		undo(update.undo);
		return update;
	});
	if (updates.some(({ changed }) => changed)) {
		raiseGeneration(tunnels);
		undo(() => raiseGeneration(tunnels));
	}
	const { records, kept, update } = contents;
	if (kept && update !== undefined) {
		undo(writeTunnels(tunnels, records, update));
		return update.difference;
	}
	const first = planTunnels(tunnels, records);
	writeTunnels(tunnels, records, first);
	const old = before === undefined ? undefined : tunnelMapsOf(before.maps);
	if (old !== undefined) copyCounts(old, tunnels);
	return update?.difference ?? first.difference;
}
