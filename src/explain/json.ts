/** An explanation for programs. */
import type { Journey, Outcome, Step, Traces } from '../journey/journey.ts';
import { type JourneyJson, journeyJson, type OutcomeJson, outcomeJson } from '../journey/json.ts';
import { summarize } from '../packet/dissect.ts';
import type { Change } from './change.ts';
import type { Explanation } from './explain.ts';
import type { Solution } from './search.ts';

export interface AnswerJson extends OutcomeJson {
	/** The device it leaves by, or null. */
	readonly egress: string | null;
	/** Other ends that are possible, where the kernel chooses a way by a hash of its own. */
	readonly possible: readonly (OutcomeJson & { readonly egress: string | null })[];
	readonly steps: readonly Step[];
	readonly traces: Traces | null;
	/** Ways to get it through, the smallest first; empty if it needs none or none was found. */
	readonly solutions: readonly SolutionJson[];
}

export interface SolutionJson extends OutcomeJson {
	readonly egress: string | null;
	readonly changes: readonly Pick<Change, 'kind' | 'text' | 'commands' | 'affects'>[];
}

export interface ExplanationJson extends AnswerJson {
	readonly version: 1;
	readonly kernel: string;
	readonly device: string;
	readonly mark: number;
	/** In words, and in hexadecimal from its Ethernet header on. */
	readonly packet: { readonly summary: string; readonly frame: string };
	readonly journey: JourneyJson;
	/** Other answers, each right if its condition is. */
	readonly alternatives: readonly (AnswerJson & { readonly condition: string })[];
	readonly notes: readonly string[];
	/** What was not looked at. */
	readonly unknown: readonly string[];
}

export function explanationJson(explanation: Explanation): ExplanationJson {
	const { state, journey, solutions, alternatives, notes, unknown } = explanation;
	const { device, frame, mark = 0 } = state.packet;
	return {
		version: 1,
		kernel: state.kernel,
		device,
		mark,
		packet: {
			summary: summarize(frame),
			frame: Array.from(frame, (byte) => byte.toString(16).padStart(2, '0')).join(''),
		},
		...answer(journey, solutions),
		journey: journeyJson(journey),
		alternatives: alternatives.map((alternative) => ({
			condition: alternative.condition,
			...answer(alternative.journey, alternative.solutions),
		})),
		notes,
		unknown,
	};
}

function answer(journey: Journey, solutions: readonly Solution[]): AnswerJson {
	return {
		...end(journey.outcome),
		possible: (journey.alternatives ?? []).map(end),
		steps: journey.steps ?? [],
		traces: journey.traces ?? null,
		solutions: solutions.map(({ changes, journey: then }) => ({
			...end(then.outcome),
			changes: changes.map(({ kind, text, commands, affects }) => ({ kind, text, commands, affects })),
		})),
	};
}

function end(outcome: Outcome): OutcomeJson & { readonly egress: string | null } {
	return { ...outcomeJson(outcome), egress: outcome.kind === 'forwarded' ? outcome.device : null };
}
