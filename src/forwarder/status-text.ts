/** A forwarder's status for people and for programs. */
import type { OutcomeTotal, Status } from './status.ts';
import { counted, placesText } from './text.ts';

const hooks = { xdp: 'XDP', tc: 'TC' } as const;

function columns(rows: readonly (readonly string[])[]): string[] {
	const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
	return rows.map((row) =>
		row
			.map((cell, at) =>
				at === 0 || at === row.length - 1 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
			)
			.join('  ')
			.trimEnd(),
	);
}

export function statusText({ version, interfaces, missing, tunnels, outcomes }: Status): string[] {
	const rows = outcomes.map(({ hook, meaning, packets, bytes }) => [
		hooks[hook],
		`${packets}`,
		`${bytes}`,
		meaning,
	]);
	return [
		`The forwarder is up with ${counted(tunnels.count, 'tunnel')} (version ${version}).`,
		...interfaces.map(({ name, places }) => `  ${placesText(name, places)}`),
		...missing.map((each) => `  missing: ${each}`),
		'',
		...(rows.length === 0
			? ['No packet has been seen yet.']
			: columns([['hook', 'packets', 'bytes', 'what became of them'], ...rows])),
	];
}

/** What changed in some seconds, each outcome that did. */
export function ratesText(
	before: readonly OutcomeTotal[],
	now: readonly OutcomeTotal[],
	seconds: number,
): string[] {
	const rows = now.flatMap(({ hook, meaning, packets, bytes }, index) => {
		const old = before[index];
		if (old === undefined || packets === old.packets) return [];
		const rate = (count: bigint): string => (Number(count) / seconds).toFixed(0);
		return [[hooks[hook], rate(packets - old.packets), rate((bytes - old.bytes) * 8n), meaning]];
	});
	if (rows.length === 0) return ['no packet'];
	return columns([['hook', 'packets/s', 'bits/s', 'what becomes of them'], ...rows]);
}

/** Counters as numbers: exact up to 2^53. */
export function statusJson(status: Status): unknown {
	return { ...status, outcomes: status.outcomes.map(totalJson) };
}

export function totalJson({ packets, bytes, ...rest }: OutcomeTotal): unknown {
	return { ...rest, packets: Number(packets), bytes: Number(bytes) };
}
