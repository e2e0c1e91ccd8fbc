/** What the datapath writes into its ring buffer with `trace`: the same from the model and from the kernel. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Datapath, loadDatapath, objectPath } from '../../../src/datapath/datapath.ts';
import { decodeEvent, type Event, eventSize } from '../../../src/datapath/event.ts';
import type { BpfEnvironment, FibAnswer } from '../../../src/engines/model/bpf/environment.ts';
import { attachXdp } from '../../../src/kernel/attach.ts';
import { inNamespace } from '../../../src/kernel/namespace.ts';
import { type BpfObject, loadObject } from '../../../src/kernel/object.ts';
import { openRingBuffer, type RingBuffer } from '../../../src/kernel/ring-buffer.ts';
import { testRun } from '../../../src/kernel/test-run.ts';
import { parseMac } from '../../../src/packet/address.ts';
import type { Forwarding } from '../../../src/scenario/scenario.ts';
import type { Tunnel } from '../../../src/tunnel/tunnel.ts';
import { requires } from '../../needs.ts';
import { ipFrame } from '../../support/journeys.ts';
import { openModelPrograms } from '../../support/model-programs.ts';
import { macs, type Network, openNetwork } from '../../support/network.ts';
import { contextOf } from '../../support/programs.ts';

const tunnel: Tunnel = {
	match: '10.11.1.0/24',
	encapsulation: 'ip',
	source: '10.11.2.2',
	destination: '10.11.2.1',
};

/** The ingress device's own: what is for others is left alone. */
const address = parseMac(macs.veth0) ?? new Uint8Array(6);

/** Longer and shorter than the 512 bytes that an event has room for; matched and not. */
const frames: readonly Uint8Array[] = [
	ipFrame('10.11.1.1', '10.11.1.77', new Uint8Array(40).fill(7)),
	ipFrame('10.11.1.1', '10.11.1.77', new Uint8Array(900).fill(7)),
	ipFrame('10.11.1.1', '10.99.1.77'),
	ipFrame('fe80::1', 'fe80::2'),
	ipFrame('10.11.1.1', '10.11.1.77', new Uint8Array(1500)),
].map((frame) => {
	frame.set(address);
	return frame;
});

describe.each(['xdp', 'tc'] as const)('at %s', requires('root', 'ip'), (hook) => {
	let network: Network;
	let observer: BpfObject;
	let ring: RingBuffer;
	const events: Event[] = [];

	beforeAll(() => {
		network = openNetwork();
		observer = loadObject(objectPath('observer'));
		ring = openRingBuffer(
			observer.map('sightings'),
			eventSize,
			(bytes) => events.push(decodeEvent(bytes)) > 0,
		);
		inNamespace(network.router, () => attachXdp(network.device('veth0'), observer.program('observe')));
		network.ip(`neigh replace 10.11.2.1 lladdr ${macs.host1} dev veth1 nud permanent`);
	});
	afterAll(() => {
		ring?.close();
		observer?.close();
		network?.close();
	});

	/** The kernel's events of a frame. */
	function inKernel(datapath: Datapath, frame: Uint8Array): Event[] {
		const program = datapath.programs.find((each) => each.hook === hook)?.program ?? -1;
		events.length = 0;
		const context = contextOf(hook, network.device('veth0'), frame.length);
		inNamespace(network.router, () => testRun(program, { data: frame, context }));
		ring.consume();
		return events.slice();
	}

	test.each(['stack', 'fib'] as const)('%s', (forwarding: Forwarding) => {
		const datapath = loadDatapath({ hook, forwarding, sightings: observer.map('sightings') });
		const veth1 = network.device('veth1');
		try {
			datapath.setTunnels([tunnel]);
			// As test/support/model-programs.ts tells the model's.
			datapath.setDevices([{ index: network.device('veth0'), address, xdp: true, egress: true }]);
			const model = openModelPrograms(network.device('veth0'), forwarding, 'checked', true);
			model.setTunnels([tunnel]);
			for (const frame of frames) {
				const expected = inKernel(datapath, frame);
				expect(expected.length).toBe(2);
				let time = 0n;
				const environment: BpfEnvironment = {
					fibLookup: ({ totalLength }): FibAnswer =>
						totalLength > 1500
							? { result: 'frag-needed', mtu: 1500 }
							: {
									result: 'success',
									device: veth1,
									nextHop: undefined,
									metric: 0,
									mtu: 1500,
									destinationMac: parseMac(macs.host1) ?? new Uint8Array(6),
									sourceMac: parseMac(macs.veth1) ?? new Uint8Array(6),
								},
					device: () => undefined,
					now: () => ++time,
					jiffies: () => 1,
					random: () => 0,
				};
				const found = model.run(hook, frame, environment).events;
				expect(found.map((event) => event.time)).toEqual([1n, 2n]);
				const untimed = (list: readonly Event[]) => list.map((event) => ({ ...event, time: 0n }));
				expect(untimed(found)).toEqual(untimed(expected));
			}
		} finally {
			datapath.close();
		}
	});
});
