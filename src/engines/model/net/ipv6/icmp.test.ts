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
import { encodeIcmpv6 } from '../../../../packet/icmpv6.ts';
import { encodeIpv6 } from '../../../../packet/ipv6.ts';
import { encodeIpv6Extensions } from '../../../../packet/ipv6-extension.ts';
import { etherType, ipProtocol } from '../../../../packet/protocol.ts';
import type { Route, Rule } from '../../../../scenario/scenario.ts';

const from = 'fc00::1';
const elsewhere = '2001:db8::1';
const start: readonly Rule[] = [
	{ family: 'ipv6', priority: 0, action: 'lookup', table: 255 },
	{ family: 'ipv6', priority: 9, action: 'lookup', table: 254 },
];
const refuse = (source: string): RouterOptions => ({
	rules: [{ family: 'ipv6', priority: 1, action: 'prohibit', iif: 'lo', from: source }, ...start],
});

/** The ICMPv6 error that a packet causes: `1/0`; none: ''. */
function errorOf(packet: Parameters<typeof send>[0], options: RouterOptions = {}): string {
	const { icmp } = send(packet, options).traces ?? {};
	return icmp === undefined ? '' : `${icmp.type}/${icmp.code}`;
}

test('an error comes from an address that fits where the packet came in', () => {
	expect(errorOf({ from, to: elsewhere })).toBe('1/0');
	expect(errorOf({ from, to: elsewhere }, refuse('fc00::2/128'))).toBe('');
	// Neither from the packet’s destination nor from another device’s.
	expect(errorOf({ from, to: elsewhere }, refuse('2001:db8::/32'))).toBe('1/0');
	expect(errorOf({ from, to: elsewhere }, refuse('fc00:0:0:1::/64'))).toBe('1/0');
});

test('an error about what the host itself was sent comes from the address it was sent to', () => {
	expect(errorOf({ from, to: 'fc00:0:0:1::2' })).toBe('1/4');
	expect(errorOf({ from, to: 'fc00:0:0:1::2' }, refuse('fc00:0:0:1::2/128'))).toBe('');
	expect(errorOf({ from, to: 'fc00:0:0:1::2' }, refuse('fc00::2/128'))).toBe('1/4');
});

test('a route’s preferred source comes before, and so did, before Linux 5.11, what fits the way back', () => {
	const back: Route = {
		family: 'ipv6',
		destination: '2001:db8:1::/48',
		nextHops: [{ device: 'veth1', via: 'fc00:0:0:1::1' }],
	};
	const packet = { from: '2001:db8:1::1', to: elsewhere };
	const near = { ...refuse('fc00::2/128'), routes: [back] };
	expect(errorOf(packet, near)).toBe('');
	expect(errorOf(packet, { ...near, kernel: '5.10.0' })).toBe('1/0');
	expect(errorOf(packet, { ...near, routes: [{ ...back, source: 'fc00:0:0:1::2' }] })).toBe('1/0');
});

test('a way back for some sources only is none for others', () => {
	const back = (source: string): RouterOptions => ({
		routes: [
			{
				family: 'ipv6',
				destination: '2001:db8:1::/48',
				from: source,
				nextHops: [{ device: 'veth0', via: from }],
			},
		],
	});
	const packet = { from: '2001:db8:1::1', to: 'fc00::2' };
	expect(errorOf(packet, back('fc00::/64'))).toBe('1/4');
	expect(errorOf(packet, back('2001:db8::/48'))).toBe('');
});

test('to a link-local address an error goes by the device that the packet came in by, or not at all', () => {
	const local = { rules: start.slice(0, 1) };
	expect(errorOf({ from: 'fe80::9', to: elsewhere })).toBe('1/0');
	expect(errorOf({ from: 'fe80::9', to: elsewhere }, local)).toBe('');
	// The other device’s own address is no way back.
	expect(errorOf({ from: 'fe80::ff:fe00:102', to: elsewhere }, local)).toBe('');
});

test.each([
	[1, ''],
	[128, '1/0'],
])('behind extension headers, type %i', (type, error) => {
	const ends = { source: addressBytes(from), destination: addressBytes(elsewhere) };
	const chain = encodeIpv6Extensions({
		extensions: [{ type: 'destination options', body: Uint8Array.of(1, 4, 0, 0, 0, 0) }],
		protocol: ipProtocol.icmpv6,
		payload: encodeIcmpv6({ type, code: 0, rest: 0 }, new Uint8Array(48), ends),
	});
	const frame = encodeEthernet(
		{ destination: macBytes(routerMac.veth0), source: new Uint8Array(6), etherType: etherType.ipv6 },
		encodeIpv6({ hopLimit: 64, nextHeader: chain.nextHeader, ...ends }, chain.payload),
	);
	const { icmp } = sendFrame(frame).traces ?? {};
	expect(icmp === undefined ? '' : `${icmp.type}/${icmp.code}`).toBe(error);
});

test('an echo to an anycast address is answered by the device it came in by, or not at all', () => {
	const ends = { source: addressBytes('2001:db8:1::1'), destination: addressBytes('fc00:0:0:1::') };
	const echo = encodeIcmpv6({ type: 128, code: 0, rest: 0 }, new Uint8Array(8), ends);
	const frame = encodeEthernet(
		{ destination: macBytes(routerMac.veth0), source: new Uint8Array(6), etherType: etherType.ipv6 },
		encodeIpv6({ hopLimit: 64, nextHeader: ipProtocol.icmpv6, ...ends }, echo),
	);
	const end = (device: string): string => {
		const routes = [{ family: 'ipv6', destination: '2001:db8:1::/48', nextHops: [{ device }] }] as const;
		return endOf(sendFrame(frame, { routes }));
	};
	expect(end('veth0')).toBe('delivered veth0');
	expect(end('veth1')).toBe('NOT_SPECIFIED icmpv6_rcv no-route');
});
