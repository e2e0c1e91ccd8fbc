import { expect, test } from 'vitest';
import { decided, forwarded, journey, sighting } from '../../test/support/journeys.ts';
import { captureOf } from './capture.ts';

const way = journey(forwarded, [
	sighting({ place: 'sent', device: 'host0', namespace: 'host' }),
	{ ...decided('xdp', { outcome: 'to-stack', verdict: 2 }), after: 1 },
	{ ...decided('tc', { outcome: 'no-room', verdict: 2 }), after: 2 },
	sighting({ place: 'transmit', device: 'veth1', after: 1234 }),
	sighting({ place: 'drop', drop: { reason: 'IP_RPFILTER', where: 'here' }, length: 1500, after: 2000 }),
	sighting({ place: 'arrived', device: 'host1', namespace: 'host', after: 3000 }),
]);

test('devices are interfaces, each once, with their namespace', () => {
	const { interfaces, packets } = captureOf('x', [
		{ title: 'one', journey: way },
		{ title: 'two', journey: { ...way, sentAt: way.sentAt + 10_000n } },
	]);
	expect(interfaces).toEqual([
		{ name: 'host0', description: 'host namespace' },
		{ name: 'veth0', description: 'router namespace' },
		{ name: 'veth1', description: 'router namespace' },
		{ name: 'host1', description: 'host namespace' },
	]);
	expect(packets.map((packet) => packet.interface)).toEqual([0, 1, 1, 2, 1, 3, 0, 1, 1, 2, 1, 3]);
});

test('each packet has its time, whole length, direction, verdict and comment', () => {
	const { packets, application, os } = captureOf('app 1', [{ title: 'one', journey: way }]);
	expect({ application, os }).toEqual({ application: 'app 1', os: 'Linux 6.1.0' });
	expect(packets.map(({ direction }) => direction)).toEqual([
		'outbound',
		'inbound',
		'inbound',
		'outbound',
		'inbound',
		'inbound',
	]);
	expect(packets.map(({ verdict }) => verdict)).toEqual([
		undefined,
		{ hook: 'xdp', action: 2 },
		{ hook: 'tc', action: 2 },
		undefined,
		undefined,
		undefined,
	]);
	expect(packets[3]).toMatchObject({
		timestamp: way.sentAt + 1234n,
		comment: 'one: the stack transmits it',
	});
	expect(packets[4]).toMatchObject({ comment: 'one: dropped: IP_RPFILTER at here', length: 1500 });
});

test('packets are in the order of time, whatever order the journeys are told in', () => {
	const later = { ...way, sentAt: way.sentAt + 10_000n };
	const { packets } = captureOf('x', [
		{ title: 'later', journey: later },
		{ title: 'sooner', journey: way },
	]);
	const times = packets.map(({ timestamp }) => timestamp);
	expect(times).toEqual(times.toSorted((a, b) => Number(a - b)));
	expect(packets[0]?.comment).toMatch(/^sooner: /);
});

test('no journey is an empty capture', () => {
	expect(captureOf('x', [])).toMatchObject({ interfaces: [], packets: [] });
});
