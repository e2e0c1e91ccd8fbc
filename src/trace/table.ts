/** A report for people: what is dropped in one place for one reason together, most first. */

import { wrap } from '../journey/wrap.ts';
import type { Style } from '../lab/table.ts';
import type { Advice } from './advice.ts';
import { type Place, placesOf } from './places.ts';
import type { TraceReport } from './run.ts';
import type { Row } from './tally.ts';
import { deviceText, explanationOf, grouped, packetsText, packetText } from './words.ts';

export interface TableOptions {
	readonly style: Style;
	/** How many kinds of packets are named in a place; 10 if not given. */
	readonly kinds?: number;
	/** What `explain` says, by place. */
	readonly advice?: ReadonlyMap<string, Advice>;
}

export function traceText(report: TraceReport, options: TableOptions): string[] {
	const { rows, packets, seconds } = report;
	const places = placesOf(rows);
	const dropped = packets === 0 ? 'no packet was dropped' : `${packetsText(packets)} dropped`;
	const rate = packets >= seconds ? `, ${grouped(packets / seconds)} a second` : '';
	const inPlaces = places.length > 1 ? `, in ${places.length} places` : '';
	return [
		options.style('strong', `In ${seconds.toFixed(1)} s ${dropped}${inPlaces}${rate}`),
		...notShownText(report).map((line) => options.style('faint', line)),
		...places.flatMap((place) => ['', ...placeText(place, options)]),
	];
}

function placeText(
	{ key, drop, packets, rows }: Place,
	{ style, kinds = 10, advice }: TableOptions,
): string[] {
	const shown = rows.slice(0, kinds);
	const rest = rows.slice(kinds);
	const width = grouped(shown[0]?.packets ?? 0).length;
	const told = advice?.get(key);
	return [
		`${style('bad', `✗ ${drop.reason}`)} at ${drop.where}: ${drop.cause}`,
		style('faint', `  ${packetsText(packets)} at ${deviceText(drop)}`),
		...wrap(told?.explanation ?? explanationOf(drop), '  '),
		...(told === undefined ? [] : adviceLines(told)).map((line) => style('good', line)),
		...shown.map((row) => `  ${grouped(row.packets).padStart(width)}  ${packetText(row.drop)}`),
		...(rest.length === 0
			? []
			: [`  ${grouped(sum(rest)).padStart(width)}  of ${grouped(rest.length)} kinds more`]),
	];
}

function adviceLines({ changes }: Advice): string[] {
	return changes.flatMap(({ change, affects }, index) => [
		...wrap(`→ ${index === 0 ? 'gets through with' : 'and'} ${change}`, '  '),
		...wrap(`affects ${affects}`, '    '),
	]);
}

function sum(rows: readonly Row[]): number {
	return rows.reduce((total, { packets }) => total + packets, 0);
}

/** What is not among the rows, a line each; nothing in most cases. */
function notShownText({ counts, rows }: TraceReport): string[] {
	const { routine, tooFast, notShown, missed } = counts;
	const untold = sum(rows.filter(({ drop }) => drop.tooMany));
	return [
		...(tooFast > 0
			? [`${packetsText(tooFast)} came too fast to be told one by one: they are counted here`]
			: []),
		...(untold > 0
			? [`${packetsText(untold)} of too many kinds: counted by place, without their headers`]
			: []),
		...(notShown > 0 ? [`${packetsText(notShown)} not shown: there was no room to count them by place`] : []),
		...(missed > 0
			? [`${packetsText(missed)} at most not shown: the kernel dropped them while it told of another`]
			: []),
		...(routine > 0
			? [`${packetsText(routine)} freed in the ordinary course of things are left out (--routine shows them)`]
			: []),
	];
}
