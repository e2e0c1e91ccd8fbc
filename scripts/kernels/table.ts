/** Kernels by what was run in them, for people. Pure: results in, text out. */
import type { KernelRun, Run } from './run.ts';

/** A kernel that was tried, or why it could not be. */
export interface Row {
	/** As it was asked for: 6.12. */
	readonly asked: string;
	readonly ran: KernelRun | { readonly error: string };
	/** All of it: download, boot, and what was run. */
	readonly seconds: number;
}

export interface Totals {
	readonly passed: number;
	readonly failed: number;
	readonly skipped: number;
}

function runsOf({ ran }: Row): readonly Run[] {
	return 'runs' in ran ? ran.runs : [];
}

/** A kernel that could not be tried has failed. */
export function totals(rows: readonly Row[]): Totals {
	const runs = rows.flatMap(runsOf);
	const sum = (count: (run: Run) => number): number => runs.reduce((total, run) => total + count(run), 0);
	return {
		passed: sum(({ passed }) => passed),
		failed: sum(({ failed }) => failed.length) + rows.filter(({ ran }) => 'error' in ran).length,
		skipped: sum(({ skipped }) => skipped.length),
	};
}

function cellOf(run: Run | undefined): string {
	if (run === undefined) return '-';
	const { passed, failed, skipped, seconds } = run;
	const counts = [
		...(passed > 0 || failed.length + skipped.length === 0 ? [`${passed} passed`] : []),
		...(failed.length > 0 ? [`${failed.length} FAILED`] : []),
		...(skipped.length > 0 ? [`${skipped.length} skipped`] : []),
	].join(', ');
	return seconds > 0 ? `${counts} (${seconds.toFixed(0)} s)` : counts;
}

/** A table in Markdown: it is read in a terminal, and stands in a document. */
export function kernelTable(rows: readonly Row[]): string {
	const names = [...new Set(rows.flatMap(runsOf).map(({ name }) => name))];
	const head = ['kernel', 'boot', ...names, 'in all'];
	const body = rows.map((row) => {
		const { asked, ran, seconds } = row;
		const all = `${seconds.toFixed(0)} s`;
		if ('error' in ran) return [asked, 'not tried', ...names.map(() => '-'), all];
		const boot = ran.bootSeconds === undefined ? 'FAILED' : `${ran.bootSeconds.toFixed(1)} s`;
		return [
			ran.release,
			boot,
			...names.map((name) => cellOf(ran.runs.find((run) => run.name === name))),
			all,
		];
	});
	const widths = head.map((_, column) =>
		Math.max(...[head, ...body].map((cells) => cells[column]?.length ?? 0)),
	);
	const line = (cells: readonly string[]): string =>
		`| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
	return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

/** What failed in each kernel, and what was skipped and why: the kernels that agree together. */
export function kernelNotes(rows: readonly Row[]): readonly string[] {
	const kernelsByNote = new Map<string, Set<string>>();
	const note = (text: string, asked: string): void => {
		kernelsByNote.set(text, (kernelsByNote.get(text) ?? new Set()).add(asked));
	};
	for (const { asked, ran } of rows) {
		if ('error' in ran) note(`FAILED ${ran.error}`, asked);
		else {
			for (const { name, failed, skipped } of ran.runs) {
				for (const what of failed) note(`FAILED ${name}: ${what}`, asked);
				for (const what of skipped) note(`SKIPPED ${name}: ${what}`, asked);
			}
		}
	}
	return [...kernelsByNote].map(([text, kernels]) => {
		const [first = '', ...more] = text.split('\n');
		return [`${[...kernels].join(', ')}: ${first}`, ...more.map((line) => `  ${line}`)].join('\n');
	});
}
