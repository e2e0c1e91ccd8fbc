/** The datapath's programs in the model: loaded once, given their tunnels. */
import { defaultTunnels, forwardingNumber, hooksOf, sharedMaps } from '../../datapath/load-options.ts';
import { type TunnelImage, tunnelConstants, tunnelSizes } from '../../datapath/tunnel-slots.ts';
import type { Datapath, Forwarding, Hook } from '../../scenario/scenario.ts';
import { loadProgram } from './bpf/load.ts';
import type { BpfMap, BpfProgram } from './bpf/program.ts';
import type { Attached } from './run-program.ts';
import { imageOf, setTunnelMaps } from './tunnel-maps.ts';

/** Compiled objects, as bytes. */
export interface Objects {
	readonly xdp: Uint8Array;
	readonly tc: Uint8Array;
}

/** The programs of a datapath, with its tunnels set. */
export type Datapaths = (datapath: Datapath) => Attached;

/** What programs there are, by what they were loaded for. @param objects the compiled datapath, as bytes */
export function openDatapaths(objects: Objects): Datapaths {
	const loaded = new Map<string, Loaded>();
	const images = new WeakMap<Datapath['tunnels'], TunnelImage>();
	return ({ hook, forwarding, device, tunnels }) => {
		const room = Math.max(defaultTunnels, tunnels.length);
		const key = `${hook} ${forwarding} ${room}`;
		let entry = loaded.get(key);
		if (entry === undefined) {
			entry = { programs: loadPrograms(objects, hook, forwarding, room), tunnels: undefined };
			loaded.set(key, entry);
		}
		if (entry.tunnels !== tunnels) {
			let image = images.get(tunnels);
			if (image === undefined) {
				image = imageOf(tunnels, slotsFor(room));
				images.set(tunnels, image);
			}
			setTunnelMaps((entry.programs.xdp ?? entry.programs.tc)?.maps ?? {}, image);
			entry.tunnels = tunnels;
		}
		return { device, ...entry.programs };
	};
}

type Programs = Omit<Attached, 'device'>;

interface Loaded {
	readonly programs: Programs;
	/** Those that its maps hold. */
	tunnels: Datapath['tunnels'] | undefined;
}

function slotsFor(room: number): number {
	return tunnelConstants(tunnelSizes(room, 0, 0), 0).tunnel_slots;
}

/** Where there are programs at both hooks, they share what user space tells them. */
function loadPrograms(objects: Objects, hook: Hook, forwarding: Forwarding, room: number): Programs {
	const sizes = tunnelSizes(room, room, 0);
	const programs: { xdp?: BpfProgram; tc?: BpfProgram } = {};
	const maps: Record<string, BpfMap> = {};
	for (const each of hooksOf(hook, forwarding)) {
		const program = loadProgram({
			object: objects[each],
			constants: { forwarding: forwardingNumber[forwarding], trace: true, ...tunnelConstants(sizes, 0) },
			entries: sizes,
			build: 'fast',
			maps,
		});
		programs[each] = program;
		for (const name of sharedMaps) {
			const map = program.maps[name];
			if (map !== undefined) maps[name] = map;
		}
	}
	return programs;
}
