import { expect, test } from 'vitest';
import { cellOf, dropped, forwarded, journey, sighting, vanished } from '../../test/support/journeys.ts';
import { exampleScenario } from '../scenario/example.ts';
import type { Sighting } from './journey.ts';
import { endLines, journeyText, liveLines, sightingLine } from './text.ts';

const { frame } = exampleScenario(cellOf(), new Uint8Array(32)).packet;
const sent = sighting({ place: 'sent', device: 'host0', namespace: 'host', frame });

test('how it ended and why, folded', () => {
	expect(endLines(journey(forwarded), 'Why it was.')).toEqual(['            → forwarded: Why it was.']);
	const drop = journey(dropped('IP_RPFILTER', 'ip_rcv_finish_core', 'reverse-path'));
	expect(endLines(drop, 'Why.')).toEqual(['            → reverse-path: Why.']);
	const long = endLines(journey(vanished), 'some words '.repeat(30).trim());
	expect(long.length).toBeGreaterThan(2);
	for (const line of long) {
		expect(line.length).toBeLessThanOrEqual(100);
		expect(line.startsWith(' '.repeat(12))).toBe(true);
	}
	expect(long.join(' ').replace(/\s+/g, ' ').trim()).toBe(`→ vanished: ${'some words '.repeat(30).trim()}`);
});

test('a line has the time in microseconds, the device and what happened', () => {
	expect(sightingLine({ ...sent, after: 12_600 })).toBe('    +13 µs  host0  sent by the host');
});

test('what the packet caused is told by its own summary', () => {
	const line = sightingLine(sighting({ packet: false, place: 'transmit', device: 'veth1' }));
	expect(line).toMatch(/veth1 {2}.+: the stack transmits it$/);
});

/** The bytes of the dissection, as they stand in the rows of hexadecimal. */
function bytesShown(lines: readonly string[]): string {
	return lines.flatMap((line) => /^ {21}((?:[0-9a-f]{2} ?)+)$/.exec(line)?.[1] ?? []).join(' ');
}

function hexadecimal(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

test('the bytes shown are the frame, once for as long as it stays the same', () => {
	const again: Sighting = { ...sent, place: 'receive', device: 'veth0', namespace: 'router', after: 9000 };
	const lines = journeyText(journey(forwarded, [sent, again]), 'Why.');
	expect(bytesShown(lines)).toBe(hexadecimal(frame));
	expect(lines.at(-1)?.trim()).toBe('→ forwarded: Why.');
});

test('a frame that changed is shown again', () => {
	const changed = frame.slice();
	changed[21] = 63;
	const lines = journeyText(journey(forwarded, [sent, sighting({ frame: changed })]), '');
	expect(bytesShown(lines)).toBe(`${hexadecimal(frame)} ${hexadecimal(changed)}`);
});

test('the bytes of what the packet caused are not shown', () => {
	const caused = sighting({ packet: false });
	expect(bytesShown(journeyText(journey(forwarded, [sent, caused, sent]), ''))).toBe(hexadecimal(frame));
});

test('every header is named with the place it has in the frame', () => {
	const text = journeyText(journey(forwarded, [sent]), '').join('\n');
	for (const range of ['0-13', '14-53', '54-']) expect(text).toMatch(new RegExp(` ${range}`));
});

test('live, the frame is told in a line when it is another than before', () => {
	const first = liveLines(sent, '');
	expect(first.lines).toHaveLength(2);
	expect(liveLines(sent, first.frame).lines).toEqual([sightingLine(sent)]);
	const caused = sighting({ packet: false });
	expect(liveLines(caused, first.frame)).toEqual({ lines: [sightingLine(caused)], frame: first.frame });
});
