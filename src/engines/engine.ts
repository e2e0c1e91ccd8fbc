/** An engine tries scenarios: the real kernel, or a model of it. */
import type { Journey } from '../journey/journey.ts';
import type { Scenario } from '../scenario/scenario.ts';

export interface Engine {
	readonly name: Journey['engine'];
	/** The kernel's release. */
	readonly kernel: string;
	/** Try one scenario; one at a time. */
	run(scenario: Scenario): Promise<Journey>;
	/** Remove all it made. A run under way ends as vanished. */
	close(): void;
}
