/** The lab's result for programs. */
import { type JourneyJson, journeyJson, type OutcomeJson, outcomeJson } from '../journey/json.ts';
import type { Cell } from '../scenario/example.ts';
import type { SysctlChange } from './fix.ts';
import type { LabResult } from './run.ts';

export interface LabJson {
	readonly engine: string;
	readonly kernel: string;
	readonly elapsedMs: number;
	readonly cells: readonly CellJson[];
}

export type CellJson = Cell &
	OutcomeJson & {
		readonly explanation: string;
		readonly fix: readonly SysctlChange[];
		/** Only if asked for. */
		readonly journey?: JourneyJson;
	};

export function labJson(result: LabResult, options: { readonly journeys?: boolean } = {}): LabJson {
	const { engine, kernel, elapsedMs } = result;
	const cells = result.cells.map(({ cell, journey, explanation, fix }) => ({
		...cell,
		...outcomeJson(journey.outcome),
		explanation,
		fix,
		...(options.journeys === true ? { journey: journeyJson(journey) } : {}),
	}));
	return { engine, kernel, elapsedMs, cells };
}
