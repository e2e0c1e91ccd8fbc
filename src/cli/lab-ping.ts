/** `encap-forward lab ping`: real pings through the network that `lab up` made. */
import { journeyJson, outcomeJson } from '../journey/json.ts';
import { endLines, liveLines } from '../journey/text.ts';
import { openEnvironment } from '../lab/environment.ts';
import { type PingOptions, pingThrough } from '../lab/ping.ts';
import type { Context, Output } from './context.ts';

export interface LabPingFlags {
	readonly count?: number;
	readonly name: string;
	readonly json: boolean;
}

export async function labPing(this: Context, { count, name, json }: LabPingFlags): Promise<void> {
	const { output, signal } = this;
	const environment = openEnvironment(name);
	try {
		const summary = await pingThrough(environment, {
			...(count === undefined ? {} : { count }),
			signal,
			...(json ? asJson(output) : asText(output)),
		});
		const { forwarded, delivered, dropped, vanished, said } = summary;
		const ends = Object.entries({ forwarded, delivered, dropped, vanished }).filter(
			([, number]) => number > 0,
		);
		const tally = ends.map(([end, number]) => `${number} ${end}`).join(', ') || 'no packet was seen';
		output.message(`${tally}. ping itself waits for replies, which nobody at the far end sends: ${said}`);
	} finally {
		environment.close();
	}
}

type Listeners = Pick<PingOptions, 'onSighting' | 'onEnd'>;

/** A line for each journey that has ended. */
function asJson(output: Output): Listeners {
	return {
		onSighting: () => {},
		onEnd: (sequence, journey, explanation) =>
			output.json({
				sequence,
				...outcomeJson(journey.outcome),
				explanation,
				journey: journeyJson(journey),
			}),
	};
}

/** Lines for each sighting as it happens. */
function asText(output: Output): Listeners {
	let shown: number | undefined;
	let frame = '';
	return {
		onSighting: (sequence, sighting) => {
			if (sequence !== shown) {
				output.lines([output.style('strong', `packet ${sequence}`)]);
				frame = '';
			}
			shown = sequence;
			const live = liveLines(sighting, frame);
			frame = live.frame;
			output.lines(live.lines);
		},
		onEnd: (_, journey, explanation) => {
			const kind = journey.outcome.kind === 'forwarded' ? 'good' : 'bad';
			output.lines(endLines(journey, explanation).map((line) => output.style(kind, line)));
		},
	};
}
