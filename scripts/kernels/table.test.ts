import { expect, test } from 'vitest';
import { kernelNotes, kernelTable, type Row, totals } from './table.ts';

const run = { name: 'lab', seconds: 41.6, passed: 288, failed: [], skipped: [] };
const skipped = {
	...run,
	name: 'fuzz',
	seconds: 0,
	passed: 0,
	skipped: ['no such helper', 'no such helper'],
};
const rows: readonly Row[] = [
	{ asked: '5.10', ran: { release: '5.10.0-46', bootSeconds: 3.14, runs: [run, skipped] }, seconds: 60 },
	{
		asked: '6.1',
		ran: {
			release: '6.1.0-56',
			bootSeconds: undefined,
			runs: [{ ...run, passed: 0, failed: ['it hung\nlast words'] }, skipped],
		},
		seconds: 120,
	},
	{ asked: '4.19', ran: { error: 'there is none [EF_USAGE]' }, seconds: 1 },
];

test('a row a kernel, a column for what was run', () => {
	expect(kernelTable(rows)).toBe(
		[
			'| kernel    | boot      | lab               | fuzz      | in all |',
			'| --------- | --------- | ----------------- | --------- | ------ |',
			'| 5.10.0-46 | 3.1 s     | 288 passed (42 s) | 2 skipped | 60 s   |',
			'| 6.1.0-56  | FAILED    | 1 FAILED (42 s)   | 2 skipped | 120 s  |',
			'| 4.19      | not tried | -                 | -         | 1 s    |',
		].join('\n'),
	);
});

test('what failed and what was skipped, kernels that agree together', () => {
	expect(kernelNotes(rows)).toEqual([
		'5.10, 6.1: SKIPPED fuzz: no such helper',
		'6.1: FAILED lab: it hung\n  last words',
		'4.19: FAILED there is none [EF_USAGE]',
	]);
});

test('a kernel that could not be tried has failed', () => {
	expect(totals(rows)).toEqual({ passed: 288, failed: 2, skipped: 4 });
});
