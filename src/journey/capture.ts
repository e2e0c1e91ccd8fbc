/** Journeys as a capture file: every frame seen, where, when, with the verdict and the reason. */
import type { Capture, CaptureInterface, CapturePacket } from '../packet/pcapng.ts';
import { describeSighting } from './hops.ts';
import type { Journey, Sighting } from './journey.ts';

/** A journey and what to call it in its packets' comments. */
export interface CapturedJourney {
	readonly title: string;
	readonly journey: Journey;
}

/** @param application what wrote the capture, with its version */
export function captureOf(application: string, journeys: readonly CapturedJourney[]): Capture {
	const interfaces: CaptureInterface[] = [];
	const numbers = new Map<string, number>();
	const numberOf = ({ device, namespace }: Sighting): number => {
		const known = numbers.get(device);
		if (known !== undefined) return known;
		numbers.set(device, interfaces.length);
		return interfaces.push({ name: device, description: `${namespace} namespace` }) - 1;
	};
	const packets = journeys.flatMap(({ title, journey }) =>
		journey.sightings.map((sighting): CapturePacket => {
			const { place, decision, after, frame, length } = sighting;
			return {
				interface: numberOf(sighting),
				timestamp: journey.sentAt + BigInt(after),
				bytes: frame,
				length,
				comment: `${title}: ${describeSighting(sighting)}`,
				direction: place === 'sent' || place === 'transmit' ? 'outbound' : 'inbound',
				...(decision === undefined
					? {}
					: { verdict: { hook: place === 'xdp-out' ? 'xdp' : 'tc', action: decision.verdict } }),
			};
		}),
	);
	// Journeys are told in the table's order; a capture is read in time's.
	packets.sort((a, b) => Number(a.timestamp - b.timestamp));
	return { application, os: `Linux ${journeys[0]?.journey.kernel ?? ''}`, interfaces, packets };
}
