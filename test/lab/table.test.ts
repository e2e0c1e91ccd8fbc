/** All 288 cells on the running kernel, against the rule that the kernel's sources and its documentation give. */
import { execFileSync } from 'node:child_process';
import { release } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/engines/engine.ts';
import { openLinuxEngine } from '../../src/engines/linux/engine.ts';
import { chooseCells } from '../../src/lab/cells.ts';
import { type LabResult, runLab } from '../../src/lab/run.ts';
import type { Cell } from '../../src/scenario/example.ts';
import { requires } from '../needs.ts';
import { labVerdict, type Verdict } from '../support/lab-rule.ts';

/** The kernel's own name for it: a local source has had one since Linux 6.13. */
function reason(cause: Verdict): string {
	if (cause === 'reverse-path') return 'IP_RPFILTER';
	const [major = 0, minor = 0] = release().split('.').map(Number);
	return major > 6 || (major === 6 && minor >= 13) ? 'IP_LOCAL_SOURCE' : 'NOT_SPECIFIED';
}

/** Which values of the two sysctls get the packet of a cell through with the fewest changes. */
function fewestChanges(cell: Cell): number {
	const ways = ([0, 1, 2] as const).flatMap((rpFilter) =>
		([0, 1] as const).map((acceptLocal) => ({ ...cell, rpFilter, acceptLocal })),
	);
	const changed = ({ rpFilter, acceptLocal }: Cell): number =>
		Number(rpFilter !== cell.rpFilter) + Number(acceptLocal !== cell.acceptLocal);
	return Math.min(...ways.filter((way) => labVerdict(way) === 'forwarded').map(changed));
}

function expectRule({ cells }: LabResult): void {
	for (const { cell, journey, fix, explanation } of cells) {
		const expected = labVerdict(cell);
		const { outcome } = journey;
		if (expected === 'forwarded') {
			expect({ cell, ...outcome }).toMatchObject({ cell, kind: 'forwarded', device: 'host1' });
			expect(fix).toEqual([]);
			continue;
		}
		expect({ cell, ...outcome }).toEqual({
			cell,
			kind: 'dropped',
			by: 'kernel',
			reason: reason(expected),
			where: 'ip_rcv_finish_core',
			cause: expected,
		});
		expect(fix.length).toBe(fewestChanges(cell));
		const fixed: Cell = { ...cell };
		for (const { sysctl, from, to } of fix) {
			const name = sysctl.endsWith('rp_filter') ? 'rpFilter' : 'acceptLocal';
			expect(cell[name]).toBe(from);
			Object.assign(fixed, { [name]: to });
		}
		expect(labVerdict(fixed)).toBe('forwarded');
		expect(explanation).toContain(expected === 'reverse-path' ? 'rp_filter' : 'accept_local');
	}
}

/** From the host to its end, in the order of time, with the decisions that belong to the cell. */
function expectJourneys({ cells }: LabResult): void {
	for (const { cell, journey } of cells) {
		const { sightings, outcome } = journey;
		const times = sightings.map(({ after }) => after);
		expect(times).toEqual(times.toSorted((a, b) => a - b));
		expect(sightings[0]).toMatchObject({ place: 'sent', device: 'host0', after: 0 });
		expect(sightings.at(-1)?.place).toBe(outcome.kind === 'forwarded' ? 'arrived' : 'drop');
		const decisions = sightings.flatMap(({ decision }) => decision?.outcome ?? []);
		const unknown = cell.forwarding === 'fib' && cell.neighbour === 'unknown';
		const last = unknown ? 'forwarded-neighbour' : cell.forwarding === 'fib' ? 'forwarded' : 'to-stack';
		expect(decisions).toEqual(unknown && cell.hook === 'xdp' ? ['handed-over', last] : [last]);
		// A packet that is redirected by the FIB in XDP never enters the stack.
		const received = sightings.some(({ place, packet }) => place === 'receive' && packet);
		if (cell.hook === 'xdp' && cell.forwarding === 'fib') expect(received).toBe(unknown);
	}
}

function outcomes({ cells }: LabResult): string[] {
	return cells.map(({ journey }) => JSON.stringify({ ...journey.outcome, frame: undefined }));
}

describe('the table', requires('root', 'ip'), () => {
	let engine: Engine;
	beforeAll(() => {
		engine = openLinuxEngine();
	});
	afterAll(() => engine?.close());

	test('is what the kernel’s rule says, three times the same', async () => {
		const runs = [];
		for (let i = 0; i < 3; i++) runs.push(await runLab(engine, chooseCells()));
		const [first, ...others] = runs;
		if (first === undefined) throw new Error('no run');
		expect(first.cells).toHaveLength(288);
		expectRule(first);
		expectJourneys(first);
		for (const other of others) expect(outcomes(other)).toEqual(outcomes(first));
		expect(first.kernel).toBe(execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim());
	});

	test('is the same for an inner IPv4 packet', async () => {
		const result = await runLab(engine, chooseCells({ inner: ['ipv4'] }));
		expectRule(result);
		expectJourneys(result);
	});
});
