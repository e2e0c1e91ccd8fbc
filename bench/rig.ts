/**
 * The example's network as a measuring rig, in two namespaces of its own: frames generated in the host
 * leave by host0, cross the router from veth0 to veth1, and end in a sink at host1.
 */
import { fileURLToPath } from 'node:url';
import { addressCommands, linkCommands, neighbourCommands, quiet, upCommands } from '../src/engines/linux/topology.ts';
import { EncapForwardError } from '../src/error.ts';
import { attachXdp } from '../src/kernel/attach.ts';
import { ipBatch } from '../src/kernel/ip.ts';
import { libc } from '../src/kernel/libc.ts';
import { lookupMap, possibleCpus } from '../src/kernel/map.ts';
import { anonymousNamespace, closeNamespace, inNamespace, type Namespace } from '../src/kernel/namespace.ts';
import { type BpfObject, loadObject } from '../src/kernel/object.ts';
import { writeSysctl } from '../src/kernel/sysctl.ts';
import { testRun, testRunFlags } from '../src/kernel/test-run.ts';
import { parseIp, parseMac } from '../src/packet/address.ts';
import { concatenate } from '../src/packet/bytes.ts';
import { encodeEthernet, ethernetLength } from '../src/packet/ethernet.ts';
import { encodeIpv6, ipv6Length } from '../src/packet/ipv6.ts';
import { etherType, ipProtocol } from '../src/packet/protocol.ts';
import { encodeUdp, udpLength } from '../src/packet/udp.ts';
import { exampleScenario } from '../src/scenario/example.ts';
import type { Scenario } from '../src/scenario/scenario.ts';
import type { Tunnel } from '../src/tunnel/tunnel.ts';

/** What attaches the contestant to veth0, or does nothing and lets the kernel route. */
export type Attach = (rig: {
	readonly router: Namespace;
	/** ifindexes in the router */
	readonly ingress: number;
	readonly egress: number;
	/** bench/rate.bpf.c */
	readonly programs: BpfObject;
}) => void;

export interface Rig {
	/** Send so many frames: how many arrived as they should, and in how many seconds. */
	run(frames: number): { readonly delivered: number; readonly seconds: number };
	close(): void;
}

export interface RigOptions {
	/** Whether the example's sysctls are opened, which the way up the stack needs. */
	readonly open: boolean;
	/** Whether frames should arrive encapsulated in IPv4. */
	readonly encapsulated: boolean;
	readonly attach: Attach;
}

/** The inner IPv6 packet's bytes. */
const packetBytes = 64;

/** How long nothing may arrive before what is missing is lost. */
const quietMilliseconds = 20;

/** The example with every neighbour known and frames for host1, which a kernel without a datapath routes too. */
function rigScenario(open: boolean): Scenario {
	const example = exampleScenario(
		{
			hook: 'xdp',
			outer: 'ipv4',
			inner: 'ipv6',
			forwarding: 'fib',
			source: 'local',
			rpFilter: open ? 2 : 1,
			acceptLocal: open ? 1 : 0,
			neighbour: 'known',
		},
		new Uint8Array(),
	);
	const far = { device: 'veth1', address: inner(example).destination, mac: macOf(example, 'host1') };
	return { ...example, router: { ...example.router, neighbours: [...example.router.neighbours, far] } };
}

function addressOf(scenario: Scenario, device: string, family: 'ipv4' | 'ipv6'): string {
	const addresses = (scenario.router.devices[device] ?? scenario.host.devices[device])?.addresses ?? [];
	return addresses.map((address) => address.split('/')[0] ?? '').find((address) => parseIp(address)?.family === family) ?? '';
}

function macOf(scenario: Scenario, device: string): string {
	return (scenario.router.devices[device] ?? scenario.host.devices[device])?.mac ?? '';
}

function inner(scenario: Scenario): { readonly source: string; readonly destination: string } {
	return { source: addressOf(scenario, 'host0', 'ipv6'), destination: addressOf(scenario, 'host1', 'ipv6') };
}

/** The tunnel the generated frames take: the outer source is the router's own, as in the example. */
export function rigTunnel(): Tunnel {
	const scenario = rigScenario(false);
	return {
		match: `${inner(scenario).destination}/64`.replace('::1/', '::/'),
		encapsulation: 'ip',
		source: addressOf(scenario, 'veth1', 'ipv4'),
		destination: addressOf(scenario, 'host1', 'ipv4'),
	};
}

