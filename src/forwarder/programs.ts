/** The datapath's programs, loaded for a forwarder: with maps that are there already, or with new ones. */
import { objectPath } from '../datapath/datapath.ts';
import { copyOutcomes } from '../datapath/outcome-map.ts';
import type { TunnelRecords } from '../datapath/tunnel-records.ts';
import { tunnelConstants, tunnelSizes } from '../datapath/tunnel-slots.ts';
import { presentSizes } from '../datapath/tunnels.ts';
import { possibleCpus } from '../kernel/map.ts';
import { type BpfObject, loadObject } from '../kernel/object.ts';
import type { Hook } from '../scenario/scenario.ts';
import { hasShape, keptMaps, tunnelMapsOf } from './maps.ts';
import type { PinnedMap, Pins } from './pins.ts';

export interface LoadedPrograms {
	readonly programs: ReadonlyMap<Hook, number>;
	readonly maps: ReadonlyMap<PinnedMap, number>;
	/** The maps that are new, and empty but for counters of outcomes carried over. */
	readonly fresh: ReadonlySet<PinnedMap>;
	close(): void;
}

/** What the maps for tunnels are to hold. */
export interface TunnelNeeds {
	readonly records: TunnelRecords;
	/** Whether each tunnel's packets are counted. */
	readonly counted: boolean;
	/** Whether those that are there have room for it, so that they are kept. */
	readonly kept: boolean;
}

/** The smallest ring buffer: nothing is written to it. */
const noSightings = 4096;

function pinOf(map: string, hook: Hook): PinnedMap {
	const { pin, of } = keptMaps[map] ?? { pin: map, of: 'all' };
	return (of === 'hook' ? `${pin}_${hook}` : pin) as PinnedMap;
}

/** Load for both hooks. What `before` holds and fits is shared. @throws EF_BPF_LOAD */
export function loadPrograms(before: Pins | undefined, needs: TunnelNeeds): LoadedPrograms {
	const objects: BpfObject[] = [];
	const programs = new Map<Hook, number>();
	const maps = new Map<PinnedMap, number>();
	const fresh = new Set<PinnedMap>();
	const kept = needs.kept && before !== undefined ? tunnelMapsOf(before.maps) : undefined;
	const { count, templates } = needs.records;
	const sizes =
		kept === undefined
			? tunnelSizes(count, templates.length, needs.counted ? possibleCpus() : 0)
			: presentSizes(kept);
	const constants = tunnelConstants(sizes, possibleCpus());
	const close = (): void => {
		for (const object of objects) object.close();
	};
	try {
		for (const hook of ['tc', 'xdp'] as const) {
			const shared: Record<string, number> = {};
			const entries: Record<string, number> = { sightings: noSightings };
			for (const [name, { group, shape }] of Object.entries(keptMaps)) {
				const pin = pinOf(name, hook);
				const old = group === 'tunnels' && kept === undefined ? undefined : before?.maps.get(pin);
				const present = maps.get(pin) ?? old;
				const size = (sizes as Readonly<Record<string, number>>)[name];
				if (present !== undefined && hasShape(present, shape)) shared[name] = present;
				else if (size !== undefined) entries[name] = size;
			}
			const object = loadObject(objectPath(`datapath-${hook}`), {
				constants: { forwarding: 1, trace: false, ...constants },
				maps: shared,
				entries,
			});
			objects.push(object);
			programs.set(hook, object.program('datapath'));
			for (const [name, { group }] of Object.entries(keptMaps)) {
				const pin = pinOf(name, hook);
				if (maps.has(pin)) continue;
				maps.set(pin, object.map(name));
				if (shared[name] !== undefined) continue;
				fresh.add(pin);
				const old = before?.maps.get(pin);
				if (group === 'counters' && old !== undefined) copyOutcomes(old, object.map(name));
			}
		}
	} catch (error) {
		close();
		throw error;
	}
	return { programs, maps, fresh, close };
}
