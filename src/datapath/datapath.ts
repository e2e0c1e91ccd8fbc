/** The datapath in the kernel: its programs loaded, its tunnels set, its outcomes counted. */
import { fileURLToPath } from 'node:url';
import type { DatapathOutcome } from '../journey/cause.ts';
import { clearMap, possibleCpus, updateMap } from '../kernel/map.ts';
import { type BpfObject, loadObject } from '../kernel/object.ts';
import type { Forwarding, Hook } from '../scenario/scenario.ts';
import type { Decapsulation } from '../tunnel/decapsulation.ts';
import { parseDecapsulation } from '../tunnel/decapsulation.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import { decapsulationEntries } from './decapsulation-map.ts';
import { type DatapathDevice, deviceEntry } from './device-map.ts';
import {
	decapsulationKeyLayout,
	endpointKeyLayout,
	outcomeCountLayout,
	tunnelKeyIpv4Layout,
	tunnelKeyIpv6Layout,
} from './layout.ts';
import { defaultTunnels, forwardingNumber, hooksOf, sharedMaps } from './load-options.ts';
import type { OutcomeCount } from './outcome-count.ts';
import { readOutcomes } from './outcome-map.ts';
import { tunnelEntry } from './tunnel-map.ts';

/** The path of a compiled BPF object of this package. */
export function objectPath(
	name: 'datapath-xdp' | 'datapath-tc' | 'tracer' | 'observer' | 'marker' | 'drops',
): string {
	return fileURLToPath(new URL(`../../bpf/objects/${name}.o`, import.meta.url));
}

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
	/** How many tunnels there is room for, of each inner family; as many as usual if not given. */
	readonly tunnels?: number;
}

/** Load the programs, attached nowhere yet. @throws EF_BPF_LOAD */
export function loadDatapath(options: DatapathOptions): Datapath {
	const { hook, forwarding, sightings, tunnels = defaultTunnels } = options;
	const objects: { hook: Hook; object: BpfObject }[] = [];
	for (const each of hooksOf(hook, forwarding)) {
		const first = objects[0]?.object;
		const object = loadObject(objectPath(`datapath-${each}`), {
			constants: { forwarding: forwardingNumber[forwarding], trace: sightings !== undefined },
			maps: {
				...(sightings === undefined ? {} : { sightings }),
				...(first === undefined
					? {}
					: Object.fromEntries(sharedMaps.map((name) => [name, first.map(name)] as const))),
			},
			...(first === undefined ? { entries: { tunnels_ipv4: tunnels, tunnels_ipv6: tunnels } } : {}),
		});
		objects.push({ hook: each, object });
	}
	const outcomeMap = (hook: Hook): number =>
		objects.find((each) => each.hook === hook)?.object.map('outcomes') ?? -1;
	const map = (name: string): number => objects[0]?.object.map(name) ?? -1;
	return {
		programs: objects.map(({ hook, object }) => ({ hook, program: object.program('datapath') })),
		setTunnels: (list) => {
			const entries = list.map(tunnelEntry);
			clearMap(map('tunnels_ipv4'), tunnelKeyIpv4Layout.size);
			clearMap(map('tunnels_ipv6'), tunnelKeyIpv6Layout.size);
			for (const entry of entries) updateMap(map(entry.map), entry.key, entry.value);
		},
		outcomeMap,
		outcomes: (hook) => readOutcomes(outcomeMap(hook)),
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
		close: () => {
			for (const { object } of objects) object.close();
		},
	};
}