/** 64 bytes of UDP over IPv6 behind an Ethernet header, which the payload repeats for the generator. */
function frame(scenario: Scenario): Uint8Array {
	const ethernet = {
		destination: parseMac(macOf(scenario, 'veth0')) ?? new Uint8Array(),
		source: parseMac(macOf(scenario, 'host0')) ?? new Uint8Array(),
		etherType: etherType.ipv6,
	};
	const addresses = {
		source: parseIp(inner(scenario).source)?.bytes ?? new Uint8Array(),
		destination: parseIp(inner(scenario).destination)?.bytes ?? new Uint8Array(),
	};
	const payload = concatenate([
		encodeEthernet(ethernet, new Uint8Array()),
		new Uint8Array(packetBytes - ipv6Length - udpLength - ethernetLength),
	]);
	const udp = encodeUdp({ sourcePort: 4096, destinationPort: 9 }, payload, addresses);
	return encodeEthernet(ethernet, encodeIpv6({ nextHeader: ipProtocol.udp, hopLimit: 64, ...addresses }, udp));
}

function build(scenario: Scenario, router: Namespace, host: Namespace): void {
	const sysctls = (values: Readonly<Record<string, number>>): void => {
		for (const [name, value] of Object.entries(values)) writeSysctl(name, value);
	};
	for (const namespace of [router, host]) inNamespace(namespace, () => sysctls(quiet));
	inNamespace(router, () =>
		ipBatch([...linkCommands(scenario, `/proc/${process.pid}/fd/${host.fd}`), ...upCommands(scenario.router)]),
	);
	for (const [namespace, side, up] of [
		[host, scenario.host, upCommands(scenario.host)],
		[router, scenario.router, []],
	] as const) {
		inNamespace(namespace, () => {
			ipBatch([...up, ...addressCommands(side), ...neighbourCommands(side)]);
			sysctls(side.sysctls);
		});
	}
}

/** Build the rig with one contestant at veth0. Every contestant has its own, so that none waits for another's set-up. */
export function openRig({ open, encapsulated, attach }: RigOptions): Rig {
	const scenario = rigScenario(open);
	const router = anonymousNamespace();
	const host = anonymousNamespace();
	build(scenario, router, host);
	const device = (namespace: Namespace, name: string): number =>
		inNamespace(namespace, () => libc().if_nametoindex(name));
	const devices = {
		host0: device(host, 'host0'),
		host1: device(host, 'host1'),
		veth0: device(router, 'veth0'),
		veth1: device(router, 'veth1'),
	};
	const programs = loadObject(fileURLToPath(new URL('rate.o', import.meta.url)), {
		constants: { generator_device: devices.host0, redirect_device: devices.veth1, encapsulated },
	});
	// Both ends of both links have a program: without one a veth drops what is redirected to its peer.
	inNamespace(host, () => {
		attachXdp(devices.host0, programs.program('generate'));
		attachXdp(devices.host1, programs.program('sink'));
	});
	inNamespace(router, () => attachXdp(devices.veth1, programs.program('pass')));
	attach({ router, ingress: devices.veth0, egress: devices.veth1, programs });

	const map = programs.map('sunk');
	const values = new BigUint64Array(possibleCpus());
	const valueBytes = new Uint8Array(values.buffer);
	const expected = new Uint8Array(4);
	const sunk = (): number => {
		lookupMap(map, expected, valueBytes);
		return Number(values.reduce((sum, value) => sum + value, 0n));
	};
	const data = frame(scenario);
	return {
		run: (frames) => {
			const before = sunk();
			const options = { data, repeat: frames, flags: testRunFlags.liveFrames };
			const generator = programs.program('generate');
			let start = 0;
			inNamespace(host, () => {
				start = performance.now();
				testRun(generator, options);
			});
			// What was sent has not all arrived: the clock stops at the last change of the sink's count.
			let delivered = sunk() - before;
			let last = performance.now();
			while (delivered < frames && performance.now() - last < quietMilliseconds) {
				const now = sunk() - before;
				if (now === delivered) continue;
				delivered = now;
				last = performance.now();
			}
			if (delivered > frames) {
				throw new EncapForwardError('EF_BUG', `the rig delivered ${delivered} of ${frames} frames`);
			}
			return { delivered, seconds: (last - start) / 1000 };
		},
		close: () => {
			programs.close();
			closeNamespace(router);
			closeNamespace(host);
		},
	};
}
