/** The lab's result for people: one line for what always works, a table of the rest, and the reasons. */
import type { Outcome } from '../journey/journey.ts';
import { width, wrap } from '../journey/wrap.ts';
import type { Cell } from '../scenario/example.ts';
import { dimensions } from './cells.ts';
import type { SysctlChange } from './fix.ts';
import type { LabResult, TriedCell } from './run.ts';

/** How parts of the text are set off; a terminal has colours for them. */
export type Style = (kind: 'good' | 'bad' | 'strong' | 'faint', text: string) => string;

export const plain: Style = (_, text) => text;

type Dimension = keyof Cell;

const titles: Readonly<Record<Dimension, string>> = {
	hook: 'hook',
	outer: 'outer',
	inner: 'inner',
	forwarding: 'forwarding',
	source: 'source',
	rpFilter: 'rp_filter',
	acceptLocal: 'accept_local',
	neighbour: 'neighbour',
};

/** The lines of the whole report. */
export function labText(result: LabResult, style: Style = plain): string[] {
	const { cells, kernel, engine, elapsedMs } = result;
	const count = cells.length === 1 ? '1 cell' : `${cells.length} cells`;
	const head = `Linux ${kernel}, engine ${engine}: ${count} in ${(elapsedMs / 1000).toFixed(2)} s`;
	if (cells.every(forwarded)) return [style('strong', head), '', ...allForwarded(cells, style)];
	const always = alwaysForwarded(cells);
	const rest = cells.filter(({ cell }) => !always.some(({ name, value }) => cell[name] === value));
	const lines = [style('strong', head), ''];
	if (always.length > 0) {
		const parts = always.map(({ name, value, count }) => `${titles[name]} ${value} (${count} cells)`);
		lines.push(...wrap(`${style('good', '✓')} Always forwarded: ${parts.join(', ')}.`), '');
	}
	if (rest.length > 0) lines.push(...table(rest, style));
	const reasons = reasonLines(rest, style);
	if (reasons.length > 0) lines.push('', ...reasons);
	return lines;
}

/** Nothing to tabulate: why it works is all there is to say, unless the reasons are many. */
function allForwarded(cells: readonly TriedCell[], style: Style): string[] {
	const why = new Set(cells.map(({ explanation }) => explanation));
	const all =
		['', 'Forwarded.', 'Both cells were forwarded.'][cells.length] ??
		`All ${cells.length} cells were forwarded.`;
	return [
		`${style('good', '✓')} ${all}`,
		...(why.size > 4 ? [] : [...why].flatMap((text) => wrap(text, '  '))),
	];
}

interface Always {
	readonly name: Dimension;
	readonly value: Cell[Dimension];
	readonly count: number;
}

/** Values of a dimension under which every cell is forwarded, where another value has one that is not. */
function alwaysForwarded(cells: readonly TriedCell[]): Always[] {
	const found: Always[] = [];
	for (const name of ['outer', 'forwarding', 'hook', 'inner', 'neighbour', 'source'] as const) {
		const values = dimensions[name].filter((value) => cells.some(({ cell }) => cell[name] === value));
		const of = (value: Cell[Dimension]) => cells.filter(({ cell }) => cell[name] === value);
		const good = values.filter((value) => of(value).every(forwarded));
		if (good.length < values.length) {
			found.push(...good.map((value) => ({ name, value, count: of(value).length })));
		}
	}
	return found;
}

function forwarded({ journey }: TriedCell): boolean {
	return journey.outcome.kind === 'forwarded';
}

/** What stands in the table: the kernel's reason, or our cause where the kernel names none. */
function label(outcome: Outcome): string {
	switch (outcome.kind) {
		case 'forwarded':
			return '✓ forwarded';
		case 'delivered':
			return '✗ delivered';
		case 'dropped':
			return `✗ ${outcome.reason === 'NOT_SPECIFIED' ? outcome.cause : outcome.reason}`;
		case 'vanished':
			return '? vanished';
	}
}

function styled(text: string, padded: string, style: Style): string {
	return style(text.startsWith('✓') ? 'good' : 'bad', padded);
}

