/**
 * The committed objects in the model's engine and in the kernel's BPF_PROG_TEST_RUN, with the same frames and
 * tunnels: the same verdict, outcome and bytes.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BpfEnvironment, FibAnswer, FibRequest } from '../../../src/engines/model/bpf/environment.ts';
import type { BpfObject } from '../../../src/kernel/object.ts';
import { parseMac } from '../../../src/packet/address.ts';
import { concatenate } from '../../../src/packet/bytes.ts';
import { encodeEthernet } from '../../../src/packet/ethernet.ts';
import { encodeIpv4 } from '../../../src/packet/ipv4.ts';
import { etherType, ipProtocol } from '../../../src/packet/protocol.ts';
import type { Forwarding, Hook } from '../../../src/scenario/scenario.ts';
import type { Tunnel } from '../../../src/tunnel/tunnel.ts';
import { requires } from '../../needs.ts';
import { frame as anyFrame, bytesOf, damaged, ipv4Packet, ipv6Packet } from '../../packet/arbitraries.ts';
import { type ModelPrograms, openModelPrograms } from '../../support/model-programs.ts';
import { macs, type Network, openNetwork } from '../../support/network.ts';
import { openPrograms, openReceiveQueue, outliveMemory, type Programs } from '../../support/programs.ts';

const hooks = ['xdp', 'tc'] as const satisfies readonly Hook[];
const forwardings = ['stack', 'fib'] as const satisfies readonly Forwarding[];
const builds = ['checked', 'fast'] as const;

const ends = {
	ipv4: { source: '10.11.2.2', destination: '10.11.2.1' },
	ipv6: { source: 'fc00:dead:cafe:2::2', destination: 'fc00:dead:cafe:2::1' },
} as const;

function mac(text: string): Uint8Array {
	return parseMac(text) ?? new Uint8Array(6);
}

function onWire(packet: Uint8Array): Uint8Array {
	const type = (packet[0] ?? 0) >> 4 === 4 ? etherType.ipv4 : etherType.ipv6;
	const padding = new Uint8Array(Math.max(0, 46 - packet.length)).fill(0xee);
	const header = { destination: mac(macs.veth0), source: mac(macs.host0), etherType: type };
	return encodeEthernet(header, concatenate([packet, padding]));
}

/** IPv4, with a good checksum. */
function packetTo(destination: Uint8Array, payload: Uint8Array): Uint8Array {
	const source = Uint8Array.of(10, 11, 1, 1);
	return encodeIpv4({ ttl: 64, protocol: ipProtocol.udp, source, destination }, payload);
}

type WithoutEnds<Each> = Each extends Tunnel ? Omit<Each, 'match' | 'source' | 'destination'> : never;

const ipKinds = [
	{ encapsulation: 'ip' },
	{ encapsulation: 'ip', ttl: 'inherit', dscp: 'inherit' },
	{ encapsulation: 'gre' },
	{ encapsulation: 'gre', key: 0xfe020304 },
	{ encapsulation: 'gue' },
	{ encapsulation: 'vxlan', vni: 0x123456 },
	{ encapsulation: 'geneve', vni: 1, innerSource: '0a:00:00:00:00:01', ttl: 9 },
] as const satisfies readonly WithoutEnds<Tunnel>[];

/** Every kind over both families, with the members that only one family has. */
const kinds: readonly (WithoutEnds<Tunnel> & { readonly outer: 'ipv4' | 'ipv6' })[] = [
	...ipKinds.flatMap((kind) => [
		{ ...kind, outer: 'ipv4' as const },
		{ ...kind, outer: 'ipv6' as const },
	]),
	{ encapsulation: 'ip', dontFragment: false, outer: 'ipv4' },
	{ encapsulation: 'gue', udpChecksum: 'computed', outer: 'ipv6' },
	{ encapsulation: 'vxlan', vni: 7, udpChecksum: 'computed', outer: 'ipv6' },
	{ encapsulation: 'geneve', vni: 7, udpChecksum: 'computed', outer: 'ipv6' },
];

function tunnelsOf({ outer, ...kind }: (typeof kinds)[number], hashed = false): Tunnel[] {
	const { source, destination } = ends[outer];
	return ['0.0.0.0/0', '::/0'].map(
		(match) => ({ match, ...kind, source: hashed ? '10.11.2.0/24' : source, destination }) as Tunnel,
	);
}

