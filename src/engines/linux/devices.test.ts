import { expect, test } from 'vitest';
import { cellOf } from '../../../test/support/journeys.ts';
import { exampleScenario } from '../../scenario/example.ts';
import type { Host } from '../../scenario/scenario.ts';
import { addressRequests, deviceNumbers, linkRequests, numberOf, upDevices, upRequests } from './devices.ts';
import { ground } from './hosts.ts';
import { neighbourRequests } from './neighbours.ts';
import { everHadRules, ruleRequests, rulesOf } from './rules.ts';
import { changedSettings, inOrder } from './sysctls.ts';

const scenario = exampleScenario(cellOf(), new Uint8Array(8));
const router = deviceNumbers(scenario.router, 'router');
const host = deviceNumbers(scenario.host, 'host');

test('no device has the number of its peer or of the loopback', () => {
	const numbers = [...router.values(), ...[...host.values()].filter((number) => number !== 1)];
	expect(new Set(numbers).size).toBe(numbers.length);
	expect(numberOf(router, 'lo')).toBe(1);
	expect(() => numberOf(router, 'eth9')).toThrow(
		expect.objectContaining({ code: 'EF_INPUT', message: 'the scenario has no device eth9' }),
	);
});

test('a link to a device that is not there is refused, and so is what is no address', () => {
	const links = [{ router: 'veth0', host: 'host9' }];
	expect(() => linkRequests({ ...scenario, links }, { router, host }, 9)).toThrow(
		expect.objectContaining({ code: 'EF_INPUT' }),
	);
	const bad = (change: Partial<Host['devices'][string]>): Host => {
		const device = { mac: '02:00:00:00:00:01', addresses: [], ...change };
		return { ...scenario.router, devices: { veth0: device } };
	};
	expect(() => addressRequests(bad({ addresses: ['10.0.0.1'] }), router)).toThrow(
		expect.objectContaining({ code: 'EF_INPUT' }),
	);
	const neighbours = [{ device: 'veth0', address: '10.0.0.1', state: 'stale' as const }];
	expect(() => neighbourRequests({ ...scenario.router, neighbours }, router)).toThrow(
		expect.objectContaining({ code: 'EF_INPUT' }),
	);
	expect(
		neighbourRequests(
			{ ...scenario.router, neighbours: [{ ...neighbours[0], state: 'failed' } as never] },
			router,
		),
	).toHaveLength(1);
});

test('of a link without a carrier the far end is not set up', () => {
	const { veth1 } = scenario.router.devices;
	if (veth1 === undefined) throw new Error('the example has no veth1');
	const devices = { ...scenario.router.devices, veth1: { ...veth1, carrier: false } };
	const isUp = upDevices({ ...scenario, router: { ...scenario.router, devices } });
	expect([isUp.router('veth1'), isUp.host('host1'), isUp.host('host0')]).toEqual([true, false, true]);
	expect(upRequests(scenario.host, host, isUp.host).map(({ what }) => what)).toEqual([
		'set lo up',
		'set host0 up',
	]);
});

test('all cells of the lab share one ground; another device, or IPv6 off on it, is another', () => {
	const choices = [
		{},
		{ hook: ['tc'] },
		{ outer: ['ipv6'], forwarding: ['fib'] },
		{ rpFilter: [2] },
	] as const;
	const grounds = choices.map((choice) => ground(exampleScenario(cellOf(choice), new Uint8Array(8))));
	expect(new Set(grounds).size).toBe(1);
	const changed = (change: Partial<Host>): string =>
		ground({ ...scenario, router: { ...scenario.router, ...change } });
	expect(changed({ devices: {} })).not.toBe(grounds[0]);
	const sysctls = { ...scenario.router.sysctls, 'net.ipv6.conf.veth0.disable_ipv6': 1 };
	expect(changed({ sysctls })).not.toBe(grounds[0]);
});

test('rules: only those of a family that differ are changed; the kernel remembers IPv4 ones', () => {
	const bare: Host = { ...scenario.router, devices: {} };
	const own = { family: 'ipv6' as const, priority: 10, action: 'nop' as const };
	const next = [...rulesOf(bare), own];
	expect(ruleRequests(rulesOf(bare), rulesOf(bare))).toEqual([]);
	expect(ruleRequests(rulesOf(bare), next).map(({ what }) => what)).toEqual([
		'delete the ipv6 rule 0',
		'delete the ipv6 rule 32766',
		'add the ipv6 rule 0',
		'add the ipv6 rule 32766',
		'add the ipv6 rule 10',
	]);
	expect(everHadRules(bare)).toBe(false);
	expect(everHadRules({ ...bare, rules: next })).toBe(false);
	expect(everHadRules({ ...bare, rules: [...next, { ...own, family: 'ipv4' }] })).toBe(true);
	expect(everHadRules({ ...bare, everHadRules: true })).toBe(true);
});

test('sysctls: what is copied from goes before what it is copied to; what goes is taken back', () => {
	const before = { 'net.ipv4.conf.a.rp_filter': 1, 'net.ipv4.conf.b.rp_filter': 2 };
	const next = { 'net.ipv4.conf.b.rp_filter': 2, 'net.ipv4.conf.all.rp_filter': 1 };
	const base = new Map([['net.ipv4.conf.a.rp_filter', 0]]);
	expect(changedSettings(before, next, base)).toEqual([
		['net.ipv4.conf.a.rp_filter', 0],
		['net.ipv4.conf.all.rp_filter', 1],
	]);
	expect(changedSettings(next, next, base)).toEqual([]);
	const forwarding = { 'net.ipv4.conf.a.forwarding': 0, 'net.ipv4.ip_forward': 1 };
	expect(inOrder(forwarding).map(([name]) => name)).toEqual([
		'net.ipv4.ip_forward',
		'net.ipv4.conf.a.forwarding',
	]);
	// Whatever was copied meanwhile: all are written again, from how they were.
	expect(changedSettings(forwarding, { 'net.ipv4.conf.a.forwarding': 0 }, new Map())).toEqual([
		['net.ipv4.ip_forward', 0],
		['net.ipv4.conf.a.forwarding', 0],
		['net.ipv4.conf.a.forwarding', 0],
	]);
});
