/**
 * Each of our encapsulations against the kernel's own device for it, which takes apart what we make and makes
 * what we take apart: real pings, and a TCP stream there and back. Where the kernel has no such device, the test says so and is skipped.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Datapath, loadDatapath } from '../../src/datapath/datapath.ts';
import { datapathDevices } from '../../src/forwarder/device-facts.ts';
import { allDevices } from '../../src/forwarder/devices.ts';
import { attachTc, attachXdp } from '../../src/kernel/attach.ts';
import { inNamespace } from '../../src/kernel/namespace.ts';
import { requires } from '../needs.ts';
import { decapsulationOf, type Peer, peers, tunnelsTo } from './devices.ts';
import { batch, ends, type Network, openNetwork, runIn } from './network.ts';
import { echoed } from './stream.ts';

const families = ['ipv4', 'ipv6'] as const;
const pings = 3;
const streamBytes = 200_000;

interface Counts {
	readonly there: number;
	readonly back: number;
}

/** How many packets the server's tunnel devices have taken apart, and made. */
function kernels({ server }: Network): Counts {
	const links = JSON.parse(runIn(server, 'ip', ['-json', '-s', 'link', 'show'])) as {
		readonly ifname: string;
		readonly stats64: Readonly<Record<'rx' | 'tx', { readonly packets: number }>>;
	}[];
	const sum = (way: 'rx' | 'tx'): number =>
		links
			.filter(({ ifname }) => ifname === 'tun0' || ifname === 'tun1')
			.reduce((total, { stats64 }) => total + stats64[way].packets, 0);
	return { there: sum('rx'), back: sum('tx') };
}

/** Make the server's devices: undefined, or why this kernel cannot. */
function makeDevices(network: Network, peer: Peer): string | undefined {
	const { make, route, types } = peer;
	const names = make.flatMap((command) => /^link add (?<name>tun\d)/.exec(command)?.groups?.name ?? []);
	try {
		batch(network.server, [...make, ...names.map((name) => `link set ${name} up`), ...route]);
		return undefined;
	} catch (error) {
		const said = String((error as { stderr?: unknown }).stderr);
		if (!/Unknown device type|not supported|talking to the kernel/.test(said)) throw error;
		return `this kernel has none of the devices ${types.join(', ')}`;
	}
}

function removeDevices({ server }: Network, { remove = [] }: Peer): void {
	try {
		const commands = ['link del tun0', 'link del tun1', ...remove].join('\n');
		runIn(server, 'ip', ['-force', '-batch', '-'], commands);
	} catch {
		// Some of them were not made.
	}
}

const needed = requires('root', 'ip', 'ping');

describe.each(['xdp', 'tc'] as const)('at %s', needed, (hook) => {
	let network: Network;
	/** At in0, which encapsulates, and at out0, which takes apart. */
	let datapaths: Readonly<Record<'in0' | 'out0', Datapath>>;
	beforeAll(() => {
		network = openNetwork();
		const load = (): Datapath => loadDatapath({ hook, forwarding: 'fib' });
		datapaths = { in0: load(), out0: load() };
		for (const [name, { programs }] of Object.entries(datapaths)) {
			const device = network.device(name as 'in0');
			inNamespace(network.gateway, () => {
				for (const each of programs) {
					if (each.hook === 'xdp') attachXdp(device, each.program);
					else attachTc(device, each.program);
				}
			});
		}
		// A local sender leaves checksums and segments to its device.
		const devices = inNamespace(network.gateway, () => allDevices());
		const targets = new Set(devices.map(({ index }) => index));
		for (const datapath of Object.values(datapaths))
			datapath.setDevices(datapathDevices(devices, targets, ['in0', 'out0'], undefined));
	});
	afterAll(() => {
		for (const datapath of Object.values(datapaths ?? {})) datapath.close();
		network?.close();
	});

	/** How many packets our programs have encapsulated, and taken apart. */
	const ours = (): Counts => {
		const count = (datapath: Datapath, word: string): number =>
			datapath.programs
				.flatMap(({ hook }) => [...datapath.outcomes(hook)])
				.filter(([outcome]) => outcome === word || outcome === `${word}-neighbour`)
				.reduce((sum, [, { packets }]) => sum + Number(packets), 0);
		return { there: count(datapaths.in0, 'forwarded'), back: count(datapaths.out0, 'decapsulated') };
	};

	const cases = families.flatMap((family) =>
		Object.entries(peers(family)).map(([name, peer]) => ({ name, family, peer })),
	);
	test.for(cases)('$name over $family', async ({ family, peer }, context) => {
		const missing = makeDevices(network, peer);
		try {
			if (missing !== undefined) context.skip(missing);
			datapaths.in0.setTunnels(tunnelsTo(family, peer, hook));
			datapaths.out0.setDecapsulations([decapsulationOf(family, peer)]);
			const before = { ours: ours(), kernels: kernels(network) };
			for (const inner of families) {
				const options = ['-c', String(pings), '-i', '0.01', '-W', '10', ends[inner].inner];
				expect(runIn(network.client, 'ping', options)).toContain(` ${pings} received`);
			}
			const sent = families.length * pings;
			expect(ours()).toEqual({ there: before.ours.there + sent, back: before.ours.back + sent });
			// The devices send multicast of their own, too.
			const devices = kernels(network);
			expect(devices.there - before.kernels.there).toBeGreaterThanOrEqual(sent);
			expect(devices.back - before.kernels.back).toBeGreaterThanOrEqual(sent);
			for (const inner of families) {
				const bytes = randomBytes(streamBytes);
				const back = await echoed(network.client, network.server, ends[inner].inner, bytes);
				expect(bytes.equals(back)).toBe(true);
			}
		} finally {
			removeDevices(network, peer);
		}
	});
});
