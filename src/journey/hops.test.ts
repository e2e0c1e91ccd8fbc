import { expect, test } from 'vitest';
import { decided, sighting } from '../../test/support/journeys.ts';
import { outcomes, places } from '../datapath/layout.ts';
import { describeOutcome, describeSighting } from './hops.ts';
import type { Place } from './journey.ts';

test('every outcome has words of its own', () => {
	const words = outcomes.map(describeOutcome);
	expect(words.every((text) => text.length > 0)).toBe(true);
	expect(new Set(words).size).toBe(outcomes.length);
});

test('every place has words of its own', () => {
	const all: readonly Place[] = ['sent', ...places];
	const words = all.map((place) => describeSighting(sighting({ place })));
	expect(words.every((text) => text.length > 0)).toBe(true);
	expect(new Set(words).size).toBe(all.length);
});

test('a decision: what, and what the FIB said with its device and MTU', () => {
	const fib = { result: 'success', device: 'veth1', mtu: 1500 } as const;
	expect(describeSighting(decided('xdp', { outcome: 'forwarded', fib }))).toBe(
		'XDP program: encapsulated, redirected (FIB: success, veth1, MTU 1500)',
	);
	expect(describeSighting(decided('tc', { outcome: 'forwarded', fib: { ...fib, mtu: 0 } }))).toBe(
		'TC program: encapsulated, redirected (FIB: success, veth1)',
	);
	expect(describeSighting(decided('tc', { outcome: 'not-ip' }))).toBe(
		'TC program: is not IP: passed as it came',
	);
});

test('a drop: the reason and the place', () => {
	const drop = { reason: 'IP_RPFILTER', where: 'ip_rcv_finish_core' };
	expect(describeSighting(sighting({ place: 'drop', drop }))).toBe(
		'dropped: IP_RPFILTER at ip_rcv_finish_core',
	);
});
