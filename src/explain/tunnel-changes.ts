/** What of the datapath and its tunnels might be otherwise. */
import type { Datapath } from '../scenario/scenario.ts';
import type { Change } from './change.ts';
import type { State } from './state.ts';

export function tunnelChanges({ datapath }: State): Change[] {
	if (datapath === undefined) return [];
	const changes: Change[] = [];
	if (datapath.forwarding === 'stack') {
		changes.push({
			kind: 'tunnel',
			openness: 0,
			text: 'forward by the FIB (--forwarding fib): redirect the encapsulated packet in place of passing it up the stack',
			commands: [],
			affects:
				'no encapsulated packet enters the IP input path: no sysctl and no firewall rule there sees it',
			subject: 'forwarding',
			apply: (before) => withDatapath(before, { forwarding: 'fib' }),
		});
	}
	const fragmentable = datapath.tunnels.some(
		({ destination, dontFragment }) => !destination.includes(':') && dontFragment !== false,
	);
	if (fragmentable) {
		changes.push({
			kind: 'fragments',
			openness: 2,
			text: 'let routers fragment the outer packet (dontFragment: false)',
			commands: [],
			affects: 'whatever the tunnel carries may arrive in fragments, which the far end has to put together',
			subject: 'dontFragment',
			apply: (before) =>
				withDatapath(before, {
					tunnels: datapath.tunnels.map((tunnel) =>
						tunnel.destination.includes(':') ? tunnel : { ...tunnel, dontFragment: false },
					),
				}),
		});
	}
	return changes;
}

function withDatapath(state: State, change: Partial<Datapath>): State {
	return state.datapath === undefined ? state : { ...state, datapath: { ...state.datapath, ...change } };
}
