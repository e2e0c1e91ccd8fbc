/** Tries the cells of the table in an engine and says of each what became of it and why. */
import type { Engine } from '../engines/engine.ts';
import { explainJourney } from '../journey/explanation.ts';
import type { Journey } from '../journey/journey.ts';
import { type Cell, exampleScenario } from '../scenario/example.ts';
import { cellKey, quickOrder } from './cells.ts';
import { changes, type SysctlChange, sysctlVariants } from './fix.ts';

export interface TriedCell {
	readonly cell: Cell;
	readonly journey: Journey;
	/** One sentence. */
	readonly explanation: string;
	/** Of a dropped cell: the smallest change of sysctls that gets it through; empty if none does. */
	readonly fix: readonly SysctlChange[];
}

export interface LabResult {
	readonly engine: Engine['name'];
	readonly kernel: string;
	readonly elapsedMs: number;
	readonly cells: readonly TriedCell[];
}

export interface LabOptions {
	/** Called after each packet with how many of the cells are done. */
	readonly progress?: (done: number, of: number) => void;
	/** Ends the run: the cells tried so far are not reported. */
	readonly signal?: AbortSignal;
}

/** What an echo request of the lab carries: no two are alike, so that each is told from the others. */
function uniquePayload(): Uint8Array {
	return crypto.getRandomValues(new Uint8Array(32));
}

/** @throws the signal's reason when aborted, and what the engine throws */
export async function runLab(
	engine: Engine,
	cells: readonly Cell[],
	options: LabOptions = {},
): Promise<LabResult> {
	const begin = performance.now();
	const tried = new Map<string, { readonly journey: Journey; readonly explanation: string }>();
	const attempt = async (cell: Cell) => {
		const key = cellKey(cell);
		const known = tried.get(key);
		if (known !== undefined) return known;
		// Between packets the event loop turns, so that a signal or a terminal is heard.
		await new Promise((resolve) => setImmediate(resolve));
		options.signal?.throwIfAborted();
		const scenario = exampleScenario(cell, uniquePayload());
		const journey = await engine.run(scenario);
		options.signal?.throwIfAborted();
		const result = { journey, explanation: explainJourney(scenario, journey) };
		tried.set(key, result);
		return result;
	};
	for (const cell of quickOrder(cells)) {
		await attempt(cell);
		options.progress?.(tried.size, cells.length);
	}
	const results: TriedCell[] = [];
	for (const cell of cells) {
		const result = await attempt(cell);
		const fix: SysctlChange[] = [];
		if (result.journey.outcome.kind === 'dropped') {
			// What the choice left out is tried too: the fix is seen to work, not concluded.
			for (const variant of sysctlVariants(cell)) {
				if ((await attempt(variant)).journey.outcome.kind !== 'forwarded') continue;
				fix.push(...changes(cell, variant));
				break;
			}
		}
		results.push({ cell, ...result, fix });
	}
	const elapsedMs = Math.round(performance.now() - begin);
	return { engine: engine.name, kernel: engine.kernel, elapsedMs, cells: results };
}
