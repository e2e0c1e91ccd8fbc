/** The network counters of the namespace this thread is in: call inside `inNamespace`. */
import { readFileSync } from 'node:fs';

/** A counter of TcpExt, such as IPReversePathFilter; undefined if the kernel has none of this name. */
export function readCounter(name: string): number | undefined {
	// Lines in pairs: "TcpExt: NAME NAME …" and "TcpExt: NUMBER NUMBER …".
	const [names, values] = readFileSync('/proc/thread-self/net/netstat', 'utf8')
		.split('\n')
		.filter((line) => line.startsWith('TcpExt:'))
		.map((line) => line.split(' '));
	const at = names?.indexOf(name) ?? -1;
	return at < 0 ? undefined : Number(values?.[at]);
}
