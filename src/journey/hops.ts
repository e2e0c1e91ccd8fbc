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
	'vlan-tag': "has a VLAN tag that is not the device's own: passed as it came",
	'other-host': "is not for the device's Ethernet address: passed as it came",
	'no-decapsulation': 'is to an address where tunnels end, but of none of them: passed as it came',
	'outer-fragment': 'is a fragment of an encapsulated packet: passed as it came',
	'outer-options': 'its outer header has options or flags that are not understood: passed as it came',
	'inner-not-ip': 'what it carries is not IP: passed as it came',
	'handed-over-egress': 'XDP cannot send by the egress device: passed as it came, for TC to take',
	'handed-over-refresh': 'it is time to see whether the next hop is there: passed as it came, for TC to take',
	'handed-over-answer': 'is too big: passed as it came, for TC to answer the sender',
	'handed-over-checksum': 'its checksum is not finished: passed as it came, for TC to take',
	'decapsulated-to-stack': 'decapsulated, passed up the stack',
	decapsulated: 'decapsulated, redirected',
	'decapsulated-neighbour': 'decapsulated, given to the kernel to resolve the next hop and send',
	relayed: 'decapsulated, encapsulated again, redirected',
	'relayed-neighbour':
		'decapsulated, encapsulated again, given to the kernel to resolve the next hop and send',
	'too-big-answered': "dropped: longer than the route's MTU; the sender was told",
	'too-big-limited': "dropped: longer than the route's MTU; too many senders were told lately",
	'too-big-no-df': "dropped: longer than the route's MTU, and without DF, but it is not fragmented here",
	'egress-refused': 'dropped: packets may not leave by the egress device',
	loop: "dropped: already in this tunnel's outer header",
	offload: 'dropped: merged or prepared for offload in a way that cannot be encapsulated',
	segmented: 'cut into its segments, each of which comes in again',
	'inner-malformed': 'dropped: the inner IP header contradicts itself',
	'inner-link-local': 'dropped: the inner addresses never leave a link',
	'inner-congested': 'dropped: congestion was marked on the way, of which the inner sender does not know',
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
