/** A journey for programs: what JSON can hold, frames in hexadecimal. */
import type { Journey, Outcome, Sighting } from './journey.ts';

/** How it ended: reason, where and cause are null unless it was dropped. */
export interface OutcomeJson {
	readonly outcome: Outcome['kind'];
	readonly reason: string | null;
	readonly where: string | null;
	readonly cause: string | null;
}

export interface JourneyJson {
	/** Nanoseconds since 1970, a decimal number as text. */
	readonly sentAt: string;
	readonly sightings: readonly (Omit<Sighting, 'frame'> & { readonly frame: string })[];
}

export function outcomeJson(outcome: Outcome): OutcomeJson {
	const { reason = null, where = null, cause = null } = outcome.kind === 'dropped' ? outcome : {};
	return { outcome: outcome.kind, reason, where, cause };
}

function sightingJson(sighting: Sighting): JourneyJson['sightings'][number] {
	const frame = Array.from(sighting.frame, (byte) => byte.toString(16).padStart(2, '0')).join('');
	return { ...sighting, frame };
}

export function journeyJson({ sentAt, sightings }: Journey): JourneyJson {
	return { sentAt: String(sentAt), sightings: sightings.map(sightingJson) };
}
