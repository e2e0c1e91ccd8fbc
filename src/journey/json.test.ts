import { expect, test } from 'vitest';
import { decided, dropped, forwarded, journey, sighting, vanished } from '../../test/support/journeys.ts';
import { journeyJson, outcomeJson } from './json.ts';

test('only a drop has a reason, a place and a cause', () => {
	expect(outcomeJson(dropped('NETFILTER_DROP', 'nf_hook_slow', 'netfilter'))).toEqual({
		outcome: 'dropped',
		reason: 'NETFILTER_DROP',
		where: 'nf_hook_slow',
		cause: 'netfilter',
	});
	for (const outcome of [forwarded, vanished]) {
		expect(outcomeJson(outcome)).toEqual({
			outcome: outcome.kind,
			reason: null,
			where: null,
			cause: null,
		});
	}
});

test('a journey survives JSON: the time as text, frames in hexadecimal, decisions as they are', () => {
	const fib = { result: 'success', device: 'veth1', mtu: 1500 } as const;
	const seen = [
		sighting({ frame: Uint8Array.of(1, 0x10, 0xff) }),
		decided('tc', { outcome: 'forwarded', fib }),
	];
	const json = journeyJson(journey(forwarded, seen));
	const back = JSON.parse(JSON.stringify(json));
	expect(back).toEqual(json);
	expect(back.sentAt).toBe('1700000000000000000');
	expect(back.sightings[0].frame).toBe('0110ff');
	expect(back.sightings[1].decision).toEqual({ outcome: 'forwarded', verdict: 0, fib });
});
