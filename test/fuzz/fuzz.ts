/** Runs random frames through both hooks and holds what comes out to the rules that hold for every frame. */
import type { Hook } from '../../src/scenario/scenario.ts';
import type { OutcomeName } from '../support/programs.ts';
import { longest, openFrames } from './frames.ts';
import { answerProblem, comparable, decapsulatedProblem, encapsulatedProblem } from './judge.ts';
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
	const [outcome, another] = outcomes;
	if (outcome === undefined || another !== undefined)
		return `counted under ${outcomes.length} outcomes: ${outcomes.join(', ')}`;
	const [expected, judge] = judgeOf(outcome);
	if (verdict !== expected) return `${outcome}, yet ${verdict}`;
	const problem = judge(came, frame);
	return problem && `${outcome}: ${problem}`;
}

type Judge = (came: Uint8Array, left: Uint8Array) => string | undefined;

const asItCame: Judge = (came, left) => (same(came, left) ? undefined : 'not as it came');
const gone: Judge = () => undefined;

/** What has to become of a frame with this outcome. */
function judgeOf(outcome: OutcomeName): readonly [Fate['verdict'], Judge] {
	switch (outcome) {
		case 'forwarded':
		case 'forwarded-neighbour':
			return ['redirect', encapsulatedProblem];
		case 'relayed':
		case 'relayed-neighbour':
			return ['redirect', (came, left) => encapsulatedProblem(came, left, true)];
		case 'decapsulated':
		case 'decapsulated-neighbour':
			return ['redirect', (came, left) => decapsulatedProblem(came, left, 1)];
		case 'decapsulated-to-stack':
			return ['pass', (came, left) => decapsulatedProblem(came, left, 0)];
		case 'too-big-answered':
			return ['redirect', answerProblem];
		default:
			return passed.has(outcome) ? ['pass', asItCame] : ['drop', gone];
	}
}

/** Left to the stack, or by XDP to TC. */
const passed: ReadonlySet<OutcomeName> = new Set([
	'not-ip',
	'malformed',
	'link-local',
	'neighbour-discovery',
	'no-tunnel',
	'hop-limit',
	'vlan-tag',
	'other-host',
	'no-decapsulation',
	'outer-fragment',
	'outer-options',
	'inner-not-ip',
	'handed-over',
	'handed-over-egress',
	'handed-over-refresh',
	'handed-over-answer',
	'handed-over-checksum',
]);

/**
 * TC cannot take out of GUE what has less than four bytes behind its IP header (STRIP_MARGIN in bpf/tc/hook.h): a
 * frame of at most so many bytes, with both IP headers IPv6.
 */
const shortInGue = 14 + 40 + 12 + 40 + 3;

/** Whether the hooks did the same; what XDP hands over, TC decides. */
function difference(came: Uint8Array, xdp: Fate, tc: Fate): string | undefined {
	const [atXdp, atTc] = [xdp.outcomes[0], tc.outcomes[0]];
	if (atXdp?.startsWith('handed-over')) return undefined;
	if (atTc === 'offload' && came.length <= shortInGue) return undefined;
	if (atXdp !== atTc) return `XDP: ${atXdp}, TC: ${atTc}`;
	if (xdp.verdict !== tc.verdict) return `XDP: ${xdp.verdict}, TC: ${tc.verdict}`;
	if (xdp.verdict !== 'redirect') return undefined;
	return same(comparable(xdp.frame), comparable(tc.frame)) ? undefined : 'the hooks write different bytes';
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
		find(difference(came, xdp, tc));
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
