/** A journey for people: step by step, with the bytes dissected where they changed. */
import { dissect, summarize } from '../packet/dissect.ts';
import { describeSighting } from './hops.ts';
import type { Journey, Sighting } from './journey.ts';
import { wrap } from './wrap.ts';

/** Bytes in a row of hexadecimal. */
const row = 24;

/** How a journey ended and why; where it was dropped, the line before has said. */
export function endLines({ outcome }: Journey, explanation: string): string[] {
	const end = outcome.kind === 'dropped' ? outcome.cause : outcome.kind;
	return wrap(`→ ${end}: ${explanation}`, ''.padStart(12));
}

/** One line: when, on which device, what happened. */
export function sightingLine(sighting: Sighting): string {
	const after = `+${(sighting.after / 1000).toFixed(0)} µs`;
	const caused = sighting.packet ? '' : `${summarize(sighting.frame)}: `;
	return `${after.padStart(10)}  ${sighting.device.padEnd(6)} ${caused}${describeSighting(sighting)}`;
}

/** A sighting as it happens: its line, and the frame in a line where it is not as it was before. */
export function liveLines(
	sighting: Sighting,
	before: string,
): { readonly lines: string[]; readonly frame: string } {
	if (!sighting.packet) return { lines: [sightingLine(sighting)], frame: before };
	const frame = summarize(sighting.frame);
	const changed = frame === before ? [] : [`${''.padStart(20)}${frame}`];
	return { lines: [sightingLine(sighting), ...changed], frame };
}

/** The lines of a whole journey, its explanation last. */
export function journeyText(journey: Journey, explanation: string): string[] {
	let before = '';
	const lines = journey.sightings.flatMap((sighting) => {
		const bytes = hex(sighting.frame);
		const changed = sighting.packet && bytes !== before;
		if (sighting.packet) before = bytes;
		return [sightingLine(sighting), ...(changed ? dissectedLines(sighting.frame) : [])];
	});
	return [...lines, ...endLines(journey, explanation)];
}

/** Each header: where it stands, what it says, its bytes. */
function dissectedLines(frame: Uint8Array): string[] {
	return dissect(frame).flatMap(({ offset, length, summary, checksum }) => {
		const range = `${offset}-${offset + length - 1}`;
		const bad = checksum === 'bad' ? ' (checksum is wrong)' : '';
		const rows: string[] = [];
		for (let at = offset; at < offset + length; at += row) {
			const bytes = frame.subarray(at, Math.min(at + row, offset + length));
			rows.push(`${''.padStart(21)}${hex(bytes)}`);
		}
		return [`${range.padStart(19)}  ${summary}${bad}`, ...rows];
	});
}

function hex(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
