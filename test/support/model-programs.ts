/** The datapath's programs in the model's engine, run on single frames as test/support/programs.ts runs them. */
import { readFileSync } from 'node:fs';
import { objectPath } from '../../src/datapath/datapath.ts';
import { deviceEntry } from '../../src/datapath/device-map.ts';
import { decodeEvent, type Event } from '../../src/datapath/event.ts';
import { sumOutcomes } from '../../src/datapath/outcome-count.ts';
import { tunnelConstants, tunnelSizes } from '../../src/datapath/tunnel-slots.ts';
import type { BpfEnvironment } from '../../src/engines/model/bpf/environment.ts';
import { loadProgram } from '../../src/engines/model/bpf/load.ts';
import type { BpfBuild, BpfMap, BpfProgram, RunResult } from '../../src/engines/model/bpf/program.ts';
import { imageOf, setTunnelMaps } from '../../src/engines/model/tunnel-maps.ts';
import { parseMac } from '../../src/packet/address.ts';
import type { Forwarding, Hook } from '../../src/scenario/scenario.ts';
import type { Tunnel } from '../../src/tunnel/tunnel.ts';
import { macs } from './network.ts';
import { counted, type Ran, verdicts } from './programs.ts';

export interface ModelRan extends Ran {
	readonly redirect: RunResult['redirect'];
	readonly skb: RunResult['skb'];
	readonly events: readonly Event[];
}

export interface ModelPrograms {
	readonly programs: Readonly<Record<Hook, BpfProgram>>;
	run(hook: Hook, frame: Uint8Array, environment: BpfEnvironment): ModelRan;
	/** Set both programs' tunnels, and forget what they remember of others. */
	setTunnels(tunnels: readonly Tunnel[]): void;
}

function mapOf(program: BpfProgram, name: string): BpfMap {
	const map = program.maps[name];
	if (map === undefined) throw new Error(`no map ${name}`);
	return map;
}

const address = parseMac(macs.veth0) ?? new Uint8Array();

/** PACKET_HOST, or PACKET_OTHERHOST where eth_type_trans finds another device's address; groups go as hosts here. */
function packetTypeOf(frame: Uint8Array): number {
	const isGroup = ((frame[0] ?? 0) & 1) !== 0;
	return isGroup || Buffer.compare(frame.subarray(0, 6), address) === 0 ? 0 : 3;
}

/** Both programs of one way of forwarding, which share their tunnels; frames come in by `device`. */
export function openModelPrograms(
	device: number,
	forwarding: Forwarding,
	build: BpfBuild,
	trace = false,
): ModelPrograms {
	const sizes = tunnelSizes(1024, 1024, 0);
	const tables = tunnelConstants(sizes, 0);
	const constants = { forwarding: { stack: 0, fib: 1 }[forwarding], trace, ...tables };
	const load = (hook: Hook, maps: Record<string, BpfMap> = {}): BpfProgram =>
		loadProgram({
			object: readFileSync(objectPath(`datapath-${hook}`)),
			constants,
			entries: sizes,
			maps,
			build,
		});
	const xdp = load('xdp');
	const shared = ['tunnels', 'templates', 'prefixes', 'sightings'].map((name) => [name, mapOf(xdp, name)]);
	const programs = { xdp, tc: load('tc', Object.fromEntries(shared)) };
	// As test/support/programs.ts tells the kernel's.
	const { key, value } = deviceEntry({ index: device, address, xdp: true, egress: true });
	for (const program of Object.values(programs)) mapOf(program, 'devices').update(key, value);
	const outcomesOf = (hook: Hook) =>
		sumOutcomes((key) => mapOf(programs[hook], 'outcomes').lookup(key) ?? new Uint8Array());
	return {
		programs,
		run: (hook, frame, environment) => {
			const before = outcomesOf(hook);
			const context = { ingressDevice: device, packetType: packetTypeOf(frame) };
			const result = programs[hook].run({ frame, context, environment });
			const verdict = verdicts[hook][result.returnCode >>> 0];
			if (verdict === undefined) throw new Error(`${hook} returned ${result.returnCode}`);
			return {
				verdict,
				frame: result.frame,
				outcome: counted(outcomesOf(hook), before, frame.length),
				redirect: result.redirect,
				skb: result.skb,
				events: result.events.map(decodeEvent),
			};
		},
		setTunnels: (tunnels) => {
			setTunnelMaps(xdp.maps, imageOf(tunnels, tables.tunnel_slots));
			for (const program of Object.values(programs)) mapOf(program, 'ways').clear();
		},
	};
}
