import { expect, test } from 'vitest';
import { addressBytes } from '../../../../../test/support/journeys.ts';
import {
	endOf,
	macBytes,
	type RouterOptions,
	routerMac,
	send,
	sendFrame,
} from '../../../../../test/support/router.ts';
import { encodeEthernet } from '../../../../packet/ethernet.ts';
import { encodeIpv4 } from '../../../../packet/ipv4.ts';
import { etherType, ipProtocol } from '../../../../packet/protocol.ts';
import type { Rule } from '../../../../scenario/scenario.ts';

const ends = { source: addressBytes('10.0.0.1'), destination: addressBytes('10.0.0.2') };
const timeout = 'FRAG_REASM_TIMEOUT ip_expire reassembly-timeout';
const cutShort = 'NOT_SPECIFIED ip_defrag truncated';

/** A fragment to the router, and how much of it is kept until the others come. */
test.each([
	[0, 64, true, timeout, 64],
	[0, 61, true, timeout, 56],
	[8, 61, true, 'vanished', undefined],
	[8, 61, false, 'vanished', undefined],
	[0, 7, true, cutShort, undefined],
	[8, 7, true, cutShort, undefined],
	[8, 7, false, 'vanished', undefined],
	[8, 0, false, cutShort, undefined],
] as const)('a fragment at %i of %i bytes, more: %s', (fragmentOffset, bytes, moreFragments, end, kept) => {
	const packet = encodeIpv4(
		{ ttl: 64, protocol: ipProtocol.udp, ...ends, fragmentOffset, moreFragments },
		new Uint8Array(bytes).fill(0xa5),
	);
	const frame = encodeEthernet(
		{ destination: macBytes(routerMac.veth0), source: new Uint8Array(6), etherType: etherType.ipv4 },
		packet,
	);
	const journey = sendFrame(frame);
	expect(endOf(journey)).toBe(end);
	const last = journey.sightings.at(-1);
	if (kept !== undefined) expect(last?.frame).toHaveLength(14 + 20 + kept);
});

test('what comes to the host is answered from the address it came to, if that is one to send from', () => {
	const icmpOf = (to: string, options: RouterOptions = {}): string => {
		const { icmp } = send({ from: '10.0.0.1', to }, options).traces ?? {};
		return icmp === undefined ? '' : `${icmp.type}/${icmp.code}`;
	};
	expect(icmpOf('10.0.1.2')).toBe('3/3');
	const local = { family: 'ipv4', destination: '192.0.2.0/24', type: 'local' } as const;
	const routes = [{ ...local, nextHops: [{ device: 'veth0' }] }];
	expect(icmpOf('192.0.2.9', { routes })).toBe('3/3');
	// With rules, main is a table of its own: an address of the host's alone, or of the table local, is sent from.
	expect(icmpOf('192.0.2.9', { routes, everHadRules: true })).toBe('');
	expect(icmpOf('192.0.2.9', { routes: [{ ...routes[0], ...local, table: 255 }], everHadRules: true })).toBe(
		'3/3',
	);
});

test('the way back of what comes to the host is asked for from its own address', () => {
	const start: readonly Rule[] = [
		{ family: 'ipv4', priority: 0, action: 'lookup', table: 255 },
		{ family: 'ipv4', priority: 9, action: 'lookup', table: 254 },
	];
	const refuse = (from: string): RouterOptions => ({
		rules: [
			...start.slice(0, 1),
			{ family: 'ipv4', priority: 1, action: 'prohibit', iif: 'lo', from },
			...start.slice(1),
		],
	});
	const { icmp } = send({ from: '10.0.0.1', to: '10.0.1.2' }, refuse('10.0.1.2/32')).traces ?? {};
	expect(icmp).toBeUndefined();
	expect(send({ from: '10.0.0.1', to: '10.0.1.2' }, refuse('10.0.0.2/32')).traces?.icmp).toMatchObject({
		type: 3,
		code: 3,
	});
});
