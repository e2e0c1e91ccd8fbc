/** What becomes of a packet on a snapshot's host, why, and the smallest change that gets it through. */
import type { Engine } from '../engines/engine.ts';
import type { Journey, Outcome } from '../journey/journey.ts';
import { type Asked, ask, type Question } from './question.ts';
import { findChanges, isThrough, type Solution } from './search.ts';
import type { UnknownFact } from './snapshot.ts';
import { neighbourKnowledge, type State, scenarioOf } from './state.ts';

/** Another answer that is right if something is so that the snapshot does not show. */
export interface Alternative {
	/** `if …`, without the if. */
	readonly condition: string;
	readonly journey: Journey;
	/** What then helps, the smallest first; empty if nothing is needed or nothing was found. */
	readonly solutions: readonly Solution[];
}

export interface Explanation {
	readonly state: State;
	readonly journey: Journey;
	/** What the kernel's log would say if log_martians were on; undefined where it says so already, or nothing. */
	readonly logIfAsked: string | undefined;
	/** What gets it through, the smallest first; empty if nothing is needed or nothing was found. */
	readonly solutions: readonly Solution[];
	/** How many states the search tried. */
	readonly tried: number;
	readonly alternatives: readonly Alternative[];
	readonly notes: readonly string[];
	readonly unknown: readonly UnknownFact[];
}

/** @throws EF_NO_DEVICE, EF_PACKET, EF_CONTRADICTION, and what the engine throws */
export async function explain(engine: Engine, question: Question): Promise<Explanation> {
	const { state, notes }: Asked = ask(question);
	const journey = await engine.run(scenarioOf(state));
	const { solutions, tried } = isThrough(journey)
		? { solutions: [], tried: 0 }
		: await findChanges(engine, state, journey);
	const alternatives: Alternative[] = [];
	for (const { condition, state: other } of otherStates(state)) {
		const result = await engine.run(scenarioOf(other));
		if (sameOutcome(result.outcome, journey.outcome)) continue;
		const found = isThrough(result) ? [] : (await findChanges(engine, other, result)).solutions;
		alternatives.push({ condition, journey: result, solutions: found });
	}
	const logIfAsked =
		journey.traces?.log === undefined && !isThrough(journey)
			? (await engine.run(scenarioOf(withMartiansLogged(state)))).traces?.log
			: undefined;
	const { unknown } = question.snapshot;
	return { state, journey, logIfAsked, solutions, tried, alternatives, notes, unknown };
}

/** The state as it would be if what nobody can see were otherwise than it was taken to be. */
function otherStates(state: State): { readonly condition: string; readonly state: State }[] {
	const { host, answering } = state;
	const others: { condition: string; state: State }[] = [];
	if (host.everHadRules === undefined) {
		others.push({
			condition:
				'an IPv4 routing rule was ever added or deleted here, which the kernel remembers and shows to nobody',
			state: { ...state, host: { ...host, everHadRules: true } },
		});
	}
	const unsure = answering.filter(
		(nextHop) =>
			neighbourKnowledge(host, nextHop) === 'none' && host.devices[nextHop.device]?.carrier !== false,
	);
	for (const { device, address } of unsure) {
		others.push({
			condition: `${address} does not answer on the link of ${device}: it is not among the neighbours yet`,
			state: {
				...state,
				answering: answering.filter((each) => each.device !== device || each.address !== address),
			},
		});
	}
	return others;
}

function withMartiansLogged(state: State): State {
	const sysctls = { ...state.host.sysctls, 'net.ipv4.conf.all.log_martians': 1 };
	return { ...state, host: { ...state.host, sysctls } };
}

function sameOutcome(a: Outcome, b: Outcome): boolean {
	if (a.kind !== b.kind) return false;
	if (a.kind === 'dropped' && b.kind === 'dropped') return a.cause === b.cause && a.where === b.where;
	return a.kind !== 'forwarded' || b.kind !== 'forwarded' || a.device === b.device;
}