const anyPacket: fc.Arbitrary<Uint8Array> = fc.oneof(ipv4Packet(1), ipv6Packet(1));
const anyBytes: fc.Arbitrary<Uint8Array> = fc.oneof(anyPacket.map(onWire), damaged(anyFrame), bytesOf(200));

/** A test run of TC refuses an IP frame that is too short for the header. */
function fitsTestRun(hook: Hook, { length, ...bytes }: Uint8Array): boolean {
	const type = ((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0);
	if (hook === 'xdp') return length > 14;
	return length >= 14 + (type === etherType.ipv6 ? 40 : type === etherType.ipv4 ? 20 : 1);
}

describe('the committed objects in the model and in the kernel', requires('root', 'ip'), () => {
	let network: Network;
	let device: { readonly veth0: number; readonly veth1: number };
	let queue: BpfObject;
	const kernel = {} as Record<Forwarding, Programs>;
	const model = {} as Record<Forwarding, Record<(typeof builds)[number], ModelPrograms>>;
	/** What the model's world answers. */
	let answer: (request: FibRequest) => FibAnswer;
	let asked: FibRequest[] = [];

	const resolved = ({ destination }: FibRequest): FibAnswer => ({
		result: 'success',
		device: device.veth1,
		nextHop: undefined,
		metric: destination.length === 4 ? 0 : 256,
		mtu: 1500,
		destinationMac: mac(macs.host1),
		sourceMac: mac(macs.veth1),
	});

	beforeAll(() => {
		network = openNetwork();
		device = { veth0: network.device('veth0'), veth1: network.device('veth1') };
		answer = resolved;
		queue = openReceiveQueue(network.router, network.device('veth0'));
		for (const family of ['ipv4', 'ipv6'] as const) {
			network.ip(`neigh replace ${ends[family].destination} lladdr ${macs.host1} dev veth1 nud permanent`);
		}
		for (const forwarding of forwardings) {
			kernel[forwarding] = openPrograms(network, forwarding);
			model[forwarding] = {
				checked: openModelPrograms(device.veth0, forwarding, 'checked'),
				fast: openModelPrograms(device.veth0, forwarding, 'fast'),
			};
		}
	});
	afterAll(() => {
		for (const each of Object.values(kernel)) each.close();
		queue?.close();
		network?.close();
	});

	/** The outer IPv4 identification is drawn at random: the model draws the kernel's. */
	function environmentOf(kernelFrame: Uint8Array): BpfEnvironment {
		return {
			fibLookup: (request) => {
				asked.push(request);
				return answer(request);
			},
			device: () => ({ mtu: 1500, up: true }),
			now: () => 1n,
			jiffies: () => 4_295_000_000,
			random: () => (kernelFrame[18] ?? 0) | ((kernelFrame[19] ?? 0) << 8),
		};
	}

	function setTunnels(forwarding: Forwarding, tunnels: readonly Tunnel[]): void {
		kernel[forwarding].setTunnels(tunnels);
		for (const build of builds) model[forwarding][build].setTunnels(tunnels);
	}

	function expectSame(forwarding: Forwarding, hook: Hook, frame: Uint8Array): string {
		const expected = kernel[forwarding].run(hook, frame);
		for (const build of builds) {
			const {
				verdict,
				frame: bytes,
				outcome,
			} = model[forwarding][build].run(hook, frame, environmentOf(expected.frame));
			expect({ verdict, outcome, frame: Buffer.from(bytes).toString('hex') }).toEqual({
				...expected,
				frame: Buffer.from(expected.frame).toString('hex'),
			});
		}
		return expected.outcome;
	}

	describe.each(forwardings)('%s', (forwarding) => {
		describe.each(kinds)('$encapsulation over $outer', (kind) => {
			test.each(hooks)('%s', (hook) => {
				setTunnels(forwarding, tunnelsOf(kind));
				const outcomes = new Set<string>();
				fc.assert(
					fc.property(anyPacket, (packet) => {
						outcomes.add(expectSame(forwarding, hook, onWire(packet)));
					}),
					{ numRuns: 40 },
				);
				expect(outcomes).toContain(forwarding === 'fib' ? 'forwarded' : 'to-stack');
			});
		});

		test.each(hooks)('%s: garbage, and hashed sources', (hook) => {
			const [one] = kinds;
			if (one === undefined) return;
			setTunnels(forwarding, tunnelsOf(one, true));
			fc.assert(
				fc.property(
					anyBytes.filter((bytes) => fitsTestRun(hook, bytes)),
					(bytes) => void expectSame(forwarding, hook, bytes),
				),
				{ numRuns: 300 },
			);
		});
	});

	test.each(hooks)('%s: longest prefixes, and what no tunnel matches', (hook) => {
		const tunnels = ['10.0.0.0/8', '10.11.0.0/16', '10.11.1.0/24', '10.11.1.77/32'].map(
			(match, index): Tunnel => ({ match, encapsulation: 'ip', ...ends.ipv4, ttl: 10 + index }),
		);
		setTunnels('fib', tunnels);
		const outcomes = new Set<string>();
		fc.assert(
			fc.property(
				fc.uint8Array({ maxLength: 100 }),
				fc.constantFrom([10, 11, 1, 77], [10, 11, 1, 78], [10, 11, 2, 1], [10, 1, 1, 1], [11, 1, 1, 1]),
				(payload, destination) => {
					outcomes.add(expectSame('fib', hook, onWire(packetTo(Uint8Array.from(destination), payload))));
				},
			),
			{ numRuns: 100 },
		);
		expect(outcomes).toContain('no-tunnel');
		expect(outcomes).toContain('forwarded');
	});

	describe('what the FIB answers', () => {
		const frame = onWire(packetTo(Uint8Array.of(10, 11, 1, 77), new Uint8Array(80)));
		const cases: readonly {
			readonly command: string;
			readonly undo: string;
			readonly answer: (request: FibRequest) => FibAnswer;
			readonly outcome: string;
		}[] = [
			...(['blackhole', 'unreachable', 'prohibit'] as const).map((type) => ({
				command: `route add ${type} 10.11.2.1/32`,
				undo: `route del ${type} 10.11.2.1/32`,
				answer: (): FibAnswer => ({ result: type }),
				outcome: `route-${type}`,
			})),
			{
				command: 'route add 10.11.2.1/32 dev veth1 mtu lock 100',
				undo: 'route del 10.11.2.1/32 dev veth1',
				answer: () => ({ result: 'frag-needed', mtu: 100 }),
				outcome: 'handed-over-answer or too-big',
			},
			{
				command: 'route add 10.11.2.1/32 via 10.11.2.9 dev veth1 metric 77',
				undo: 'route del 10.11.2.1/32 via 10.11.2.9 dev veth1 metric 77',
				answer: () => ({
					result: 'no-neigh',
					device: device.veth1,
					nextHop: { family: 'ipv4', address: Uint8Array.of(10, 11, 2, 9) },
					metric: 77,
				}),
				outcome: 'handed-over or forwarded-neighbour',
			},
			{
				command: 'route add 10.11.2.1/32 via inet6 fc00:dead:cafe:2::1 dev veth1',
				undo: 'route del 10.11.2.1/32 via inet6 fc00:dead:cafe:2::1 dev veth1',
				answer: (request) => ({
					...(resolved(request) as Extract<FibAnswer, { result: 'success' }>),
					nextHop: {
						family: 'ipv6',
						address: Uint8Array.from(Buffer.from('fc00deadcafe00020000000000000001', 'hex')),
					},
				}),
				outcome: 'forwarded',
			},
		];
		test.for(cases.flatMap((each) => hooks.map((hook) => ({ ...each, hook }))))(
			'$hook, $command: $outcome',
			({ command, undo, hook, outcome, ...each }) => {
				setTunnels('fib', tunnelsOf({ encapsulation: 'ip', outer: 'ipv4' }));
				network.ip(command);
				try {
					outliveMemory();
					answer = each.answer;
					expect(outcome).toContain(expectSame('fib', hook, frame));
				} finally {
					network.ip(undo);
					answer = resolved;
				}
			},
		);

		test('what the program asks', () => {
			setTunnels('fib', tunnelsOf({ encapsulation: 'vxlan', vni: 1, outer: 'ipv6', dscp: 10 }));
			asked = [];
			expectSame('fib', 'tc', frame);
			const [request] = asked;
			expect(request).toEqual({
				family: 'ipv6',
				ifindex: device.veth0,
				source: Uint8Array.from(Buffer.from('fc00deadcafe00020000000000000002', 'hex')),
				destination: Uint8Array.from(Buffer.from('fc00deadcafe00020000000000000001', 'hex')),
				protocol: 17,
				sourcePort: 0,
				destinationPort: 4789,
				tos: 0,
				flowInfo: 10 << 22,
				totalLength: 40 + 30 + 100,
				mark: 0,
				table: undefined,
				direct: false,
				output: false,
				skipNeighbour: false,
				wantSource: false,
			});
		});
	});
});
