import { expect, test } from 'vitest';
import { dropped, forwarded, labResult, sighting, vanished } from '../../test/support/journeys.ts';
import { chooseCells } from './cells.ts';
import { expectOutcome, labCapture, labJourneys } from './report.ts';
import type { LabResult } from './run.ts';
import { cellTitle } from './title.ts';

const cells = chooseCells({ hook: ['xdp'], outer: ['ipv4'], forwarding: ['stack'], neighbour: ['known'] });
const drop = dropped('IP_RPFILTER', 'ip_rcv_finish_core', 'reverse-path');
const mixed = labResult(cells, ({ rpFilter }) => (rpFilter === 1 ? drop : forwarded));

test('an expectation that is met says nothing', () => {
	expect(() =>
		expectOutcome(
			labResult(cells, () => forwarded),
			'forwarded',
		),
	).not.toThrow();
	expect(() =>
		expectOutcome(
			labResult(cells, () => drop),
			'dropped',
		),
	).not.toThrow();
});

test('an expectation that is not met says how many were not, and which was the first', () => {
	const first = mixed.cells.find(({ cell }) => cell.rpFilter === 1);
	expect(() => expectOutcome(mixed, 'forwarded')).toThrow(
		expect.objectContaining({
			code: 'EF_EXPECTATION',
			message: `expected every packet to be forwarded, but 6 of 18 were not; the first: ${first && cellTitle(first.cell)} was dropped`,
		}),
	);
	expect(() => expectOutcome(mixed, 'dropped')).toThrow('but 12 of 18 were not');
	expect(() =>
		expectOutcome(
			labResult(cells, () => vanished),
			'dropped',
		),
	).toThrow('was vanished');
});

test('titles tell all cells apart', () => {
	const all = chooseCells({ inner: ['ipv4', 'ipv6'] });
	expect(new Set(all.map(cellTitle)).size).toBe(576);
});

function withSightings(): LabResult {
	const sightings = [
		sighting({ place: 'sent', device: 'host0', namespace: 'host' }),
		sighting({ after: 5000 }),
	];
	return {
		...mixed,
		cells: mixed.cells.map((tried) => ({ ...tried, journey: { ...tried.journey, sightings } })),
	};
}

test("every packet's way is told under its cell's title, and ends with the explanation", () => {
	const lines = labJourneys(withSightings());
	for (const { cell, explanation } of mixed.cells) {
		const start = lines.indexOf(cellTitle(cell));
		const end = lines.indexOf('', start);
		expect(start).toBeGreaterThanOrEqual(0);
		const way = lines.slice(start, end);
		expect(way.some((line) => line.includes('sent by the host'))).toBe(true);
		expect(way.at(-1)?.trim()).toMatch(/^→ (forwarded|reverse-path): /);
		expect(way.at(-1)).toContain(explanation);
	}
});

test('every frame seen is in the capture', () => {
	const capture = Buffer.from(labCapture(withSightings(), 'encap-forward 0.0.0'));
	const enhancedPacketBlocks = [];
	for (let at = 0; at < capture.length; at += capture.readUInt32LE(at + 4)) {
		if (capture.readUInt32LE(at) === 6) enhancedPacketBlocks.push(at);
	}
	expect(enhancedPacketBlocks).toHaveLength(cells.length * 2);
	expect(capture.includes('encap-forward 0.0.0')).toBe(true);
});
