/** The first packets to a next hop that nobody knows yet, with strict sysctls: none is lost. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ipJson } from '../../src/kernel/ip.ts';
import { libc } from '../../src/kernel/libc.ts';
import { closeNamespace, inNamespace, type Namespace, namedNamespace } from '../../src/kernel/namespace.ts';
import { openPacketSocket } from '../../src/kernel/packet-socket.ts';
import { parseMac } from '../../src/packet/address.ts';
import { encodeEthernet } from '../../src/packet/ethernet.ts';
import { encodeIpv4 } from '../../src/packet/ipv4.ts';
import { encodeIpv6 } from '../../src/packet/ipv6.ts';
import { etherType } from '../../src/packet/protocol.ts';
import { requires } from '../needs.ts';
import { type Gateway, openGateway, tunnelTo } from '../support/gateway.ts';
import { addressBytes } from '../support/journeys.ts';

const first = 1000;
const rounds = 5;

function find(name: string): Namespace {
	const namespace = namedNamespace(name);
	if (namespace === undefined) throw new Error(`no namespace ${name}`);
	return namespace;
}

describe.each(['xdp', 'tc'] as const)('at %s', requires('root', 'ip'), (hook) => {
	let gateway: Gateway;
	beforeAll(() => {
		gateway = openGateway();
		const file = gateway.configure(
			`interfaces: [in0]\nhook: ${hook}\ntunnels:\n${tunnelTo('fd09::/64')}\n${tunnelTo('10.9.0.0/24')}\n`,
		);
		const { stderr } = gateway.command('up', '--config', file, '--netns', gateway.gateway);
		expect(stderr).toBe('');
	});
	afterAll(() => gateway?.close());

	/** What has come out of the server's VXLAN device. */
	const arrived = (server: Namespace): number =>
		inNamespace(server, () => {
			const [link] = ipJson<{ stats64: { rx: { packets: number } } }[]>('-s', 'link', 'show', 'vx0');
			return link?.stats64.rx.packets ?? 0;
		});

	test.each(['ipv4', 'ipv6'] as const)(`the first ${first} ${'%s'} packets, in one burst`, async (family) => {
		const [client, server] = [find(gateway.client), find(gateway.server)];
		const macOf = (namespace: string, device: string): Uint8Array => {
			const [link] = JSON.parse(gateway.run(namespace, 'ip', '-json', 'link', 'show', device)) as [
				{ address: string },
			];
			return parseMac(link.address) ?? new Uint8Array();
		};
		const packet =
			family === 'ipv4'
				? encodeIpv4(
						{
							ttl: 64,
							protocol: 253,
							source: addressBytes('10.1.0.2'),
							destination: addressBytes('10.9.0.1'),
						},
						new Uint8Array(64),
					)
				: encodeIpv6(
						{
							hopLimit: 64,
							nextHeader: 253,
							source: addressBytes('fd01::2'),
							destination: addressBytes('fd09::1'),
						},
						new Uint8Array(64),
					);
		const frame = encodeEthernet(
			{
				destination: macOf(gateway.gateway, 'in0'),
				source: macOf(gateway.client, 'eth0'),
				etherType: etherType[family],
			},
			packet,
		);
		const socket = openPacketSocket(
			client,
			inNamespace(client, () => libc().if_nametoindex('eth0')),
		);
		try {
			for (let round = 0; round < rounds; round++) {
				gateway.run(gateway.gateway, 'ip', 'neigh', 'flush', 'all');
				const before = arrived(server);
				for (let sent = 0; sent < first; sent++) socket.send(frame);
				for (const end = performance.now() + 3000; performance.now() < end; ) {
					if (arrived(server) - before >= first) break;
					await new Promise((resolve) => setImmediate(resolve));
				}
				expect(arrived(server) - before).toBe(first);
			}
			const { stdout } = gateway.command('status', '--json', '--netns', gateway.gateway);
			const { outcomes } = JSON.parse(stdout) as { outcomes: { outcome: string; packets: number }[] };
			const resolved = outcomes.find(({ outcome }) => outcome === 'forwarded-neighbour')?.packets ?? 0;
			expect(resolved).toBeGreaterThanOrEqual(rounds);
		} finally {
			socket.close();
			closeNamespace(client);
			closeNamespace(server);
		}
	});
});
