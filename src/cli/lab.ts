/** `encap-forward lab`: try every cell of the table, on the running kernel or in the model. */
import { labJson } from '../lab/json.ts';
import { expectOutcome, labCapture, labJourneys } from '../lab/report.ts';
import { type LabResult, runLab } from '../lab/run.ts';
import { labText } from '../lab/table.ts';
import type { Cell } from '../scenario/example.ts';
import { packageVersion } from '../version.ts';
import { type CellFlags, cellsOf } from './cell-flags.ts';
import type { Context } from './context.ts';
import { type EngineFlags, openLabEngine } from './lab-engine.ts';
import { openFile } from './output-file.ts';

export interface LabFlags extends CellFlags, EngineFlags {
	readonly journey: boolean;
	readonly pcap?: string;
	readonly expect?: 'forwarded' | 'dropped';
	readonly json: boolean;
}

export async function lab(this: Context, flags: LabFlags): Promise<void> {
	const { output } = this;
	const cells = cellsOf(flags);
	const file = flags.pcap === undefined ? undefined : openFile(flags.pcap);
	try {
		const result = await tryCells(this, flags, cells);
		file?.write(labCapture(result, `encap-forward ${packageVersion()}`));
		if (flags.json) output.json(labJson(result, { journeys: flags.journey }));
		else output.lines([...(flags.journey ? labJourneys(result) : []), ...labText(result, output.style)]);
		if (flags.expect !== undefined) expectOutcome(result, flags.expect);
	} finally {
		file?.close();
	}
}

async function tryCells(
	{ output, signal }: Context,
	flags: EngineFlags,
	cells: readonly Cell[],
): Promise<LabResult> {
	const engine = await openLabEngine(flags, output);
	const stop = (): void => engine.close();
	signal.addEventListener('abort', stop);
	try {
		return await runLab(engine, cells, {
			signal,
			progress: (done, of) => output.progress(`${Math.min(done, of)} of ${of} cells`),
		});
	} finally {
		output.progress(undefined);
		signal.removeEventListener('abort', stop);
		engine.close();
	}
}
