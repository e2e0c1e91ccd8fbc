import { expect, test } from 'vitest';
import { addressBytes, cellOf } from '../../test/support/journeys.ts';
import { chooseCells } from '../lab/cells.ts';
import { formatMac } from '../packet/address.ts';
import { dissect } from '../packet/dissect.ts';
import { parseTunnel } from '../tunnel/tunnel.ts';
import { onLinkDevice, ownerOf } from './addresses.ts';
import { acceptLocalSysctl, type Cell, exampleScenario, pinged, rpFilterSysctl } from './example.ts';

const payload = Uint8Array.from({ length: 32 }, (_, index) => index);
const cells = chooseCells({ inner: ['ipv4', 'ipv6'] });

test.each(['ipv4', 'ipv6'] as const)('the packet is a valid ping from host0 to veth0 over %s', (inner) => {
	const scenario = exampleScenario(cellOf({ inner: [inner] }), payload);
	const { frame, device } = scenario.packet;
	const layers = dissect(frame);
	expect(layers.map(({ protocol }) => protocol).slice(0, 3)).toEqual([
		'ethernet',
		inner,
		inner === 'ipv4' ? 'icmp' : 'icmpv6',
	]);
	expect(layers.some(({ checksum }) => checksum === 'bad')).toBe(false);
	expect(device).toBe('veth0');
	expect(formatMac(frame.subarray(0, 6))).toBe(scenario.router.devices.veth0?.mac);
	expect(formatMac(frame.subarray(6, 12))).toBe(scenario.host.devices.host0?.mac);
	const size = inner === 'ipv4' ? 4 : 16;
	const addresses = inner === 'ipv4' ? 14 + 12 : 14 + 8;
	expect(frame.subarray(addresses + size, addresses + 2 * size)).toEqual(addressBytes(pinged[inner]));
	expect(frame.subarray(-payload.length)).toEqual(payload);
});

test('every cell sets exactly its own sysctls, neighbour and datapath', () => {
	for (const cell of cells) {
		const { router, datapath } = exampleScenario(cell, payload);
		expect(router.sysctls[rpFilterSysctl]).toBe(cell.rpFilter);
		expect(router.sysctls[acceptLocalSysctl]).toBe(cell.acceptLocal);
		// The value of `all` must not decide in the place of the device's.
		expect(router.sysctls['net.ipv4.conf.all.rp_filter']).toBe(0);
		expect(router.sysctls['net.ipv4.conf.all.accept_local']).toBe(0);
		expect(router.neighbours.length).toBe(cell.neighbour === 'known' ? 1 : 0);
		expect(datapath).toMatchObject({ hook: cell.hook, forwarding: cell.forwarding, device: 'veth0' });
	}
});

const place: Readonly<Record<Cell['source'], readonly [string | undefined, string | undefined]>> = {
	local: ['veth1', 'veth1'],
	'other-device': [undefined, 'veth1'],
	unrouted: [undefined, undefined],
};

test("every cell's tunnels take both families, and the outer source is where its name says", () => {
	for (const cell of cells) {
		const { router, host, datapath } = exampleScenario(cell, payload);
		const tunnels = datapath?.tunnels.map(parseTunnel) ?? [];
		expect(tunnels.map(({ match }) => match.family).toSorted()).toEqual(['ipv4', 'ipv6']);
		for (const { source, destination } of tunnels) {
			expect([source.family, destination.family]).toEqual([cell.outer, cell.outer]);
			expect(ownerOf(host, destination.bytes)).toBe('host1');
			expect([ownerOf(router, source.bytes), onLinkDevice(router, source.bytes)]).toEqual(place[cell.source]);
		}
	}
});

test('both ends of every link exist', () => {
	const { links, router, host } = exampleScenario(cellOf(), payload);
	expect(links.map((link) => link.router)).toEqual(Object.keys(router.devices));
	expect(links.map((link) => link.host)).toEqual(Object.keys(host.devices));
});

test('a scenario is plain data', () => {
	const { packet, ...rest } = exampleScenario(cellOf(), payload);
	expect(JSON.parse(JSON.stringify(rest))).toEqual(rest);
	expect(packet.frame).toBeInstanceOf(Uint8Array);
});
