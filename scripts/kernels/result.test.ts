import { expect, test } from 'vitest';
import { readKernelLog, readLab, readStatus, readTests } from './result.ts';

const ended = { status: 0, stdout: '', stderr: '' };

test('tests: what passed, failed and was skipped', () => {
	const stdout = [
		'passed a > one (0.1 s)',
		'FAILED a > two (0.2 s): expected 1 to be 2',
		'    at somewhere',
		'SKIPPED a > three: it has no legs',
		'passed b (0.1 s)',
		'2 passed, 1 failed, 1 skipped',
		'',
	].join('\n');
	expect(readTests({ ...ended, status: 1, stdout })).toEqual({
		passed: 2,
		failed: ['a > two (0.2 s): expected 1 to be 2\n    at somewhere'],
		skipped: ['a > three: it has no legs'],
	});
});

test('tests that were ended half way have failed, though all that ran passed', () => {
	const stdout = 'passed a (0.1 s)\n';
	expect(readTests({ ...ended, status: 124, stdout })).toEqual({
		passed: 1,
		failed: ['it took longer than its budget\npassed a (0.1 s)'],
		skipped: [],
	});
	expect(readTests({ status: 139, stdout: '', stderr: 'Segmentation fault\n' }).failed).toEqual([
		'it ended with status 139\nSegmentation fault',
	]);
	// A closing line that contradicts the status.
	expect(readTests({ ...ended, status: 1, stdout: '0 passed, 0 failed, 0 skipped\n' }).failed).toHaveLength(
		1,
	);
});

test('a status alone', () => {
	expect(readStatus(ended).passed).toBe(1);
	expect(readStatus({ ...ended, status: 1, stderr: 'why' }).failed).toEqual(['it ended with status 1\nwhy']);
});

test('the lab: a cell that is not as the rule has it fails', () => {
	const cell = { outer: 'ipv4', forwarding: 'stack', source: 'local', rpFilter: 0, acceptLocal: 0 };
	const right = { ...cell, outcome: 'dropped', cause: 'source-is-local' };
	const wrong = { ...cell, outcome: 'dropped', cause: 'unknown', where: 'ip_rcv_finish_core' };
	const lost = { ...cell, outer: 'ipv6', outcome: 'vanished', cause: null };
	const result = readLab({ ...ended, stdout: JSON.stringify({ cells: [right, wrong, lost] }) });
	expect(result.passed).toBe(1);
	expect(result.failed).toEqual([
		expect.stringContaining('unknown at ip_rcv_finish_core, not source-is-local'),
		expect.stringContaining('vanished'),
	]);
	expect(readLab({ ...ended, status: 1, stderr: 'no kernel' }).failed).toHaveLength(1);
});

test('a kernel’s log', () => {
	expect(readKernelLog('[1.0] all is well\n[2.0] watchdog: BUG: soft lockup - CPU#0 stuck')).toMatchObject({
		passed: 1,
		failed: [],
	});
	expect(readKernelLog('[1.0] WARNING: CPU: 0 PID: 1 at net/core/dev.c:1')).toMatchObject({
		passed: 0,
		failed: ['[1.0] WARNING: CPU: 0 PID: 1 at net/core/dev.c:1'],
	});
});
