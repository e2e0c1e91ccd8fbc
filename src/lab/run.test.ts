import { expect, test } from 'vitest';
import { cellOf, dropped, forwarded, journey } from '../../test/support/journeys.ts';
import type { Engine } from '../engines/engine.ts';
import type { Outcome } from '../journey/journey.ts';
import { acceptLocalSysctl, rpFilterSysctl } from '../scenario/example.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { chooseCells } from './cells.ts';
import { runLab } from './run.ts';

const drop = dropped('IP_LOCAL_SOURCE', 'ip_rcv_finish_core', 'source-is-local');

/** An engine that keeps what it is given and answers by a rule on the two sysctls. */
function fakeEngine(rule: (rpFilter: number, acceptLocal: number) => Outcome): Engine & { seen: Scenario[] } {
	const seen: Scenario[] = [];
	return {
		name: 'model',
		kernel: '6.1.0',
		seen,
		run: async (scenario) => {
			seen.push(scenario);
			const { sysctls } = scenario.router;
			return journey(rule(sysctls[rpFilterSysctl] ?? -1, sysctls[acceptLocalSysctl] ?? -1));
		},
		close: () => undefined,
	};
}

test('every cell is tried once and reported in the order given', async () => {
	const engine = fakeEngine(() => forwarded);
	const cells = chooseCells();
	const result = await runLab(engine, cells);
	expect(result.cells.map(({ cell }) => cell)).toEqual(cells);
	expect(engine.seen).toHaveLength(288);
	expect(result).toMatchObject({ engine: 'model', kernel: '6.1.0' });
	expect(Number.isInteger(result.elapsedMs)).toBe(true);
});

test('no two packets are alike', async () => {
	const engine = fakeEngine(() => forwarded);
	await runLab(engine, chooseCells());
	const tails = engine.seen.map(({ packet }) => Buffer.from(packet.frame.subarray(-24)).toString('hex'));
	expect(new Set(tails).size).toBe(288);
});

test('a fix outside of the choice is tried, not concluded, and not reported as a cell', async () => {
	const engine = fakeEngine((rpFilter, acceptLocal) =>
		rpFilter === 2 && acceptLocal === 1 ? forwarded : drop,
	);
	const cell = cellOf({ rpFilter: [1], acceptLocal: [0] });
	const result = await runLab(engine, [cell]);
	expect(result.cells).toHaveLength(1);
	expect(result.cells[0]?.fix).toEqual([
		{ sysctl: rpFilterSysctl, from: 1, to: 2 },
		{ sysctl: acceptLocalSysctl, from: 0, to: 1 },
	]);
	const tried = engine.seen.map(
		({ router }) => `${router.sysctls[rpFilterSysctl]} ${router.sysctls[acceptLocalSysctl]}`,
	);
	expect(tried[0]).toBe('1 0');
	expect(tried.slice(1).toSorted()).toEqual(['0 0', '1 1', '2 0', '2 1']);
	expect(tried.at(-1)).toBe('2 1');
});

test('what no change of sysctls gets through has no fix, and all were tried once', async () => {
	const engine = fakeEngine(() => drop);
	const result = await runLab(engine, chooseCells({ hook: ['xdp'], outer: ['ipv4'], neighbour: ['known'] }));
	expect(result.cells.every(({ fix }) => fix.length === 0)).toBe(true);
	expect(engine.seen).toHaveLength(result.cells.length);
});

test('a vanished packet is not given a fix', async () => {
	const engine = fakeEngine((_, acceptLocal) =>
		acceptLocal === 1 ? forwarded : { kind: 'vanished', afterMilliseconds: 1 },
	);
	const result = await runLab(engine, [cellOf({ acceptLocal: [0] })]);
	expect(result.cells[0]?.fix).toEqual([]);
	expect(engine.seen).toHaveLength(1);
});

test('progress counts every packet once, up to all', async () => {
	const reports: string[] = [];
	const progress = (done: number, of: number): void => void reports.push(`${done}/${of}`);
	await runLab(
		fakeEngine(() => forwarded),
		chooseCells({ outer: ['ipv4'], forwarding: ['fib'] }),
		{ progress },
	);
	expect(reports).toEqual(Array.from({ length: 72 }, (_, index) => `${index + 1}/72`));
});

test('an abort ends the run before another packet is tried', async () => {
	const controller = new AbortController();
	const engine = fakeEngine(() => forwarded);
	const run = runLab(engine, chooseCells(), {
		signal: controller.signal,
		progress: (done) => {
			if (done === 3) controller.abort();
		},
	});
	await expect(run).rejects.toMatchObject({ name: 'AbortError' });
	expect(engine.seen).toHaveLength(3);
});

test('an abort while a packet is on its way rejects too, for an engine that is closed says vanished', async () => {
	const controller = new AbortController();
	const engine: Engine = {
		...fakeEngine(() => forwarded),
		run: async () => {
			controller.abort();
			return journey({ kind: 'vanished', afterMilliseconds: 0 });
		},
	};
	const run = runLab(engine, [cellOf()], { signal: controller.signal });
	await expect(run).rejects.toMatchObject({ name: 'AbortError' });
});

test("an engine's error is passed on", async () => {
	const engine: Engine = { ...fakeEngine(() => forwarded), run: () => Promise.reject(new Error('broken')) };
	await expect(runLab(engine, [cellOf()])).rejects.toThrow('broken');
});
