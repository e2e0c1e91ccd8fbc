import { expect, test } from 'vitest';
import { cellOf, dropped, forwarded, labResult, sighting, vanished } from '../../test/support/journeys.ts';
import { acceptLocalSysctl } from '../scenario/example.ts';
import { chooseCells } from './cells.ts';
import { labJson } from './json.ts';
import type { LabResult } from './run.ts';

function example(): LabResult {
	const cell = cellOf({ hook: ['xdp'], outer: ['ipv4'], forwarding: ['stack'], rpFilter: [0] });
	const result = labResult([cell], () => dropped('IP_LOCAL_SOURCE', 'ip_rcv_finish_core', 'source-is-local'));
	const fix = [{ sysctl: acceptLocalSysctl, from: 0, to: 1 }];
	const cells = result.cells.map((tried) => ({
		...tried,
		journey: { ...tried.journey, sightings: [sighting({ frame: Uint8Array.of(0, 15, 255), after: 12 })] },
		fix,
	}));
	return { ...result, cells };
}

test('the shape is the documented one, member by member', () => {
	expect(JSON.stringify(labJson(example()))).toBe(
		'{"engine":"linux","kernel":"6.1.0","elapsedMs":1234,"cells":[{"hook":"xdp","outer":"ipv4","inner":"ipv6",' +
			'"forwarding":"stack","source":"local","rpFilter":0,"acceptLocal":0,"neighbour":"known",' +
			'"outcome":"dropped","reason":"IP_LOCAL_SOURCE","where":"ip_rcv_finish_core","cause":"source-is-local",' +
			'"explanation":"What became of the packet: dropped.",' +
			'"fix":[{"sysctl":"net.ipv4.conf.veth0.accept_local","from":0,"to":1}]}]}',
	);
});

test('what was not dropped has no reason, place or cause', () => {
	for (const outcome of [forwarded, vanished]) {
		const [cell] = labJson(labResult([cellOf()], () => outcome)).cells;
		expect(cell).toMatchObject({ outcome: outcome.kind, reason: null, where: null, cause: null, fix: [] });
	}
});

test('journeys are there when asked for, frames in hexadecimal, times as text', () => {
	const { cells } = labJson(example(), { journeys: true });
	const journey = JSON.parse(JSON.stringify(cells[0]?.journey));
	expect(journey.sentAt).toBe('1700000000000000000');
	expect(journey.sightings).toMatchObject([{ place: 'receive', after: 12, frame: '000fff', packet: true }]);
	expect(labJson(example()).cells[0]).not.toHaveProperty('journey');
});

test('every cell of the table is in it, in order', () => {
	const cells = chooseCells();
	expect(labJson(labResult(cells, () => forwarded)).cells).toMatchObject(cells);
});
