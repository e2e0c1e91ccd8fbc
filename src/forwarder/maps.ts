/** What becomes of each map of the datapath when its programs are replaced. */
import {
	outcomeCountLayout,
	outcomes,
	tunnelKeyIpv4Layout,
	tunnelKeyIpv6Layout,
	tunnelLayout,
} from '../datapath/layout.ts';
import { mapInformation } from '../kernel/map.ts';

/** How many tunnels of each inner family there can be; a map takes memory only for those there are. */
const capacity = 1 << 24;

/** enum bpf_map_type */
const [array, perCpuArray, longestPrefixMatch] = [2, 6, 11];

interface MapShape {
	readonly type: number;
	readonly keyBytes: number;
	readonly valueBytes: number;
	readonly entries: number;
}

/** By its name in the source. */
interface KeptMap {
	/** Its pin; of a hook's own, with the hook's name behind. */
	readonly pin: 'tunnels_ipv4' | 'tunnels_ipv6' | 'generation' | 'outcomes';
	/** Whether all programs use one, or each hook has its own. */
	readonly of: 'all' | 'hook';
	readonly shape: MapShape;
	/** What a new one starts with if the shape has changed: the old one's numbers, or nothing. */
	readonly start: 'tunnels' | 'counters' | 'zero';
}

/** Kept: programs of another version go on with the same map, if its shape is the same. */
export const keptMaps: Readonly<Record<string, KeptMap>> = {
	tunnels_ipv4: {
		pin: 'tunnels_ipv4',
		of: 'all',
		shape: {
			type: longestPrefixMatch,
			keyBytes: tunnelKeyIpv4Layout.size,
			valueBytes: tunnelLayout.size,
			entries: capacity,
		},
		start: 'tunnels',
	},
	tunnels_ipv6: {
		pin: 'tunnels_ipv6',
		of: 'all',
		shape: {
			type: longestPrefixMatch,
			keyBytes: tunnelKeyIpv6Layout.size,
			valueBytes: tunnelLayout.size,
			entries: capacity,
		},
		start: 'tunnels',
	},
	'.data.generation': {
		pin: 'generation',
		of: 'all',
		shape: { type: array, keyBytes: 4, valueBytes: 4, entries: 1 },
		start: 'zero',
	},
	outcomes: {
		pin: 'outcomes',
		of: 'hook',
		shape: {
			type: perCpuArray,
			keyBytes: 4,
			valueBytes: outcomeCountLayout.size,
			entries: outcomes.length,
		},
		start: 'counters',
	},
};

/** Recreated with each program, and why that loses nothing. */
export const recreatedMaps: Readonly<Record<string, string>> = {
	ways: 'a cache that holds for one tick',
	segments: 'scratch space of one packet',
	works: 'scratch space of one packet',
	answers: 'scratch space, and how many answers were sent in a fraction of a second',
	refresh_clocks: 'the time, read once a tick',
	refreshes: 'when a next hop was last looked after: about a second ago',
	devices: 'nothing fills it yet',
	endpoints: 'nothing fills it yet',
	decapsulations: 'nothing fills it yet',
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
		entries === shape.entries
	);
}
