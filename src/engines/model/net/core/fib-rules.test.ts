import { expect, test } from 'vitest';
import { endOf, send } from '../../../../../test/support/router.ts';
import type { Route, Rule } from '../../../../scenario/scenario.ts';

/** Table 100 leads out of veth1, main out of veth0. */
const routes: readonly Route[] = [
	{
		family: 'ipv4',
		destination: '198.51.100.0/24',
		table: 100,
		nextHops: [{ device: 'veth1', via: '10.0.1.1' }],
	},
	{ family: 'ipv4', destination: '0.0.0.0/0', nextHops: [{ device: 'veth0', via: '10.0.0.1' }] },
];

const start: readonly Rule[] = [
	{ family: 'ipv4', priority: 0, action: 'lookup', table: 255 },
	{ family: 'ipv4', priority: 32766, action: 'lookup', table: 254 },
	{ family: 'ipv4', priority: 32767, action: 'lookup', table: 253 },
];

function by(rule: Partial<Rule>, ...more: readonly Partial<Rule>[]): string {
	const rules = [rule, ...more].map(
		(each, index): Rule => ({ family: 'ipv4', priority: 100 + index, action: 'lookup', table: 100, ...each }),
	);
	return endOf(
		send(
			{ from: '10.0.0.1', to: '198.51.100.1', tos: 0x10 },
			{ routes, rules: [...start, ...rules], mark: 5 },
		),
	);
}

const matched = 'forwarded host1';
const not = 'forwarded host0';

test.each([
	['everything', {}, matched],
	['its source', { from: '10.0.0.0/24' }, matched],
	['another source', { from: '10.0.1.0/24' }, not],
	['its destination', { to: '198.51.100.0/24' }, matched],
	['its device', { iif: 'veth0' }, matched],
	['another device', { iif: 'veth1' }, not],
	['an egress device, which is not known yet', { oif: 'veth1' }, not],
	['its mark', { mark: 5 }, matched],
	['its mark under a mask', { mark: 1, markMask: 3 }, matched],
	['another mark', { mark: 4 }, not],
	['its TOS', { tos: 0x10 }, matched],
	['another TOS', { tos: 0x08 }, not],
	['its protocol', { protocol: 17 }, matched],
	['another protocol', { protocol: 6 }, not],
	['its ports', { sourcePorts: [1000, 1300], destinationPorts: [4321, 4321] }, matched],
	['other ports', { destinationPorts: [53, 53] }, not],
	['all but its source', { from: '10.0.0.0/24', invert: true }, not],
	['all but another source', { from: '10.0.1.0/24', invert: true }, matched],
	['a table that there is not', { table: 77 }, not],
	['with what is too short suppressed', { suppressPrefixLength: 24 }, not],
	['with what is shorter suppressed', { suppressPrefixLength: 23 }, matched],
	['nothing to be done', { action: 'nop' }, not],
	['unreachable', { action: 'unreachable' }, 'IP_INNOROUTES ip_error no-route'],
	['prohibit', { action: 'prohibit' }, 'NOT_SPECIFIED ip_error route-prohibit'],
	['blackhole', { action: 'blackhole' }, 'NOT_SPECIFIED ip_error route-blackhole'],
	['a way to go on that there is not', { action: 'goto', goto: 999 }, not],
] as const satisfies readonly [string, Partial<Rule>, string][])('a rule for %s', (_, rule, end) => {
	expect(by(rule)).toBe(end);
});

test('goto passes over what is between', () => {
	expect(by({ action: 'goto', goto: 102 }, { action: 'prohibit' }, {})).toBe(matched);
});

test('rules are asked by priority, whatever their order', () => {
	expect(by({ priority: 200, action: 'prohibit' }, { priority: 150 })).toBe(matched);
});

test('without any rule ever, the longest prefix of local and main counts; else local goes before', () => {
	const split: readonly Route[] = [
		{ family: 'ipv4', destination: '198.51.100.0/24', type: 'local', table: 255 },
		{ family: 'ipv4', destination: '198.51.100.1/32', nextHops: [{ device: 'veth1', via: '10.0.1.1' }] },
	];
	const packet = { from: '10.0.0.1', to: '198.51.100.1' };
	expect(endOf(send(packet, { routes: split }))).toBe('forwarded host1');
	expect(endOf(send(packet, { routes: split, everHadRules: true }))).toMatch(/^NO_SOCKET/);
});
