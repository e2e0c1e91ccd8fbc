import { expect, test } from 'vitest';
import {
	cellOf,
	decided,
	dropped,
	forwarded,
	ipFrame,
	journey,
	sighting,
	vanished,
} from '../../test/support/journeys.ts';
import type { Choice } from '../lab/cells.ts';
import { exampleScenario } from '../scenario/example.ts';
import { explainJourney } from './explanation.ts';
import type { Outcome, Sighting } from './journey.ts';

function explain(choice: Choice, outcome: Outcome, sightings: readonly Sighting[]): string {
	return explainJourney(exampleScenario(cellOf(choice), new Uint8Array(8)), journey(outcome, sightings));
}

function dropSighting(source: string): Sighting {
	return sighting({
		place: 'drop',
		frame: ipFrame(source, '10.11.2.1'),
		drop: { reason: 'X', where: 'ip_rcv_finish_core' },
	});
}

const localSource = dropped('IP_LOCAL_SOURCE', 'ip_rcv_finish_core', 'source-is-local');
const reversePath = dropped('IP_RPFILTER', 'ip_rcv_finish_core', 'reverse-path');

test('a local source: whose address it is, and the sysctl that forbids it', () => {
	expect(explain({}, localSource, [dropSighting('10.11.2.2')])).toBe(
		"ip_rcv_finish_core takes 10.11.2.2 for a forged source: it is the router's own address, on veth1, and accept_local is 0 on veth0.",
	);
});

test.each([
	[1, '10.11.2.2', 'must lead out of veth0: the address is on veth1.'],
	[1, '10.11.2.77', 'must lead out of veth0: it leads out of veth1.'],
	[1, '192.0.2.1', 'must lead out of veth0: there is none.'],
	[2, '192.0.2.1', 'there must be some way back to 192.0.2.1: there is none.'],
] as const)('the reverse path with rp_filter=%i from %s', (rpFilter, source, end) => {
	const text = explain({ rpFilter: [rpFilter] }, reversePath, [dropSighting(source)]);
	expect(text.startsWith(`With rp_filter=${rpFilter} on veth0, `), text).toBe(true);
	expect(text.endsWith(end), text).toBe(true);
	expect(text).toContain(source);
});

test("the greater of the device's rp_filter and that of all counts", () => {
	const scenario = exampleScenario(cellOf({ rpFilter: [0] }), new Uint8Array(8));
	const sysctls = { ...scenario.router.sysctls, 'net.ipv4.conf.all.rp_filter': 2 };
	const text = explainJourney(
		{ ...scenario, router: { ...scenario.router, sysctls } },
		journey(reversePath, [dropSighting('192.0.2.1')]),
	);
	expect(text).toContain('rp_filter=2');
});

test('any other cause: where, from whom, and what the cause means', () => {
	const drop = dropped('IP_INNOROUTES', 'ip_error', 'no-route');
	expect(explain({}, drop, [dropSighting('10.11.2.2')])).toBe(
		'ip_error dropped the packet from 10.11.2.2: no route to the destination.',
	);
	expect(explain({}, drop, [])).toBe('ip_error dropped the packet: no route to the destination.');
	const arp = sighting({ place: 'drop', frame: new Uint8Array(60) });
	expect(explain({}, drop, [arp])).toBe('ip_error dropped the packet: no route to the destination.');
});

test('a decision of the datapath to drop', () => {
	const outcome: Outcome = {
		kind: 'dropped',
		by: 'datapath',
		reason: 'too-big',
		where: 'xdp',
		cause: 'too-big',
	};
	expect(explain({}, outcome, [])).toBe(
		'The datapath at xdp dropped the packet (too-big): longer than the MTU, and not to be fragmented.',
	);
});

test('vanished says how long was waited, and guesses nothing', () => {
	expect(explain({}, vanished, [])).toContain('for 5000 ms');
});

const fib = { result: 'success', device: 'veth1', mtu: 1500 } as const;

test('redirected by the FIB', () => {
	expect(
		explain({ forwarding: ['fib'] }, forwarded, [decided('xdp', { outcome: 'forwarded', fib })]),
	).toMatch(
		/^The FIB named veth1 and the datapath redirected the packet there: it never entered the IP input path/,
	);
});

test('an unknown next hop: who had it resolved', () => {
	const resolved = decided('tc', { outcome: 'forwarded-neighbour', fib: { ...fib, result: 'no-neigh' } });
	const handed = decided('xdp', { outcome: 'handed-over', fib: { ...fib, result: 'no-neigh' } });
	const end = 'had the kernel resolve it and send the packet';
	expect(explain({ forwarding: ['fib'] }, forwarded, [resolved])).toContain(
		`The FIB named veth1 but its next hop was unknown: TC ${end}`,
	);
	expect(explain({ forwarding: ['fib'] }, forwarded, [handed, resolved])).toContain(
		`The FIB named veth1 but its next hop was unknown: XDP left the packet to TC, which ${end}`,
	);
});

test.each([
	['10.11.2.2', 0, 'accept_local=1 lets 10.11.2.2 in', 'rp_filter=0 asks for no way back.'],
	['10.11.2.2', 2, 'accept_local=1 lets 10.11.2.2 in', 'with any way back: the address is on veth1.'],
	['10.11.2.77', 0, "10.11.2.77 is not an address of the router's own", 'rp_filter=0 asks for no way back.'],
	['10.11.2.77', 2, "10.11.2.77 is not an address of the router's own", 'it leads out of veth1.'],
	['10.11.1.9', 1, "10.11.1.9 is not an address of the router's own", 'finds the way back out of veth0.'],
] as const)('passed up the stack from %s with rp_filter=%i', (source, rpFilter, start, end) => {
	const sent = decided('xdp', { outcome: 'to-stack' }, ipFrame(source, '10.11.2.1'));
	const text = explain({ rpFilter: [rpFilter], acceptLocal: [1] }, forwarded, [sent]);
	expect(text.startsWith(start), text).toBe(true);
	expect(text.endsWith(end), text).toBe(true);
});

test('passed up the stack in IPv6: no validation', () => {
	const sent = decided('tc', { outcome: 'to-stack' }, ipFrame('fc00::1', 'fc00::2'));
	expect(explain({ outer: ['ipv6'] }, forwarded, [sent])).toMatch(/^IPv6 has no source validation/);
});

test('without a decision, or with a frame that cannot be read, nothing is claimed', () => {
	expect(explain({}, forwarded, [])).toBe('The kernel forwarded the packet as it came.');
	expect(explain({}, forwarded, [decided('xdp', { outcome: 'no-tunnel' })])).toBe(
		'The kernel forwarded the packet as it came.',
	);
	expect(explain({}, forwarded, [decided('xdp', { outcome: 'to-stack' }, new Uint8Array(20))])).toBe(
		'The kernel forwarded the packet.',
	);
});
