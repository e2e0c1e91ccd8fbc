/**
 * What users reported, on the running kernel and in the model. With RECORD=1 the cases' snapshots and verdicts
 * are written anew; what is expected of explain is written by hand.
 */
import { execFileSync } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { datapathObjects } from '../../src/datapath/object-bytes.ts';
import { openWatch, type Watch } from '../../src/engines/linux/watch.ts';
import { openDatapaths } from '../../src/engines/model/datapath.ts';
import { openModelEngine } from '../../src/engines/model/engine.ts';
import { applyAll } from '../../src/explain/change.ts';
import { explain } from '../../src/explain/explain.ts';
import { describedFrame } from '../../src/explain/frame-source.ts';
import { hostOf } from '../../src/explain/host.ts';
import { parseSnapshot } from '../../src/explain/parse-snapshot.ts';
import type { Question } from '../../src/explain/question.ts';
import type { Snapshot } from '../../src/explain/snapshot.ts';
import { parseTunnelSpec } from '../../src/explain/tunnel-spec.ts';
import type { Outcome } from '../../src/journey/journey.ts';
import { requires } from '../needs.ts';
import { commandPath } from '../support/command.ts';
import {
	caseNames,
	type KernelVerdict,
	kernelVersion,
	type Reported,
	readCase,
	rebuild,
	writeCase,
} from './reported.ts';

const record = process.env.RECORD === '1';

function questionOf({ asked }: Reported, snapshot: Snapshot): Question {
	const { mark, tunnel, hook, forwarding } = asked;
	return {
		snapshot,
		device: asked.in,
		frame: describedFrame(asked.packet),
		...(mark === undefined ? {} : { mark }),
		...(tunnel === undefined ? {} : { tunnels: [parseTunnelSpec(tunnel)] }),
		...(hook === undefined ? {} : { hook }),
		...(forwarding === undefined ? {} : { forwarding }),
	};
}

function verdictOf(outcome: Outcome, kernel: string): KernelVerdict {
	const { kind } = outcome;
	const common = { release: kernel, outcome: kind };
	if (kind === 'dropped') {
		const { reason, where } = outcome;
		return { ...common, reason, where };
	}
	return kind === 'forwarded' ? { ...common, device: outcome.device } : common;
}

/** What decides: without what the kernel finds out by itself meanwhile. */
function deciding(snapshot: Snapshot) {
	const { sysctls, neighbours, ...rest } = hostOf(snapshot);
	return { ...rest, sysctls, neighbours: neighbours.filter(({ state }) => state === 'failed') };
}

test('there are at least fifteen cases, each of another report', () => {
	const urls = caseNames.map((name) => readCase(name).url);
	expect(new Set(urls).size).toBe(urls.length);
	expect(urls.length).toBeGreaterThanOrEqual(15);
});

test.each(caseNames)('%s: explain is right on the snapshot, and so is its smallest change', async (name) => {
	const reported = readCase(name);
	const snapshot = parseSnapshot(JSON.stringify(reported.snapshot), name);
	const { journey, solutions } = await explain(
		openModelEngine({ datapaths: openDatapaths(datapathObjects()) }),
		questionOf(reported, snapshot),
	);
	expect(verdictOf(journey.outcome, reported.kernel.release)).toEqual(reported.kernel);
	expect(journey.outcome.kind === 'dropped' ? journey.outcome.cause : undefined).toBe(reported.cause);
	const [smallest] = solutions;
	expect(smallest?.changes.map(({ text }) => text) ?? []).toEqual(reported.smallest);
	expect((smallest?.journey ?? journey).outcome.kind).toBe(reported.then);
});

/**
 * What our command tells of a namespace, once that is as it was stored: the kernel takes up to a second to
 * notice that a carrier has gone (linkwatch). After two seconds, whatever it is.
 */
async function settledSnapshot(name: string, netns: string, stored: unknown): Promise<Snapshot> {
	for (const end = performance.now() + 2000; ; ) {
		const words = [commandPath, 'snapshot', '--netns', netns];
		const snapshot = parseSnapshot(execFileSync(process.execPath, words, { encoding: 'utf8' }), name);
		const isSettled =
			stored === undefined || isDeepStrictEqual(deciding(snapshot), deciding(stored as Snapshot));
		if (isSettled || performance.now() > end) return snapshot;
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

describe('on the running kernel', requires('root', 'ip'), () => {
	let watch: Watch;
	beforeAll(() => {
		watch = openWatch();
	});
	afterAll(() => watch.close());

	test.each(caseNames)('%s', async (name) => {
		const reported = readCase(name);
		const rebuilt = rebuild(reported, watch);
		try {
			const snapshot = await settledSnapshot(name, rebuilt.name, record ? undefined : reported.snapshot);
			const question = questionOf(reported, snapshot);
			const { state, solutions } = await explain(
				openModelEngine({ datapaths: openDatapaths(datapathObjects()) }),
				question,
			);
			if (state.datapath !== undefined) rebuilt.attach(state.datapath);
			if (state.packet.mark) rebuilt.mark(reported.asked.in, state.packet.mark);
			const outcome = await rebuilt.send(reported.asked.in, state.packet.frame, state.host);
			const verdict = verdictOf(outcome, kernelVersion);
			if (record)
				writeCase(name, { ...reported, kernel: verdict, snapshot: { ...snapshot, kernel: kernelVersion } });
			const { kernel, snapshot: stored } = readCase(name);
			if (kernel.release === verdict.release) {
				expect(verdict).toEqual(kernel);
				expect(deciding(snapshot)).toEqual(deciding(stored));
			} else expect(verdict.outcome).toBe(kernel.outcome);
			const [smallest] = solutions;
			if (smallest === undefined) return;
			const after = applyAll(state, smallest.changes);
			const commands = smallest.changes.flatMap((change) => change.commands);
			rebuilt.run(
				commands.map((command) =>
					command.replace(
						/\bMAC dev (\S+)/,
						(_, device: string) => `${rebuilt.farMac(device)} dev ${device}`,
					),
				),
			);
			const then = await rebuilt.send(reported.asked.in, after.packet.frame, after.host);
			expect(then.kind).toBe(reported.then);
		} finally {
			rebuilt.close();
		}
	});
});
