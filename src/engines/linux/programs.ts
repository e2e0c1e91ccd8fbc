/** The programs that stand on the router's devices, loaded once and kept for the next scenario. */
import { type Datapath, loadDatapath, objectPath } from '../../datapath/datapath.ts';
import { attachTc, attachXdp, detachTc, detachXdp } from '../../kernel/attach.ts';
import { updateMap } from '../../kernel/map.ts';
import { inNamespace, type Namespace } from '../../kernel/namespace.ts';
import { u32 } from '../../kernel/netlink.ts';
import { type BpfObject, loadObject } from '../../kernel/object.ts';
import type { Hook, Scenario } from '../../scenario/scenario.ts';
import { deviceNumbers, numberOf } from './devices.ts';

export interface Programs {
	/** What gives packets their mark: its program. */
	marker(mark: number): number;
	/** A datapath of this hook and way of forwarding. */
	datapath(datapath: NonNullable<Scenario['datapath']>): Datapath;
	close(): void;
}

/** @param sightings the ring buffer that datapaths write to */
export function openPrograms(sightings: number): Programs {
	const datapaths = new Map<string, { readonly datapath: Datapath; tunnels: string }>();
	let marker: BpfObject | undefined;
	return {
		marker: (mark) => {
			marker ??= loadObject(objectPath('marker'));
			updateMap(marker.map('marks'), u32(0), u32(mark));
			return marker.program('mark');
		},
		datapath: ({ hook, forwarding, tunnels }) => {
			const key = `${hook} ${forwarding}`;
			const loaded = datapaths.get(key) ?? {
				datapath: loadDatapath({ hook, forwarding, sightings }),
				tunnels: '',
			};
			datapaths.set(key, loaded);
			const text = JSON.stringify(tunnels);
			if (loaded.tunnels !== text) loaded.datapath.setTunnels(tunnels);
			loaded.tunnels = text;
			return loaded.datapath;
		},
		close: () => {
			marker?.close();
			for (const { datapath } of datapaths.values()) datapath.close();
		},
	};
}

/** What is attached to the devices of one router, which goes with them. */
export interface Attached {
	/** Attach what the scenario has, in place of what was attached before. */
	set(scenario: Scenario): void;
}

/** The marker's place at TC: behind the datapath. */
const markerPriority = 2;

export function openAttached(namespace: Namespace, programs: Programs): Attached {
	let current = '[]';
	const devices = { xdp: new Set<number>(), tc: new Set<number>() };
	const attach = (hook: Hook, device: number, program: number, priority: number): void => {
		if (hook === 'xdp') attachXdp(device, program);
		else attachTc(device, program, priority);
		devices[hook].add(device);
	};
	const detachAll = (): void => {
		// XDP may hand over to TC: it goes first.
		for (const device of devices.xdp) detachXdp(device);
		for (const device of devices.tc) detachTc(device);
		devices.xdp.clear();
		devices.tc.clear();
	};
	return {
		set: ({ router, datapath, packet }) => {
			const loaded = datapath && programs.datapath(datapath);
			const mark = packet.mark ?? 0;
			const marker = mark === 0 ? undefined : programs.marker(mark);
			const key = JSON.stringify([
				...(datapath === undefined ? [] : [datapath.hook, datapath.forwarding, datapath.device]),
				...(marker === undefined ? [] : ['marker', packet.device]),
			]);
			if (key === current) return;
			current = '';
			const numbers = deviceNumbers(router, 'router');
			inNamespace(namespace, () => {
				detachAll();
				for (const { hook, program } of loaded?.programs ?? []) {
					attach(hook, numberOf(numbers, datapath?.device ?? ''), program, 1);
				}
				if (marker !== undefined) {
					attach('tc', numberOf(numbers, packet.device), marker, markerPriority);
				}
			});
			current = key;
		},
	};
}