/** The dimensions whose value changes nothing: every cell is as its twins with their other values. */
function indifferent(cells: readonly TriedCell[]): Dimension[] {
	const candidates = ['hook', 'neighbour', 'inner', 'outer', 'forwarding'] as const;
	return candidates.filter((name) => {
		const labels = new Map<string, string>();
		return cells.every(({ cell, journey }) => {
			const twins = JSON.stringify({ ...cell, [name]: null });
			const mine = label(journey.outcome);
			const theirs = labels.get(twins) ?? mine;
			labels.set(twins, theirs);
			return mine === theirs;
		});
	});
}

function valuesOf(cells: readonly TriedCell[], name: Dimension): Cell[Dimension][] {
	return dimensions[name].filter((value) => cells.some(({ cell }) => cell[name] === value));
}

function table(cells: readonly TriedCell[], style: Style): string[] {
	const folded = indifferent(cells);
	const rowNames = (
		['outer', 'forwarding', 'hook', 'inner', 'neighbour', 'source', 'acceptLocal'] as const
	).filter((name) => name === 'source' || name === 'acceptLocal' || !folded.includes(name));
	const common = folded.map((name) => `${titles[name]} ${valuesOf(cells, name).join(' or ')}`);
	const columns = valuesOf(cells, 'rpFilter');
	const rows = new Map<string, { names: string[]; entries: Map<unknown, string> }>();
	for (const { cell, journey } of cells) {
		const names = rowNames.map((name) => String(cell[name]));
		const key = names.join(' ');
		const row = rows.get(key) ?? { names, entries: new Map() };
		row.entries.set(cell.rpFilter, label(journey.outcome));
		rows.set(key, row);
	}
	const header = [
		...rowNames.map((name) => titles[name]),
		...columns.map((value) => `${titles.rpFilter}=${value}`),
	];
	const body = [...rows.values()].map(({ names, entries }) => [
		...names,
		...columns.map((value) => entries.get(value) ?? ''),
	]);
	const widths = header.map((title, index) =>
		Math.max(title.length, ...body.map((row) => row[index]?.length ?? 0)),
	);
	const line = (row: readonly string[], cellStyle: (text: string, padded: string) => string): string =>
		row
			.map((text, index) => cellStyle(text, text.padEnd(widths[index] ?? 0)))
			.join('  ')
			.trimEnd();
	const intro = common.length === 0 ? [] : [...wrap(`With ${common.join(', ')}:`), ''];
	const total = widths.reduce((sum, each) => sum + each + 2, -2);
	if (total > width) {
		// What no kernel was seen to do: almost every dimension matters. Sentences can be folded, columns not.
		return [
			...intro,
			...body.flatMap((row) => wrap(row.map((text, index) => `${header[index]} ${text}`).join(', '))),
		];
	}
	return [
		...intro,
		line(header, (_, padded) => style('faint', padded)),
		...body.map((row) =>
			line(row, (text, padded) => (/^[✓✗?]/.test(text) ? styled(text, padded, style) : padded)),
		),
	];
}

/** Each different reason once: what it is, in which cells, and the change that the table shows to help. */
function reasonLines(cells: readonly TriedCell[], style: Style): string[] {
	const groups = new Map<string, TriedCell[]>();
	for (const tried of cells.filter((each) => !forwarded(each))) {
		const key = JSON.stringify([label(tried.journey.outcome), tried.explanation, tried.fix]);
		groups.set(key, [...(groups.get(key) ?? []), tried]);
	}
	return [...groups.values()].flatMap((group) => {
		const [first] = group;
		if (first === undefined) return [];
		const { outcome } = first.journey;
		const name = label(outcome);
		const at = outcome.kind === 'dropped' ? ` at ${outcome.where}: ${outcome.cause}` : '';
		const where = (['source', 'rpFilter', 'acceptLocal'] as const)
			.map((dimension) => `${titles[dimension]} ${valuesOf(group, dimension).join(' or ')}`)
			.join(', ');
		return [
			`${style('bad', name)}${at}`,
			...wrap(`with ${where}`, '  ').map((text) => style('faint', text)),
			...wrap(first.explanation, '  '),
			...wrap(remedy(first.fix), '  ').map((text) => style('good', text)),
		];
	});
}

function remedy(fix: readonly SysctlChange[]): string {
	if (fix.length === 0) return '→ no change of these sysctls gets it through';
	return `→ gets through with ${fix.map(({ sysctl, to }) => `${sysctl}=${to}`).join(' and ')}`;
}
