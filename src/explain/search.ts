/** The smallest change that gets a packet through, found by trying: fewest changes first, then the cheapest. */
import type { Engine } from '../engines/engine.ts';
import type { Journey } from '../journey/journey.ts';
import { applyAll, type Change, costOf } from './change.ts';
import { changesOf } from './changes.ts';
import { factsOf } from './facts.ts';
import { type State, scenarioOf } from './state.ts';

export interface Solution {
	readonly changes: readonly Change[];
	/** What then becomes of the packet, as the model found. */
	readonly journey: Journey;
}

export interface Found {
	/** The smallest first, then others of as few changes. */
	readonly solutions: readonly Solution[];
	/** How many states were tried. */
	readonly tried: number;
}

/** More than three changes are no advice. */
const mostChanges = 3;
/** States that a search tries at most. */
const mostTries = 4000;
const mostSolutions = 6;

interface Attempt {
	readonly changes: readonly Change[];
	/** How it ended with them. */
	readonly end: string;
}

/** Whether the packet gets through, whatever way the kernel chooses. */
export function isThrough({
	outcome,
	alternatives = [],
}: Pick<Journey, 'outcome' | 'alternatives'>): boolean {
	return [outcome, ...alternatives].every(({ kind }) => kind === 'forwarded' || kind === 'delivered');
}

/** @param journey how it ends as things are */
export async function findChanges(engine: Engine, state: State, journey: Journey): Promise<Found> {
	const base = endKey(journey);
	let tried = 0;
	let ahead: readonly Attempt[] = [{ changes: [], end: base }];
	const candidates = changesOf(state, factsOf(state, journey));
	for (let count = 1; count <= mostChanges; count++) {
		const next: Attempt[] = [];
		const solutions: Solution[] = [];
		for (const changes of extensions(ahead, candidates, base)) {
			if (tried >= mostTries) break;
			tried++;
			const result = await engine.run(scenarioOf(applyAll(state, changes)));
			if (isThrough(result)) solutions.push({ changes, journey: result });
			else next.push({ changes, end: endKey(result) });
			if (solutions.length >= mostSolutions) break;
		}
		if (solutions.length > 0) return { solutions, tried };
		ahead = next;
	}
	return { solutions: [], tried };
}

/** What an attempt has to differ in to have got the packet further. */
function endKey({ outcome, alternatives = [] }: Journey): string {
	return [outcome, ...alternatives]
		.map((end) => (end.kind === 'dropped' ? `${end.cause} ${end.where}` : end.kind))
		.sort()
		.join('\n');
}

/**
 * Each set of changes with one more, cheapest first. One that got the packet further is tried with all others;
 * one that changed nothing only with those of the same setting elsewhere, as of `all` and of the device.
 */
function extensions(
	ahead: readonly Attempt[],
	candidates: readonly Change[],
	base: string,
): (readonly Change[])[] {
	const seen = new Set<string>();
	const sets: (readonly Change[])[] = [];
	for (const { changes, end } of ahead) {
		const further = changes.length === 0 || end !== base;
		const settings = new Set(changes.map(settingOf));
		for (const candidate of candidates) {
			if (changes.some(({ subject }) => subject === candidate.subject)) continue;
			if (!further && !settings.has(settingOf(candidate))) continue;
			const set = [...changes, candidate];
			const key = set
				.map(({ text }) => text)
				.sort()
				.join('\n');
			if (seen.has(key)) continue;
			seen.add(key);
			sets.push(set);
		}
	}
	return sets.sort((a, b) => costOf(a) - costOf(b));
}

/** The last part of a sysctl's name; of another change, what it is to. */
function settingOf({ subject }: Change): string {
	return subject.slice(subject.lastIndexOf('.') + 1);
}
