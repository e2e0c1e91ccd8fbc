/** The datapath in the kernel: its programs loaded, its tunnels set, its outcomes counted. */
import type { DatapathOutcome } from '../journey/cause.ts';
import { clearMap, possibleCpus, updateMap } from '../kernel/map.ts';
import { type BpfObject, loadObject } from '../kernel/object.ts';
import { packageFile } from '../package-file.ts';
import type { Forwarding, Hook } from '../scenario/scenario.ts';
import { type Decapsulation, parseDecapsulation } from '../tunnel/decapsulation.ts';
import { parseTunnel, type Tunnel } from '../tunnel/tunnel.ts';
import { tableOf } from '../tunnel/tunnel-table.ts';
import { decapsulationEntries } from './decapsulation-map.ts';
import { type DatapathDevice, deviceEntry } from './device-map.ts';
import { decapsulationKeyLayout, endpointKeyLayout, outcomeCountLayout } from './layout.ts';
import { defaultTunnels, forwardingNumber, hooksOf, sharedMaps } from './load-options.ts';
import type { OutcomeCount } from './outcome-count.ts';
import { readOutcomes } from './outcome-map.ts';
import { tunnelConstants, tunnelSizes } from './tunnel-slots.ts';
import { setTunnels, type TunnelMaps } from './tunnels.ts';

/** The path of a compiled BPF object of this package. */
export function objectPath(
	name: 'datapath-xdp' | 'datapath-tc' | 'tracer' | 'observer' | 'marker' | 'drops',
): string {
	return packageFile(`bpf/objects/${name}.o`);
}

/** The maps that hold tunnels: what each is called in the source, and in `TunnelMaps`. */
const tunnelMapNames = {
	tunnels: 'tunnels',
	templates: 'templates',
	prefixes: 'prefixes',
	generation: '.data.generation',
	tunnelCounts: 'tunnel_counts',
} as const satisfies Record<keyof TunnelMaps, string>;

export interface Datapath {
	/** File descriptors of the programs, in the order to attach them: none hands over to a hook still empty. */
	readonly programs: readonly { readonly hook: Hook; readonly program: number }[];
	/** Replace all tunnels. */
	setTunnels(tunnels: readonly Tunnel[]): void;
	/** File descriptor of a hook's counters. */
	outcomeMap(hook: Hook): number;
	/** Replace all decapsulations. */
	setDecapsulations(decapsulations: readonly Decapsulation[]): void;
	/** Replace what is known of devices; while nothing is, everything is tried. */
	setDevices(devices: readonly DatapathDevice[]): void;
	/** How many frames met each outcome at a hook; zeros left out. */
	outcomes(hook: Hook): ReadonlyMap<DatapathOutcome, OutcomeCount>;
	close(): void;
}

export interface DatapathOptions {
	readonly hook: Hook;
	readonly forwarding: Forwarding;
	/** The ring buffer to write an event to for every frame, coming and going; none if not given. */
	readonly sightings?: number;
	/** How many tunnels there is room for; as many as usual if not given. */
	readonly tunnels?: number;
}

/** Load the programs, attached nowhere yet. @throws EF_BPF_LOAD */
export function loadDatapath(options: DatapathOptions): Datapath {
	const { hook, forwarding, sightings, tunnels = defaultTunnels } = options;
	const sizes = tunnelSizes(tunnels, tunnels, 0);
	const objects: { hook: Hook; object: BpfObject }[] = [];
	for (const each of hooksOf(hook, forwarding)) {
		const first = objects[0]?.object;
		const object = loadObject(objectPath(`datapath-${each}`), {
			constants: {
				forwarding: forwardingNumber[forwarding],
				trace: sightings !== undefined,
				...tunnelConstants(sizes, 0),
			},
			maps: {
				...(sightings === undefined ? {} : { sightings }),
				...(first === undefined
					? {}
					: Object.fromEntries(sharedMaps.map((name) => [name, first.map(name)] as const))),
			},
			...(first === undefined ? { entries: sizes } : {}),
		});
		objects.push({ hook: each, object });
	}
	const outcomeMap = (hook: Hook): number =>
		objects.find((each) => each.hook === hook)?.object.map('outcomes') ?? -1;
	const map = (name: string): number => objects[0]?.object.map(name) ?? -1;
	return {
		programs: objects.map(({ hook, object }) => ({ hook, program: object.program('datapath') })),
		setTunnels: (list) => {
			const { tunnels, templates, prefixes, generation, tunnelCounts } = tunnelMapNames;
			const maps = {
				tunnels: map(tunnels),
				templates: map(templates),
				prefixes: map(prefixes),
				generation: map(generation),
				tunnelCounts: map(tunnelCounts),
			};
			setTunnels(maps, tableOf(list.map(parseTunnel)));
		},
		setDecapsulations: (list) => {
			const { decapsulations, endpoints } = decapsulationEntries(list.map(parseDecapsulation));
			clearMap(map('endpoints'), endpointKeyLayout.size);
			clearMap(map('decapsulations'), decapsulationKeyLayout.size);
			const counters = new Uint8Array(outcomeCountLayout.size * possibleCpus());
			for (const key of decapsulations) updateMap(map('decapsulations'), key, counters);
			for (const { key, value } of endpoints) updateMap(map('endpoints'), key, value);
		},
		setDevices: (list) => {
			clearMap(map('devices'), 4);
			for (const { key, value } of list.map(deviceEntry)) updateMap(map('devices'), key, value);
		},
		outcomeMap,
		outcomes: (hook) => readOutcomes(outcomeMap(hook)),
		close: () => {
			for (const { object } of objects) object.close();
		},
	};
}
