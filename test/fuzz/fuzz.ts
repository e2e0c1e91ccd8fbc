/** Runs random frames through both hooks and holds what comes out to the rules that hold for every frame. */
import type { Hook } from '../../src/scenario/scenario.ts';
import { longest, openFrames } from './frames.ts';
import { encapsulatedProblem, withoutIdentification } from './judge.ts';
import { randomFrom } from './random.ts';
import { type Fate, openFuzzRig } from './rig.ts';

export interface Finding {
	/** From 0. */
	readonly index: number;
	readonly frame: Uint8Array;
	readonly problem: string;
}

export interface FuzzResult {
	readonly frames: number;
	/** How many frames met each outcome, by hook and outcome. */
	readonly outcomes: ReadonlyMap<string, number>;
	readonly findings: readonly Finding[];
	/** A few of the frames that left encapsulated, spread over the run, for another judge. */
	readonly sample: readonly Uint8Array[];
}

export interface FuzzOptions {
	readonly seed: number;
	readonly frames: number;
	/** Called now and then with the number of frames done; false ends the run. */
	readonly progress?: (done: number) => boolean;
}

/** Frames between two calls of `progress`. */
const batch = 10_000;
const mostFindings = 10;
const sampled = 2000;

function same(one: Uint8Array, other: Uint8Array): boolean {
	return Buffer.compare(one, other) === 0;
}

/** What is wrong with a frame's fate at one hook, whatever the other did. */
function problemAt(came: Uint8Array, { verdict, outcomes, frame }: Fate): string | undefined {
	if (outcomes.length !== 1) return `counted under ${outcomes.length} outcomes: ${outcomes.join(', ')}`;
	const [outcome] = outcomes;
	switch (verdict) {
		case 'pass':
			return same(came, frame) ? undefined : `${outcome}: passed, but not as it came`;
		case 'redirect':
			return encapsulatedProblem(came, frame);
		default:
			return undefined;
	}
}

/** Whether the hooks did the same; what XDP hands over, TC decides. */
function difference(xdp: Fate, tc: Fate): string | undefined {
	if (xdp.outcomes[0] === 'handed-over')
		return tc.verdict === 'drop' ? `XDP handed over what TC drops: ${tc.outcomes[0]}` : undefined;
	if (xdp.outcomes[0] !== tc.outcomes[0]) return `XDP: ${xdp.outcomes[0]}, TC: ${tc.outcomes[0]}`;
	if (xdp.verdict !== tc.verdict) return `XDP: ${xdp.verdict}, TC: ${tc.verdict}`;
	if (xdp.verdict === 'redirect' && !same(withoutIdentification(xdp.frame), withoutIdentification(tc.frame)))
		return 'the hooks write different bytes';
	return undefined;
}

export function fuzz({ seed, frames, progress }: FuzzOptions): FuzzResult {
	const rig = openFuzzRig();
	const outcomes = new Map<string, number>();
	const findings: Finding[] = [];
	const sample: Uint8Array[] = [];
	const random = randomFrom(seed);
	const buffer = new Uint8Array(longest + 8);
	const every = Math.max(1, Math.floor(frames / sampled));
	let done = 0;

	const runOne = (index: number, came: Uint8Array): void => {
		const find = (problem: string | undefined): void => {
			if (problem !== undefined) findings.push({ index, frame: came.slice(), problem });
		};
		const runAt = (hook: Hook): Fate | undefined => {
			if (!rig.takes(hook, came)) return undefined;
			const fate = rig.run(hook, came);
			const key = `${hook} ${fate.outcomes[0]}`;
			outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
			const problem = problemAt(came, fate);
			find(problem && `${hook}: ${problem}`);
			return fate;
		};
		const [xdp, tc] = [runAt('xdp'), runAt('tc')];
		if (xdp === undefined || tc === undefined) return;
		find(difference(xdp, tc));
		if (tc.verdict === 'redirect' && index % every === 0) sample.push(tc.frame.slice());
	};

	try {
		const source = openFrames(seed, random, rig.aims);
		while (done < frames && findings.length < mostFindings) {
			const until = Math.min(frames, done + batch);
			rig.inside(() => {
				while (done < until && findings.length < mostFindings) {
					runOne(done, buffer.subarray(0, source.next(buffer)));
					done++;
				}
			});
			if (progress?.(done) === false) break;
		}
		return { frames: done, outcomes, findings, sample };
	} finally {
		rig.close();
	}
}
