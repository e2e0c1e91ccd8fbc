/** Every change that is worth trying on a state. */
import type { Change } from './change.ts';
import type { Facts } from './facts.ts';
import { linkChanges } from './link-changes.ts';
import { packetChanges } from './packet-changes.ts';
import { routeChanges } from './route-changes.ts';
import type { State } from './state.ts';
import { sysctlChanges } from './sysctl-changes.ts';
import { tunnelChanges } from './tunnel-changes.ts';

/** Of nothing but the state itself: which of them helps is for the model to say. */
export function changesOf(state: State, facts: Facts): Change[] {
	return [
		...sysctlChanges(state, facts),
		...tunnelChanges(state),
		...linkChanges(state, facts),
		...routeChanges(state, facts),
		...packetChanges(state, facts),
	];
}
