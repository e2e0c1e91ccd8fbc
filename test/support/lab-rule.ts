/** What must come of each cell of the lab, by the rule that the kernel's sources and its documentation give. */
import type { Cell } from '../../src/scenario/example.ts';

export type Verdict = 'forwarded' | 'source-is-local' | 'reverse-path';

/**
 * Only an encapsulated IPv4 packet that enters the stack is validated (fib_validate_source): a local source
 * only with accept_local=1; then strict mode asks that the way back leads out of veth0, where no source here
 * belongs, and loose mode that there is one at all.
 */
export function labVerdict({ outer, forwarding, source, rpFilter, acceptLocal }: Cell): Verdict {
	if (outer === 'ipv6' || forwarding === 'fib') return 'forwarded';
	if (source === 'local' && acceptLocal === 0) return 'source-is-local';
	if (rpFilter === 1) return 'reverse-path';
	return rpFilter === 2 && source === 'unrouted' ? 'reverse-path' : 'forwarded';
}
