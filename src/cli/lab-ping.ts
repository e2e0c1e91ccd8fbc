/** `encap-forward lab ping`: real pings through the network that `lab up` made. */

import { journeyJson, outcomeJson } from '../journey/json.ts';
import { describeEnd, liveLines } from '../journey/text.ts';
import { closeNamespace } from '../kernel/namespace.ts';
import { openEnvironment } from '../lab/environment.ts';
import { pingThrough } from '../lab/ping.ts';
import type { Context } from './context.ts';

export interface LabPingFlags {
	readonly count?: number;
	readonly name: string;
	readonly json: boolean;
}

export async function labPing(this: Context, { count, name, json }: LabPingFlags): Promise<void> {
	const { output, signal } = this;
	const environment = openEnvironment(name);
	let shown: number | undefined;
	let frame = '';
	try {
		const said = await pingThrough(environment, {
			...(count === undefined ? {} : { count }),
			signal,
			onSighting: (sequence, sighting) => {
				if (json) return;
				if (sequence !== shown) {
					output.lines([output.style('strong', `packet ${sequence}`)]);
					frame = '';
				}
				shown = sequence;
				const live = liveLines(sighting, frame);
				frame = live.frame;
				output.lines(live.lines);
			},
			onEnd: (sequence, journey, explanation) => {
				const { outcome } = journey;
				if (json) {
					output.json({ sequence, ...outcomeJson(outcome), explanation, journey: journeyJson(journey) });
				} else {
					const kind = outcome.kind === 'forwarded' ? 'good' : 'bad';
					output.lines([output.style(kind, `  ${describeEnd(outcome)}`), `  ${explanation}`]);
				}
			},
		});
		output.message(`ping: ${said}`);
	} finally {
		closeNamespace(environment.namespaces.router);
		closeNamespace(environment.namespaces.host);
	}
}
