/** A sighting's place in words, for people. */
import type { DatapathOutcome } from './cause.ts';
import type { Place, Sighting } from './journey.ts';

const places: Readonly<Record<Place, string>> = {
	sent: 'sent by the host',
	'xdp-in': 'XDP program gets it',
	'xdp-out': 'XDP program',
	'tc-in': 'TC program gets it',
	'tc-out': 'TC program',
	receive: 'the stack receives it',
	transmit: 'the stack transmits it',
	drop: 'dropped',
	arrived: 'arrived at the far end',
	delivered: "taken by a protocol of the router's own",
};

const outcomes: Readonly<Record<DatapathOutcome, string>> = {
	'not-ip': 'is not IP: passed as it came',
	malformed: 'its IP header contradicts itself: passed as it came',
	'link-local': 'never leaves its link: passed as it came',
	'neighbour-discovery': 'is neighbour discovery: passed as it came',
	'no-tunnel': 'no tunnel matches: passed as it came',
	'hop-limit': 'its hop limit would run out: passed to the stack to answer',
	'handed-over': 'next hop unknown: passed as it came, for TC to take',
	'to-stack': 'encapsulated, passed up the stack',
	forwarded: 'encapsulated, redirected',
	'forwarded-neighbour': 'encapsulated, given to the kernel to resolve the next hop and send',
	'route-blackhole': 'dropped: a blackhole route',
	'route-unreachable': 'dropped: an unreachable route',
	'route-prohibit': 'dropped: a prohibit route',
	'not-forwarded': "dropped: no route to the tunnel's destination, or it is this host",
	'forwarding-off': 'dropped: forwarding is off on the device',
	'route-tunnel': 'dropped: the route has a lightweight tunnel of its own',
	'too-big': "dropped: longer than the route's MTU once encapsulated",
	'no-source': 'dropped: the FIB found no source address',
	'fib-error': 'dropped: the FIB lookup failed',
	'no-room': 'dropped: no room for the outer header',
	'no-checksum': 'dropped: the bytes that the UDP checksum covers are out of reach',
};

/** What an outcome of the datapath means. */
export function describeOutcome(outcome: DatapathOutcome): string {
	return outcomes[outcome];
}

/** What was seen, in a few words: `XDP program: encapsulated, redirected (FIB: success, veth1)`. */
export function describeSighting({ place, decision, drop }: Sighting): string {
	if (drop !== undefined) return `dropped: ${drop.reason} at ${drop.where}`;
	if (decision === undefined) return places[place];
	const { fib } = decision;
	const mtu = fib === undefined || fib.mtu === 0 ? '' : `, MTU ${fib.mtu}`;
	const asked = fib === undefined ? '' : ` (FIB: ${fib.result}, ${fib.device}${mtu})`;
	return `${places[place]}: ${outcomes[decision.outcome]}${asked}`;
}
