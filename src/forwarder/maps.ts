/** What becomes of each map of the datapath when its programs are replaced. */
import {
	decapsulationKeyLayout,
	deviceLayout,
	endpointKeyLayout,
	outcomeCountLayout,
	outcomes,
	prefixLayout,
	prefixNumbers,
	tunnelEntryLayout,
	tunnelLayout,
} from '../datapath/layout.ts';
import type { TunnelMaps } from '../datapath/tunnels.ts';
import { mapInformation } from '../kernel/map.ts';
import type { PinnedMap } from './pins.ts';

/** enum bpf_map_type */
const [hash, array, perCpuHash, perCpuArray] = [1, 2, 5, 6];

/** `max_entries` of bpf/decapsulation.h. */
export const mostDecapsulations = 16_384;

interface MapShape {
	readonly type: number;
	readonly keyBytes: number;
	readonly valueBytes: number;
	/** As many as are needed if not given. */
	readonly entries?: number;
}

/** By its name in the source. */
interface KeptMap {
	/** Its pin; of a hook's own, with the hook's name behind. */
	readonly pin:
		| 'tunnels'
		| 'templates'
		| 'prefixes'
		| 'generation'
		| 'tunnel_counts'
		| 'devices'
		| 'endpoints'
		| 'decapsulations'
		| 'outcomes';
	/** Whether all programs use one, or each hook has its own. */
	readonly of: 'all' | 'hook';
	/**
	 * `tunnels`: kept or made anew with the others of its kind. `entries`: a new one is filled like a kept one.
	 * `counters`: a new one gets the old one's numbers.
	 */
	readonly group: 'tunnels' | 'entries' | 'counters';
	readonly shape: MapShape;
}

const arrayOf = (valueBytes: number, entries?: number): MapShape => ({
	type: array,
	keyBytes: 4,
	valueBytes,
	...(entries === undefined ? {} : { entries }),
});

/** Kept: programs of another version go on with the same map, if its shape is the same. */
export const keptMaps: Readonly<Record<string, KeptMap>> = {
	tunnels: { pin: 'tunnels', of: 'all', group: 'tunnels', shape: arrayOf(tunnelEntryLayout.size) },
	templates: { pin: 'templates', of: 'all', group: 'tunnels', shape: arrayOf(tunnelLayout.size) },
	prefixes: {
		pin: 'prefixes',
		of: 'all',
		group: 'tunnels',
		shape: arrayOf(prefixLayout.size, prefixNumbers.numbers),
	},
	'.data.generation': { pin: 'generation', of: 'all', group: 'tunnels', shape: arrayOf(4, 1) },
	tunnel_counts: {
		pin: 'tunnel_counts',
		of: 'all',
		group: 'tunnels',
		shape: arrayOf(outcomeCountLayout.size),
	},
	devices: {
		pin: 'devices',
		of: 'all',
		group: 'entries',
		shape: { type: hash, keyBytes: 4, valueBytes: deviceLayout.size, entries: 4096 },
	},
	endpoints: {
		pin: 'endpoints',
		of: 'all',
		group: 'entries',
		shape: { type: hash, keyBytes: endpointKeyLayout.size, valueBytes: 4, entries: mostDecapsulations },
	},
	decapsulations: {
		pin: 'decapsulations',
		of: 'all',
		group: 'entries',
		shape: {
			type: perCpuHash,
			keyBytes: decapsulationKeyLayout.size,
			valueBytes: outcomeCountLayout.size,
			entries: mostDecapsulations,
		},
	},
	outcomes: {
		pin: 'outcomes',
		of: 'hook',
		group: 'counters',
		shape: {
			type: perCpuArray,
			keyBytes: 4,
			valueBytes: outcomeCountLayout.size,
			entries: outcomes.length,
		},
	},
};

/** Recreated with each program, and why that loses nothing. */
export const recreatedMaps: Readonly<Record<string, string>> = {
	ways: 'a cache that holds for one tick',
	recents: 'the same',
	segments: 'scratch space of one packet',
	found: 'scratch memory of a program',
	works: 'scratch space of one packet',
	answers: 'scratch space, and how many answers were sent in a fraction of a second',
	refresh_clocks: 'the time, read once a tick',
	refreshes: 'when a next hop was last looked after: about a second ago',
	sightings: 'events, which a forwarder does not write',
	'.rodata': 'settings, set anew for each program',
};

/** Whether a map has the shape that the programs of this version want. */
export function hasShape(fd: number, shape: MapShape): boolean {
	const { type, keyBytes, valueBytes, entries } = mapInformation(fd);
	return (
		type === shape.type &&
		keyBytes === shape.keyBytes &&
		valueBytes === shape.valueBytes &&
		(shape.entries === undefined || entries === shape.entries)
	);
}

/** The maps that hold tunnels; undefined when one is missing or of another version's shape. */
export function tunnelMapsOf(maps: ReadonlyMap<PinnedMap, number>): TunnelMaps | undefined {
	const right = Object.values(keptMaps).every(({ pin, group, shape }) => {
		const fd = group === 'tunnels' ? maps.get(pin as PinnedMap) : undefined;
		return group !== 'tunnels' || (fd !== undefined && hasShape(fd, shape));
	});
	if (!right) return undefined;
	const fd = (pin: PinnedMap): number => maps.get(pin) ?? -1;
	return {
		tunnels: fd('tunnels'),
		templates: fd('templates'),
		prefixes: fd('prefixes'),
		generation: fd('generation'),
		tunnelCounts: fd('tunnel_counts'),
	};
}
