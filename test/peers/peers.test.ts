/**
 * Each of our encapsulations against the kernel's own device for it, which takes it apart: real pings, and a
 * TCP stream. Where the kernel has no such device, the test says so and is skipped.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Datapath, loadDatapath } from '../../src/datapath/datapath.ts';
import { attachTc, attachXdp } from '../../src/kernel/attach.ts';
import { inNamespace } from '../../src/kernel/namespace.ts';
import { requires } from '../needs.ts';
import { type Peer, peers, tunnelsTo } from './devices.ts';
import { batch, ends, type Network, openNetwork, runIn } from './network.ts';
import { stream } from './stream.ts';

const families = ['ipv4', 'ipv6'] as const;
const pings = 3;
const streamBytes = 200_000;

/** How many packets the server's tunnel devices have taken apart. */
function takenApart({ server }: Network): number {
	const links = JSON.parse(runIn(server, 'ip', ['-json', '-s', 'link', 'show'])) as {
		readonly ifname: string;
		readonly stats64: { readonly rx: { readonly packets: number } };
	}[];
	return links
		.filter(({ ifname }) => ifname === 'tun0' || ifname === 'tun1')
		.reduce((sum, { stats64 }) => sum + stats64.rx.packets, 0);
}

/** Make the server's devices: undefined, or why this kernel cannot. */
function makeDevices(network: Network, peer: Peer): string | undefined {
	const { server } = network;
	const { make, types } = peer;
	removeDevices(network, peer); // a test that was ended left them
	for (const command of make) {
		try {
			runIn(server, 'ip', command.split(' '));
		} catch (error) {
			const said = String((error as { stderr?: unknown }).stderr);
			if (!/Unknown device type|not supported|talking to the kernel/.test(said)) throw error;
			return `this kernel has none of the devices ${types.join(', ')}`;
		}
	}
	batch(
		server,
		make
			.flatMap((command) => (/^link add (tun\d)/.exec(command)?.[1] ?? []) as string)
			.map((name) => `link set ${name} up`),
	);
	return undefined;
}

function removeDevices({ server }: Network, { remove = [] }: Peer): void {
	for (const command of ['link del tun0', 'link del tun1', ...remove]) {
		try {
			runIn(server, 'ip', command.split(' '));
		} catch {
			// It was not made.
		}
	}
}

const needed = requires('root', 'ip', 'ping', 'ethtool');

describe.each(['xdp', 'tc'] as const)('at %s', needed, (hook) => {
	let network: Network;
	let datapath: Datapath;
	beforeAll(() => {
		network = openNetwork();
		datapath = loadDatapath({ hook, forwarding: 'fib' });
		const device = network.device('in0');
		inNamespace(network.gateway, () => {
			for (const each of datapath.programs) {
				if (each.hook === 'xdp') attachXdp(device, each.program);
				else attachTc(device, each.program);
			}
		});
		// As from a wire: a local sender leaves checksums and segments to its device, which XDP cannot see.
		const offloads = hook === 'xdp' ? ['tx', 'off', 'tso', 'off'] : ['tso', 'off', 'gso', 'off'];
		runIn(network.client, 'ethtool', ['-K', 'eth0', ...offloads]);
	});
	afterAll(() => {
		datapath?.close();
		network?.close();
	});

	/** How many packets our programs have encapsulated. */
	const encapsulated = (): number =>
		datapath.programs
			.flatMap(({ hook }) => [...datapath.outcomes(hook)])
			.filter(([outcome]) => outcome === 'forwarded' || outcome === 'forwarded-neighbour')
			.reduce((sum, [, { packets }]) => sum + Number(packets), 0);

	const cases = families.flatMap((family) =>
		Object.entries(peers(family)).map(([name, peer]) => ({ name, family, peer })),
	);
	test.for(cases)('$name over $family', async ({ family, peer }, context) => {
		const missing = makeDevices(network, peer);
		try {
			if (missing !== undefined) context.skip(missing);
			datapath.setTunnels(tunnelsTo(family, peer));
			const before = { ours: encapsulated(), kernels: takenApart(network) };
			for (const inner of families) {
				const options = ['-c', String(pings), '-i', '0.01', '-W', '10', ends[inner].inner];
				expect(runIn(network.client, 'ping', options)).toContain(` ${pings} received`);
			}
			expect(encapsulated() - before.ours).toBe(2 * pings);
			expect(takenApart(network) - before.kernels).toBe(2 * pings);
			for (const inner of families) {
				const bytes = randomBytes(streamBytes);
				const arrived = await stream(network.client, network.server, ends[inner].inner, bytes);
				expect(bytes.equals(arrived)).toBe(true);
			}
		} finally {
			removeDevices(network, peer);
		}
	});
});
