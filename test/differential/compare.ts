/** Whether two engines agree on what became of a packet. */
import type { Journey, Outcome } from '../../src/journey/journey.ts';
import { viewOf } from '../../src/packet/bytes.ts';
import { updateChecksum } from '../../src/packet/checksum.ts';
import { ethernetLength } from '../../src/packet/ethernet.ts';
import { ipv4Length } from '../../src/packet/ipv4.ts';
import { etherType } from '../../src/packet/protocol.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';

/** An outcome as one text: everything that must agree. */
export function outcomeText(outcome: Outcome): string {
	switch (outcome.kind) {
		case 'forwarded':
		case 'delivered':
			return `${outcome.kind} ${outcome.device} ${Buffer.from(outcome.frame).toString('hex')}`;
		case 'dropped':
			return `${outcome.kind} by ${outcome.by}: ${outcome.reason} at ${outcome.where}: ${outcome.cause}`;
		case 'vanished':
			return outcome.kind;
	}
}

/** An outcome but for its bytes. */
export function outcomeKind(outcome: Outcome): string {
	return 'frame' in outcome ? `${outcome.kind} ${outcome.device}` : outcomeText(outcome);
}

/**
 * Whether the kernel's outcome is the model's, or one of those where the kernel chooses by chance. Where
 * nothing that is seen of the kernel tells the cause, the model's is one of those it can be.
 */
export function agree({ datapath }: Scenario, linux: Journey, model: Journey): boolean {
	const comparable = (outcome: Outcome): Outcome =>
		datapath !== undefined && 'frame' in outcome
			? { ...outcome, frame: withoutIdentification(outcome.frame) }
			: outcome;
	const seen = comparable(linux.outcome);
	return [model.outcome, ...(model.alternatives ?? [])].some((outcome) => {
		const known = comparable(outcome);
		const unknown = seen.kind === 'dropped' && known.kind === 'dropped' && seen.cause === 'unknown';
		return outcomeText(unknown ? { ...known, cause: 'unknown' } : known) === outcomeText(seen);
	});
}

/** The datapath draws the identification of an outer IPv4 header: it becomes 0, and the checksum follows. */
function withoutIdentification(frame: Uint8Array): Uint8Array {
	if (frame.length < ethernetLength + ipv4Length || viewOf(frame).getUint16(12) !== etherType.ipv4)
		return frame;
	const changed = frame.slice();
	const view = viewOf(changed);
	const [identification, checksum] = [ethernetLength + 4, ethernetLength + 10];
	const sum = updateChecksum(view.getUint16(checksum), view.getUint16(identification), 0);
	// Zero and its complement are the same sum.
	view.setUint16(checksum, sum === 0xffff ? 0 : sum);
	view.setUint16(identification, 0);
	return changed;
}
