/** The datapath's programs in the model: loaded once, given their tunnels, run on a frame. */
import { decodeEvent, type Event } from '../../datapath/event.ts';
import { defaultTunnels, forwardingNumber, hooksOf, sharedMaps } from '../../datapath/load-options.ts';
import { tunnelRecords } from '../../datapath/tunnel-records.ts';
import { tunnelConstants, tunnelEntries, tunnelSizes } from '../../datapath/tunnel-slots.ts';
import type { Decision } from '../../journey/journey.ts';
import type { Datapath, Forwarding, Hook } from '../../scenario/scenario.ts';
import { parseTunnel } from '../../tunnel/tunnel.ts';
import { tableOf } from '../../tunnel/tunnel-table.ts';
import { loadProgram } from './bpf/load.ts';
import type { BpfMap, BpfProgram, RunResult } from './bpf/program.ts';
import type { NetDevice } from './net/core/device.ts';
import { bpfEnvironment } from './net/core/filter.ts';
import type { Walk } from './walk.ts';

/** Compiled objects, as bytes. */
export interface Objects {
	readonly xdp: Uint8Array;
	readonly tc: Uint8Array;
}

export interface Attached {
	readonly device: string;
	readonly xdp?: BpfProgram;
	readonly tc?: BpfProgram;
}

/** What programs there are, by what they were loaded for. */
export function openDatapaths(objects: Objects): (datapath: Datapath) => Attached {
	const loaded = new Map<
		string,
		{ readonly programs: Omit<Attached, 'device'>; tunnels: Datapath['tunnels'] | undefined }
	>();
	return ({ hook, forwarding, device, tunnels }) => {
		const room = Math.max(defaultTunnels, tunnels.length);
		const key = `${hook} ${forwarding} ${room}`;
		let entry = loaded.get(key);
		if (entry === undefined) {
			entry = { programs: loadPrograms(objects, hook, forwarding, room), tunnels: undefined };
			loaded.set(key, entry);
		}
		if (entry.tunnels !== tunnels) {
			setTunnels(entry.programs, tunnels);
			entry.tunnels = tunnels;
		}
		return { device, ...entry.programs };
	};
}

/** The maps that hold tunnels. */
const tunnelMaps = ['tunnels', 'templates', 'prefixes'] as const;

/** Where there are programs at both hooks, they share what user space tells them. */
function loadPrograms(
	objects: Objects,
	hook: Hook,
	forwarding: Forwarding,
	room: number,
): Omit<Attached, 'device'> {
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

function setTunnels({ xdp, tc }: Omit<Attached, 'device'>, tunnels: Datapath['tunnels']): void {
	const maps = (xdp ?? tc)?.maps ?? {};
	const slots = tunnelConstants(tunnelSizes(Math.max(defaultTunnels, tunnels.length), 0, 0), 0).tunnel_slots;
	for (const map of tunnelMaps) maps[map]?.clear();
	for (const { map, index, value } of tunnelEntries(tunnelRecords(tableOf(tunnels.map(parseTunnel))), slots))
		maps[map]?.update(new Uint8Array(Uint32Array.of(index).buffer), value);
}

/** Run a program on a frame; what it reports of itself is noted. */
export function runProgram(
	walk: Walk,
	program: BpfProgram,
	frame: Uint8Array,
	device: NetDevice,
	skb: {
		readonly protocol?: number;
		readonly packetType?: number;
		readonly vlan?: { readonly protocol: number; readonly tci: number };
	} = {},
): RunResult & { readonly decision: Decision | undefined } {
	const context = { ingressDevice: device.ifindex, ...skb };
	const result = program.run({ frame, context, environment: bpfEnvironment(walk) });
	let decision: Decision | undefined;
	for (const bytes of result.events) {
		const event = decodeEvent(bytes);
		const own = decisionOf(event, walk);
		decision = own ?? decision;
		walk.see({
			place: event.place,
			device: device.name,
			frame: event.frame,
			length: event.length,
			packet: own?.outcome !== 'too-big-answered',
			...(own === undefined ? {} : { decision: own }),
		});
	}
	return { ...result, decision };
}

function decisionOf({ place, outcome, verdict, fib }: Event, { net }: Walk): Decision | undefined {
	if (place !== 'xdp-out' && place !== 'tc-out') return undefined;
	if (fib === undefined) return { outcome, verdict };
	return {
		outcome,
		verdict,
		fib: { ...fib, device: net.devices[fib.device]?.name ?? `device ${fib.device}` },
	};
}
