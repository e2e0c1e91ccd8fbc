/** A program of the datapath run on a frame, in the midst of a packet's walk. */
import { decodeEvent, type Event } from '../../datapath/event.ts';
import type { Decision } from '../../journey/journey.ts';
import type { BpfProgram, RunResult } from './bpf/program.ts';
import type { NetDevice } from './net/core/device.ts';
import { bpfEnvironment } from './net/core/filter.ts';
import type { Walk } from './walk.ts';

/** Where a datapath is attached, and its programs. */
export interface Attached {
	readonly device: string;
	readonly xdp?: BpfProgram;
	readonly tc?: BpfProgram;
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
