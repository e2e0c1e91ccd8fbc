import { expect, test } from 'vitest';
import { dissect } from '../../packet/dissect.ts';
import { parseTunnel } from '../../tunnel/tunnel.ts';
import type { Scenario } from '../scenario.ts';
import { randomScenario, worldSize } from './scenario.ts';

const features = { forceForwarding: true };
const some: readonly Scenario[] = Array.from({ length: 1000 }, (_, number) =>
	randomScenario(1, number, features),
);

test('a seed and a number are one scenario, others are others', () => {
	for (const number of [0, 31, 32, 777]) {
		expect(randomScenario(1, number, features)).toEqual(some[number]);
		expect(randomScenario(2, number, features)).not.toEqual(some[number]);
	}
	expect(new Set(some.map((scenario) => JSON.stringify(scenario))).size).toBe(some.length);
});

test('scenarios of one world share its links, devices and what a kernel never forgets', () => {
	for (let first = 0; first + worldSize <= some.length; first += worldSize) {
		const world = some.slice(first, first + worldSize);
		const shared = world.map(({ links, router, host, datapath }) =>
			JSON.stringify([
				links,
				router.devices,
				host,
				router.everHadRules,
				datapath && [datapath.hook, datapath.forwarding, datapath.device],
				router.routes?.some(({ family, type }) => family === 'ipv4' && type === 'local'),
			]),
		);
		expect(new Set(shared).size).toBe(1);
	}
});

test('a scenario is plain data that speaks of its own devices only', () => {
	for (const scenario of some) {
		const { packet, router, host, links, datapath } = scenario;
		const { frame, ...rest } = packet;
		const plain = { ...scenario, packet: rest };
		expect(JSON.parse(JSON.stringify(plain))).toEqual(plain);
		expect(frame).toBeInstanceOf(Uint8Array);
		const devices = new Set([...Object.keys(router.devices), 'lo']);
		expect(links.map((link) => link.router)).toEqual(Object.keys(router.devices));
		expect(links.map((link) => link.host)).toEqual(Object.keys(host.devices));
		const named = [
			packet.device,
			...(datapath === undefined ? [] : [datapath.device]),
			...router.neighbours.map(({ device }) => device),
			...(router.routes ?? []).flatMap(({ nextHops = [] }) => nextHops.map(({ device }) => device)),
			...(router.rules ?? []).flatMap(({ iif, oif }) => [iif ?? 'lo', oif ?? 'lo']),
		];
		for (const name of named) expect(devices.has(name), name).toBe(true);
	}
});

test('tunnels are such as a configuration can have, packets such as their device can receive', () => {
	for (const { datapath, packet, router } of some) {
		for (const tunnel of datapath?.tunnels ?? []) expect(() => parseTunnel(tunnel)).not.toThrow();
		const { mtu = 1500, up = true, carrier = true } = router.devices[packet.device] ?? {};
		expect(packet.frame.length).toBeLessThanOrEqual(mtu + 14);
		expect(up && carrier).toBe(true);
	}
});

/** In how many of the scenarios something is. */
function share(holds: (scenario: Scenario) => boolean): number {
	return some.filter(holds).length / some.length;
}

test.each<[string, (scenario: Scenario) => boolean]>([
	['a datapath', ({ datapath }) => datapath !== undefined],
	['no datapath', ({ datapath }) => datapath === undefined],
	['rules', ({ router }) => router.rules !== undefined],
	['a mark', ({ packet }) => packet.mark !== undefined],
	['next-hop objects', ({ router }) => (router.nextHopObjects ?? []).length > 0],
	[
		'a multipath route',
		({ router }) => router.routes?.some(({ nextHops = [] }) => nextHops.length > 1) ?? false,
	],
	[
		'a group of next hops',
		({ router }) => router.nextHopObjects?.some(({ group = [] }) => group.length > 1) ?? false,
	],
	['three links', ({ links }) => links.length === 3],
	['rp_filter', ({ router }) => Object.keys(router.sysctls).some((name) => name.endsWith('.rp_filter'))],
	['no forwarding', ({ router }) => router.sysctls['net.ipv4.ip_forward'] === undefined],
	['IPv4', ({ packet }) => dissect(packet.frame).some(({ protocol }) => protocol === 'ipv4')],
	['IPv6', ({ packet }) => dissect(packet.frame).some(({ protocol }) => protocol === 'ipv6')],
	['a packet of more than 1,000 bytes', ({ packet }) => packet.frame.length > 1000],
	['a failed neighbour', ({ router }) => router.neighbours.some(({ state }) => state === 'failed')],
])('many have %s', (_, holds) => {
	expect(share(holds)).toBeGreaterThan(0.02);
	expect(share(holds)).toBeLessThan(0.98);
});
