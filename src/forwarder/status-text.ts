/** A forwarder's status for people and for programs. */
import { decapsulationWords } from '../configuration/summary.ts';
import type { CountedDecapsulation, CountedTunnel, OutcomeTotal, Status } from './status.ts';
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

/** How many tunnels are shown to people: the busiest. */
const mostShown = 20;

/** The busiest tunnels; nothing where they are not counted, or no packet came. */
function tunnelRows(
	tunnels: readonly CountedTunnel[],
	captions: readonly string[],
	cell: (count: bigint) => string,
	bytesCell: (count: bigint) => string,
): string[] {
	const busy = tunnels
		.filter(({ packets = 0n }) => packets > 0n)
		.sort((a, b) => Number((b.bytes ?? 0n) - (a.bytes ?? 0n)));
	if (busy.length === 0) return [];
	const rows = busy
		.slice(0, mostShown)
		.map(({ match, encapsulation, destination, packets = 0n, bytes = 0n }) => [
			match,
			cell(packets),
			bytesCell(bytes),
			`${encapsulation} to ${destination}`,
		]);
	const rest = busy.length - mostShown;
	return [
		'',
		...columns([captions, ...rows]),
		...(rest > 0 ? [`and ${counted(rest, 'tunnel')} with fewer bytes: --json has them all`] : []),
	];
}

/** Decapsulations that took packets, as `cell` and `bytesCell` write their counters. */
function decapsulationRows(
	list: readonly CountedDecapsulation[],
	captions: readonly string[],
	cell: (count: bigint) => string,
	bytesCell: (count: bigint) => string,
): string[] {
	const busy = list
		.filter(({ packets }) => packets > 0n)
		.sort((a, b) => Number(b.bytes - a.bytes))
		.slice(0, mostShown);
	if (busy.length === 0) return [];
	const rows = busy.map((each) => [decapsulationWords(each), cell(each.packets), bytesCell(each.bytes)]);
	return ['', ...columns([captions, ...rows])];
}

export function statusText(status: Status): string[] {
	const { version, interfaces, missing, tunnels, decapsulations, outcomes } = status;
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
		...tunnelRows(tunnels.list ?? [], ['tunnel', 'packets', 'bytes', 'encapsulated'], String, String),
		...decapsulationRows(decapsulations, ['decapsulated', 'packets', 'bytes'], String, String),
	];
}

/** What has been counted at one moment. */
export interface Counts {
	readonly outcomes: readonly OutcomeTotal[];
	readonly tunnels: readonly CountedTunnel[];
	readonly decapsulations: readonly CountedDecapsulation[];
}

/** What changed in some seconds: each outcome that did, and the busiest tunnels. */
export function ratesText(before: Counts, now: Counts, seconds: number): string[] {
	const rate = (count: bigint): string => (Number(count) / seconds).toFixed(0);
	const bits = (count: bigint): string => rate(count * 8n);
	const rows = now.outcomes.flatMap(({ hook, meaning, packets, bytes }, index) => {
		const old = before.outcomes[index];
		if (old === undefined || packets === old.packets) return [];
		return [[hooks[hook], rate(packets - old.packets), bits(bytes - old.bytes), meaning]];
	});
	if (rows.length === 0) return ['no packet'];
	const captions = ['tunnel', 'packets/s', 'bits/s', 'encapsulated'];
	return [
		...columns([['hook', 'packets/s', 'bits/s', 'what becomes of them'], ...rows]),
		...tunnelRows(
			grownBy(before.tunnels, now.tunnels, ({ match }) => match),
			captions,
			rate,
			bits,
		),
		...decapsulationRows(
			grownBy(before.decapsulations, now.decapsulations, decapsulationWords),
			['decapsulated', 'packets/s', 'bits/s'],
			rate,
			bits,
		),
	];
}

/** By how much counters have grown since; those of what is new, from nothing. */
function grownBy<Each extends { readonly packets?: bigint; readonly bytes?: bigint }>(
	before: readonly Each[],
	now: readonly Each[],
	nameOf: (each: Each) => string,
): (Each & { readonly packets: bigint; readonly bytes: bigint })[] {
	const old = new Map(before.map((each) => [nameOf(each), each]));
	return now.map((each) => {
		const { packets = 0n, bytes = 0n } = old.get(nameOf(each)) ?? {};
		return { ...each, packets: (each.packets ?? 0n) - packets, bytes: (each.bytes ?? 0n) - bytes };
	});
}

/** Counters as numbers: exact up to 2^53. */
export function statusJson({ tunnels, decapsulations, outcomes, ...rest }: Status): unknown {
	const { list, ...counted } = tunnels;
	return {
		...rest,
		tunnels: { ...counted, ...(list === undefined ? {} : { list: list.map(countJson) }) },
		decapsulations: decapsulations.map(countJson),
		outcomes: outcomes.map(countJson),
	};
}

export function countJson<Each extends { readonly packets?: bigint; readonly bytes?: bigint }>({
	packets,
	bytes,
	...rest
}: Each): unknown {
	if (packets === undefined || bytes === undefined) return rest;
	return { ...rest, packets: Number(packets), bytes: Number(bytes) };
}
