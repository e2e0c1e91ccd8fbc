/** What the datapath's programs are loaded with, in a kernel and in the model of one. */
import type { Forwarding, Hook } from '../scenario/scenario.ts';

/** enum forwarding of bpf/datapath.bpf.c */
export const forwardingNumber: Readonly<Record<Forwarding, number>> = { stack: 0, fib: 1 };

/** Maps that the programs of both hooks have in common. */
export const sharedMaps = [
	'tunnels',
	'templates',
	'prefixes',
	'.data.generation',
	'tunnel_counts',
	'endpoints',
	'decapsulations',
	'devices',
] as const;

/** Room for so many tunnels, if nothing else is said. */
export const defaultTunnels = 1024;

/** The hooks a datapath needs: XDP cannot resolve a next hop and hands such packets to TC. */
export function hooksOf(hook: Hook, forwarding: Forwarding): readonly Hook[] {
	return hook === 'xdp' && forwarding === 'fib' ? ['tc', 'xdp'] : [hook];
}
