/** Whether two engines agree on what became of a packet. */
import type { Journey, Outcome } from '../../src/journey/journey.ts';

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

/** Whether the kernel's outcome is the model's, or one of those where the kernel chooses by chance. */
export function agree(linux: Journey, model: Journey): boolean {
	const seen = outcomeText(linux.outcome);
	return [model.outcome, ...(model.alternatives ?? [])].some((outcome) => outcomeText(outcome) === seen);
}
