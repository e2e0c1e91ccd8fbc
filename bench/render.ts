/** Figures as a table for people and as data for programs. */
import { type Figure, isReached } from './benchmark.ts';

export interface FigureJson {
	readonly name: string;
	readonly figure: string;
	readonly value: number | null;
	readonly unit: string;
	/** Such as `>= 0.7`; null if the figure is only shown. */
	readonly target: string | null;
	readonly reached: boolean | null;
}

function targetText({ target }: Figure): string | null {
	return target === undefined ? null : `${target.limit} ${target.value}`;
}

export function figureJson(figure: Figure): FigureJson {
	const { name, value, unit } = figure;
	return { name, figure: figure.figure, value, unit, target: targetText(figure), reached: isReached(figure) };
}

function valueText({ value, unit }: Figure): string {
	if (value === null) return '-';
	const number = Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 3 : 1);
	return unit === 'ratio' ? number : `${number} ${unit}`;
}

const reachedText = new Map([
	[true, 'yes'],
	[false, 'NO'],
	[null, ''],
]);

/** One benchmark's figures; no trailing newline. */
export function figureTable(figures: readonly Figure[]): string {
	const rows = figures.map((figure) => [
		figure.figure,
		valueText(figure),
		targetText(figure) ?? '',
		reachedText.get(isReached(figure)) ?? '',
		figure.note ?? '',
	]);
	const table = [[figures[0]?.name ?? '', 'figure', 'target', 'reached', ''], ...rows];
	const widths =
		table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
	return table
		.map((row) =>
			row
				.map((text, column) => text.padEnd(widths[column] ?? 0))
				.join('  ')
				.trimEnd(),
		)
		.join('\n');
}
