import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
	anyLabResult,
	cellOf,
	dropped,
	forwarded,
	labResult,
	vanished,
} from '../../test/support/journeys.ts';
import type { Outcome } from '../journey/journey.ts';
import type { Cell } from '../scenario/example.ts';
import { chooseCells } from './cells.ts';
import { changes } from './fix.ts';
import { labText, type Style } from './table.ts';

const localSource = dropped('IP_LOCAL_SOURCE', 'ip_rcv_finish_core', 'source-is-local');

/** The kernel's rule for the example's own source. */
function example({ outer, forwarding, acceptLocal }: Cell): Outcome {
	return outer === 'ipv6' || forwarding === 'fib' || acceptLocal === 1 ? forwarded : localSource;
}

test('no line is longer than 100 columns', () => {
	fc.assert(
		fc.property(anyLabResult, (result) => {
			for (const line of labText(result)) expect(line.length, line).toBeLessThanOrEqual(100);
		}),
		{ numRuns: 100 },
	);
});

test('the whole table of the example fits 100 columns', () => {
	const lines = labText(labResult(chooseCells(), example));
	for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(100);
});

test('what always works is one line, and its cells are not in the table', () => {
	const text = labText(labResult(chooseCells(), example)).join('\n');
	expect(text).toContain('Always forwarded: outer ipv6 (144 cells), forwarding fib (144 cells).');
	const rows = text.split('\n').filter((line) => /^(local|other-device|unrouted) /.test(line));
	expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
		['local', '0', '✗ IP_LOCAL_SOURCE', '✗ IP_LOCAL_SOURCE', '✗ IP_LOCAL_SOURCE'],
		['local', '1', '✓ forwarded', '✓ forwarded', '✓ forwarded'],
		['other-device', '0', '✗ IP_LOCAL_SOURCE', '✗ IP_LOCAL_SOURCE', '✗ IP_LOCAL_SOURCE'],
		['other-device', '1', '✓ forwarded', '✓ forwarded', '✓ forwarded'],
		['unrouted', '0', '✗ IP_LOCAL_SOURCE', '✗ IP_LOCAL_SOURCE', '✗ IP_LOCAL_SOURCE'],
		['unrouted', '1', '✓ forwarded', '✓ forwarded', '✓ forwarded'],
	]);
});

test('every cell that was not forwarded is found in the table under its own values', () => {
	fc.assert(
		fc.property(anyLabResult, (result) => {
			const lines = labText(result);
			const marks = lines.filter((line) => / {2}[✗?] |^[✗?] /.test(line));
			const lost = result.cells.filter(({ journey }) => journey.outcome.kind !== 'forwarded');
			expect(marks.length > 0).toBe(lost.length > 0);
			for (const { journey } of lost) {
				const { outcome } = journey;
				if (outcome.kind === 'vanished') expect(lines.join('\n')).toContain('? vanished');
				if (outcome.kind !== 'dropped') continue;
				const name = outcome.reason === 'NOT_SPECIFIED' ? outcome.cause : outcome.reason;
				expect(lines.join('\n')).toContain(`✗ ${name}`);
			}
		}),
		{ numRuns: 30 },
	);
});

test('where the values of a dimension differ in their outcome, it has a column of its own', () => {
	const result = labResult(
		chooseCells({ outer: ['ipv4'], forwarding: ['stack'] }),
		({ hook, acceptLocal }) => (hook === 'tc' && acceptLocal === 0 ? localSource : forwarded),
	);
	const text = labText(result).join('\n');
	expect(text).toContain('Always forwarded: hook xdp (36 cells)');
	const other = labResult(chooseCells({ outer: ['ipv4'], forwarding: ['stack'] }), ({ hook, acceptLocal }) =>
		acceptLocal === 1 ? forwarded : hook === 'tc' ? localSource : vanished,
	);
	expect(labText(other).find((line) => line.includes('rp_filter=0'))).toMatch(/^hook {2,}source/);
});

test('where the kernel names no reason the cause stands in its place', () => {
	const text = labText(
		labResult([cellOf()], () => dropped('NOT_SPECIFIED', 'ip_error', 'route-unreachable')),
	).join('\n');
	expect(text).toContain('✗ route-unreachable at ip_error');
	expect(text).not.toContain('NOT_SPECIFIED');
});

test('a vanished packet is called that', () => {
	const lines = labText(labResult([cellOf()], () => vanished));
	expect(lines.filter((line) => line.includes('? vanished')).length).toBeGreaterThanOrEqual(2);
	expect(lines.join('\n')).toContain('What became of the packet: vanished.');
});

test('when all were forwarded there is no table, only why', () => {
	expect(labText(labResult(chooseCells(), () => forwarded))).toEqual([
		'Linux 6.1.0, engine linux: 288 cells in 1.23 s',
		'',
		'✓ All 288 cells were forwarded.',
		'  What became of the packet: forwarded.',
	]);
	expect(labText(labResult([cellOf()], () => forwarded))).toContain('✓ Forwarded.');
});

test('the smallest change is written as sysctls to set, or that none helps', () => {
	const cell = cellOf({ rpFilter: [1], acceptLocal: [0] });
	const result = labResult([cell], () => localSource);
	const [tried] = result.cells;
	const fix = changes(cell, { ...cell, rpFilter: 2, acceptLocal: 1 });
	const fixed = { ...result, cells: tried === undefined ? [] : [{ ...tried, fix }] };
	expect(labText(fixed)).toContain(
		'  → gets through with net.ipv4.conf.veth0.rp_filter=2 and net.ipv4.conf.veth0.accept_local=1',
	);
	expect(labText(result)).toContain('  → no change of these sysctls gets it through');
});

test('a style changes how it looks, not what it says', () => {
	const marked: Style = (kind, text) => `<${kind}>${text}</${kind}>`;
	fc.assert(
		fc.property(anyLabResult, (result) => {
			const words = (lines: readonly string[]): string =>
				lines
					.join(' ')
					.replace(/<\/?(good|bad|strong|faint)>/g, '')
					.replace(/\s+/g, ' ');
			expect(words(labText(result, marked))).toBe(words(labText(result)));
		}),
		{ numRuns: 20 },
	);
});
