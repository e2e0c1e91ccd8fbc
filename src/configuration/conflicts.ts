/** Parts of a configuration that are each right and cannot stand together. */
import { parseIp } from '../packet/address.ts';
import type { Decapsulation } from '../tunnel/decapsulation.ts';
import { defaultPort } from '../tunnel/limits.ts';
import type { Configuration } from './configuration.ts';

/** Told of the later of two that contradict each other, by its keys; false: enough has been heard. */
export type KeysReport = (keys: readonly (string | number)[], message: string) => boolean;

/** What may be said more than once and must not, in lists of names. */
export function reportRepeatedNames(list: string, names: readonly unknown[], report: KeysReport): void {
	const seen = new Map<string, number>();
	for (const [index, name] of names.entries()) {
		if (typeof name !== 'string') continue;
		const first = seen.get(name);
		if (first === undefined) seen.set(name, index);
		else report([list, index], `"${name}" is ${list}[${first}] already; remove one`);
	}
}

export function reportHookConflict(
	{ hook, xdpMode }: Partial<Record<keyof Configuration, unknown>>,
	report: KeysReport,
): void {
	if (hook === 'tc' && (xdpMode === 'native' || xdpMode === 'generic'))
		report(['xdpMode'], `${xdpMode} means nothing with hook tc; remove it, or give hook xdp`);
}

/** What tells a packet that is meant from another, as text. */
function identity(decapsulation: Decapsulation): { readonly all: string; readonly port?: string } {
	const { encapsulation, local } = decapsulation;
	const address = parseIp(local)?.bytes.join('.') ?? local;
	if (encapsulation === 'ip') return { all: `ip ${address}` };
	if (encapsulation === 'gre') return { all: `gre ${address} ${decapsulation.key ?? 'none'}` };
	const port = `${address} ${decapsulation.port ?? defaultPort[encapsulation]}`;
	const vni = encapsulation === 'gue' ? '' : ` ${decapsulation.vni}`;
	return { all: `${encapsulation} ${port}${vni}`, port };
}

/** The same one twice, or one UDP port for two encapsulations. @param of by its index in the file */
export function reportDecapsulationConflicts(
	of: ReadonlyMap<number, Decapsulation>,
	report: KeysReport,
): void {
	const seen = new Map<string, number>();
	const ports = new Map<string, { readonly index: number; readonly encapsulation: string }>();
	for (const [index, decapsulation] of of) {
		const { encapsulation } = decapsulation;
		const { all, port } = identity(decapsulation);
		const first = seen.get(all);
		if (first === undefined) seen.set(all, index);
		else report(['decapsulate', index], `is the same as decapsulate[${first}]; remove one`);
		if (port === undefined) continue;
		const holder = ports.get(port);
		if (holder === undefined) ports.set(port, { index, encapsulation });
		else if (holder.encapsulation !== encapsulation) {
			const message = `its address and port are those of decapsulate[${holder.index}], which is ${holder.encapsulation}; give another port`;
			report(['decapsulate', index], message);
		}
	}
}
