/** `encap-forward status`: what the forwarder is and has done. */
import { setTimeout } from 'node:timers/promises';
import { openStatus } from '../forwarder/status.ts';
import { ratesText, statusJson, statusText, totalJson } from '../forwarder/status-text.ts';
import type { Context } from './context.ts';

export interface StatusFlags {
	readonly netns?: string;
	readonly watch: boolean;
	readonly json: boolean;
}

export async function status(this: Context, { netns, watch, json }: StatusFlags): Promise<void> {
	const { output, signal } = this;
	const reader = openStatus(netns);
	try {
		const now = reader.read(json);
		if (json) output.json(statusJson(now));
		else output.lines(statusText(now));
	} finally {
		reader.close();
	}
	let [before, start] = [totals(netns), performance.now()];
	while (watch && !signal.aborted) {
		await setTimeout(1000, undefined, { signal }).catch(() => undefined);
		if (signal.aborted) return;
		// Opened anew each time: after an upgrade the counters may stand in other maps.
		const [now, time] = [totals(netns), performance.now()];
		if (json) output.json({ outcomes: now.filter(({ packets }) => packets > 0n).map(totalJson) });
		else output.lines(['', ...ratesText(before, now, (time - start) / 1000)]);
		[before, start] = [now, time];
	}
}

function totals(netns: string | undefined): ReturnType<ReturnType<typeof openStatus>['totals']> {
	const reader = openStatus(netns);
	try {
		return reader.totals();
	} finally {
		reader.close();
	}
}
