/** The datapath's programs, loaded for a forwarder: with maps that are there already, or with new ones. */
import { objectPath } from '../datapath/datapath.ts';
import { copyOutcomes } from '../datapath/outcome-map.ts';
import { type BpfObject, loadObject } from '../kernel/object.ts';
import type { Hook } from '../scenario/scenario.ts';
import { hasShape, keptMaps } from './maps.ts';
import type { PinnedMap, Pins } from './pins.ts';

export interface LoadedPrograms {
	readonly programs: ReadonlyMap<Hook, number>;
	readonly maps: ReadonlyMap<PinnedMap, number>;
	/** The maps that are new, and empty but for counters carried over. */
	readonly fresh: ReadonlySet<PinnedMap>;
	close(): void;
}

/** The smallest ring buffer: nothing is written to it. */
const noSightings = 4096;

function pinOf(map: string, hook: Hook): PinnedMap {
	const { pin, of } = keptMaps[map] ?? { pin: map, of: 'all' };
	return (of === 'hook' ? `${pin}_${hook}` : pin) as PinnedMap;
}

/** Load for both hooks. What `before` holds and fits is shared. @throws EF_BPF_LOAD */
export function loadPrograms(before: Pins | undefined): LoadedPrograms {
	const objects: BpfObject[] = [];
	const programs = new Map<Hook, number>();
	const maps = new Map<PinnedMap, number>();
	const fresh = new Set<PinnedMap>();
	const close = (): void => {
		for (const object of objects) object.close();
	};
	try {
		for (const hook of ['tc', 'xdp'] as const) {
			const shared: Record<string, number> = {};
			const entries: Record<string, number> = { sightings: noSightings };
			for (const [name, { shape }] of Object.entries(keptMaps)) {
				const pin = pinOf(name, hook);
				const present = maps.get(pin) ?? before?.maps.get(pin);
				if (present !== undefined && hasShape(present, shape)) shared[name] = present;
				else if (pin === 'tunnels_ipv4' || pin === 'tunnels_ipv6') entries[name] = shape.entries;
			}
			const object = loadObject(objectPath(`datapath-${hook}`), {
				constants: { forwarding: 1, trace: false },
				maps: shared,
				entries,
			});
			objects.push(object);
			programs.set(hook, object.program('datapath'));
			for (const [name, { start }] of Object.entries(keptMaps)) {
				const pin = pinOf(name, hook);
				if (maps.has(pin)) continue;
				maps.set(pin, object.map(name));
				if (shared[name] !== undefined) continue;
				fresh.add(pin);
				const old = before?.maps.get(pin);
				if (start === 'counters' && old !== undefined) copyOutcomes(old, object.map(name));
			}
		}
	} catch (error) {
		close();
		throw error;
	}
	return { programs, maps, fresh, close };
}
