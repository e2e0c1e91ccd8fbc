import { expect, test } from 'vitest';
import { cellOf } from '../../../test/support/journeys.ts';
import { exampleScenario } from '../../scenario/example.ts';
import { addressCommands, ground, linkCommands, neighbourCommands, upCommands } from './topology.ts';

const payload = new Uint8Array(8);
const scenario = exampleScenario(cellOf({ neighbour: ['known'] }), payload);

test('links: both ends in one command, the far one in the namespace of the host', () => {
	expect(linkCommands(scenario, '/proc/1/fd/7')).toEqual([
		'link add address 02:00:00:00:01:02 name veth0 type veth peer address 02:00:00:00:01:01 name host0 netns /proc/1/fd/7',
		'link add address 02:00:00:00:02:02 name veth1 type veth peer address 02:00:00:00:02:01 name host1 netns /proc/1/fd/7',
	]);
});

test('a link to a device that is not there is refused', () => {
	const links = [{ router: 'veth0', host: 'host9' }];
	expect(() => linkCommands({ ...scenario, links }, 'x')).toThrow(
		expect.objectContaining({ code: 'EF_INPUT', message: 'the scenario has no device host9' }),
	);
});

test('devices up, the loopback too; addresses, IPv6 without duplicate address detection', () => {
	expect(upCommands(scenario.router)).toEqual(['link set lo up', 'link set veth0 up', 'link set veth1 up']);
	expect(addressCommands(scenario.router)).toEqual([
		'address add 10.11.1.2/24 dev veth0',
		'address add fc00:dead:cafe:1::2/64 dev veth0 nodad',
		'address add 10.11.2.2/24 dev veth1',
		'address add fc00:dead:cafe:2::2/64 dev veth1 nodad',
	]);
});

test('neighbours: what was there goes, what the scenario has comes', () => {
	expect(neighbourCommands(scenario.router)).toEqual([
		'neigh flush dev veth0 nud all',
		'neigh flush dev veth1 nud all',
		'neigh replace 10.11.2.1 lladdr 02:00:00:00:02:01 dev veth1 nud permanent',
	]);
});

test('all cells share one ground; another device is another ground', () => {
	const choices = [
		{},
		{ hook: ['tc'] },
		{ outer: ['ipv6'], forwarding: ['fib'] },
		{ rpFilter: [2] },
	] as const;
	const grounds = choices.map((choice) => ground(exampleScenario(cellOf(choice), payload)));
	expect(new Set(grounds).size).toBe(1);
	const devices = { ...scenario.router.devices, veth1: { mac: '02:00:00:00:02:09', addresses: [] } };
	expect(ground({ ...scenario, router: { ...scenario.router, devices } })).not.toBe(grounds[0]);
});
