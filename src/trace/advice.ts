/**
 * What `explain` says of a drop: why, and the smallest change that gets the packet through. The packet is
 * asked about again, in the model, on the host as it is now.
 */
import { openModelEngine } from '../engines/model/engine.ts';
import { EncapForwardError } from '../error.ts';
import { explain } from '../explain/explain.ts';
import { scenarioOf } from '../explain/state.ts';
import { takeSnapshot } from '../explain/take-snapshot.ts';
import { explainJourney } from '../journey/explanation.ts';
import { closeNamespace, inNamespace, openNamespace } from '../kernel/namespace.ts';
import { concatenate } from '../packet/bytes.ts';
import type { DroppedPacket, TracedDrop } from './drop.ts';
import { listNamespaces } from './namespaces.ts';
import { type Place, placesOf } from './places.ts';
import type { Row } from './tally.ts';

export interface Advice {
	/** Why, in a sentence. */
	readonly explanation: string;
	/** What gets the packet through, each thing with what else it affects; empty if nothing was found. */
	readonly changes: readonly {
		readonly change: string;
		readonly commands: readonly string[];
		readonly affects: string;
	}[];
}

/** Of so many places, those that drop most: a question takes a tenth of a second. */
const mostPlaces = 5;

/** By place (`placesOf`), where the model finds the drop that the kernel made; nothing of others is said. */
export async function adviseOn(rows: readonly Row[]): Promise<ReadonlyMap<string, Advice>> {
	const found = new Map<string, Advice>();
	const paths = new Map([...listNamespaces().values()].map(({ name, path }) => [name, path]));
	const engine = openModelEngine({});
	try {
		for (const place of placesOf(rows).filter(isAskable).slice(0, mostPlaces)) {
			const path = paths.get(place.drop.namespace);
			const packet = place.rows.find(({ sample }) => sample?.start === 'ethernet')?.sample;
			if (path === undefined || packet === undefined) continue;
			const advice = await ask(engine, place.drop, packet, path);
			if (advice !== undefined) found.set(place.key, advice);
		}
	} finally {
		engine.close();
	}
	return found;
}

/** The model knows the kernel's input path. */
function isAskable({ drop }: Place): boolean {
	return drop.by === 'kernel' && drop.device !== '' && drop.cause !== 'unknown';
}

async function ask(
	engine: ReturnType<typeof openModelEngine>,
	drop: TracedDrop,
	{ bytes, length }: DroppedPacket,
	path: string,
): Promise<Advice | undefined> {
	// Of what was not captured only the length counts.
	const frame = concatenate([bytes, new Uint8Array(length - bytes.length)]);
	try {
		const namespace = openNamespace(path);
		// What the kernel dropped had passed our datapath before, if there is one.
		const snapshot = { ...inNamespace(namespace, () => takeSnapshot()), forwarder: null };
		closeNamespace(namespace);
		const question = { snapshot, device: drop.device, frame: () => frame };
		const { state, journey, solutions } = await explain(engine, question);
		const { outcome } = journey;
		if (outcome.kind !== 'dropped' || outcome.cause !== drop.cause) return undefined;
		const changes = (solutions[0]?.changes ?? []).map(({ text, commands, affects }) => ({
			change: text,
			commands,
			affects,
		}));
		return { explanation: explainJourney(scenarioOf(state), journey), changes };
	} catch (error) {
		// The device or the namespace has gone, or the packet is none that the model knows.
		if (error instanceof EncapForwardError) return undefined;
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw error;
	}
}
