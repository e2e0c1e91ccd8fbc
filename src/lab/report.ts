/** What can be made of the lab's result beside its table: journeys, a capture file, an expectation. */
import { EncapForwardError } from '../error.ts';
import { captureOf } from '../journey/capture.ts';
import { journeyText } from '../journey/text.ts';
import { pcapng } from '../packet/pcapng.ts';
import type { LabResult } from './run.ts';
import { cellTitle } from './title.ts';

/** Every packet's way as lines. */
export function labJourneys({ cells }: LabResult): string[] {
	return cells.flatMap(({ cell, journey, explanation }) => [
		cellTitle(cell),
		...journeyText(journey, explanation),
		'',
	]);
}

/** Every frame seen as a pcapng file. @param application what wrote it, with its version */
export function labCapture({ cells }: LabResult, application: string): Uint8Array {
	const journeys = cells.map(({ cell, journey }) => ({ title: cellTitle(cell), journey }));
	return pcapng(captureOf(application, journeys));
}

/** @throws EF_EXPECTATION unless every packet ended so */
export function expectOutcome({ cells }: LabResult, expected: 'forwarded' | 'dropped'): void {
	const others = cells.filter(({ journey }) => journey.outcome.kind !== expected);
	const [first] = others;
	if (first === undefined) return;
	throw new EncapForwardError(
		'EF_EXPECTATION',
		`expected every packet to be ${expected}, but ${others.length} of ${cells.length} were not; the first: ${cellTitle(first.cell)} was ${first.journey.outcome.kind}`,
	);
}
