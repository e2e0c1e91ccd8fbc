/** When the datapath's own decision is a packet's end. */
import { causeOfOutcome } from './cause.ts';
import type { Decision, Outcome } from './journey.ts';

/** The programs' return codes that end a frame. */
const dropVerdict = { xdp: 1, tc: 2 } as const;

/** How a decision ends the packet; undefined where it goes on. What is answered goes back as another packet. */
export function datapathDrop(hook: 'xdp' | 'tc', { outcome, verdict }: Decision): Outcome | undefined {
	if (verdict !== dropVerdict[hook] && outcome !== 'too-big-answered') return undefined;
	return { kind: 'dropped', by: 'datapath', reason: outcome, where: hook, cause: causeOfOutcome(outcome) };
}
