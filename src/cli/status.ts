/** `encap-forward status`: what the forwarder is and has done. */
import { setTimeout } from 'node:timers/promises';
import { openStatus, type StatusReader } from '../forwarder/status.ts';
import { type Counts, countJson, ratesText, statusJson, statusText } from '../forwarder/status-text.ts';
import type { Context } from './context.ts';

export interface StatusFlags {
	readonly netns?: string;
	readonly watch: boolean;
	readonly json: boolean;
}

export async function status(this: Context, { netns, watch, json }: StatusFlags): Promise<void> {
	const { output, signal } = this;
	const now = withReader(netns, (reader) => reader.read(json || reader.counted));
	if (json) output.json(statusJson(now));
	else output.lines(statusText(now));
	if (!watch) return;
	let [before, start] = [counts(netns), performance.now()];
	while (!signal.aborted) {
		await setTimeout(1000, undefined, { signal }).catch(() => undefined);
		if (signal.aborted) return;
		const [now, time] = [counts(netns), performance.now()];
		if (json) output.json(countsJson(now));
		else output.lines(['', ...ratesText(before, now, (time - start) / 1000)]);
		[before, start] = [now, time];
	}
}

/** Opened anew each time: after an upgrade the counters may stand in other maps. */
function withReader<T>(netns: string | undefined, work: (reader: StatusReader) => T): T {
	const reader = openStatus(netns);
	try {
		return work(reader);
	} finally {
		reader.close();
	}
}

function counts(netns: string | undefined): Counts {
	return withReader(netns, (reader) => ({
		outcomes: reader.totals(),
		tunnels: reader.counted ? reader.tunnels() : [],
		decapsulations: reader.decapsulations(),
	}));
}

function countsJson({ outcomes, tunnels, decapsulations }: Counts): unknown {
	return {
		outcomes: outcomes.filter(({ packets }) => packets > 0n).map(countJson),
		tunnels: tunnels.filter(({ packets = 0n }) => packets > 0n).map(countJson),
		decapsulations: decapsulations.filter(({ packets }) => packets > 0n).map(countJson),
	};
}
