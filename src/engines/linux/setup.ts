/** What of a scenario's hosts is told to iproute2 and sysctl: two namespaces made to hold what it says. */
import { EncapForwardError } from '../../error.ts';
import { ipBatch } from '../../kernel/ip.ts';
import { libc } from '../../kernel/libc.ts';
import { inNamespace, type Namespace } from '../../kernel/namespace.ts';
import { writeSysctl } from '../../kernel/sysctl.ts';
import type { Host, Scenario } from '../../scenario/scenario.ts';
import { addressCommands, linkCommands, neighbourCommands, quiet, upCommands } from './topology.ts';

export interface Namespaces {
	readonly router: Namespace;
	readonly host: Namespace;
}

/** Make the links and addresses in two new namespaces. */
export function buildHosts(scenario: Scenario, namespaces: Namespaces): void {
	for (const namespace of [namespaces.router, namespaces.host]) {
		inNamespace(namespace, () => writeSysctls(quiet));
	}
	const hostNamespace = `/proc/${process.pid}/fd/${namespaces.host.fd}`;
	inNamespace(namespaces.router, () =>
		ipBatch([...linkCommands(scenario, hostNamespace), ...upCommands(scenario.router)]),
	);
	inNamespace(namespaces.host, () =>
		ipBatch([...upCommands(scenario.host), ...addressCommands(scenario.host)]),
	);
	inNamespace(namespaces.router, () => ipBatch(addressCommands(scenario.router)));
}

/** The names of the devices of a scenario's hosts by their numbers, which are each namespace's own. */
export function nameDevices(
	scenario: Scenario,
	namespaces: Namespaces,
): (namespace: keyof Namespaces, index: number) => string {
	const names = { router: new Map<number, string>(), host: new Map<number, string>() };
	for (const link of scenario.links) {
		for (const side of ['router', 'host'] as const) {
			names[side].set(deviceIndex(namespaces[side], link[side]), link[side]);
		}
	}
	return (namespace, index) => names[namespace].get(index) ?? `device ${index}`;
}

/** Leave a host with its scenario's neighbours and no others. */
export function setNeighbours(namespace: Namespace, host: Host): void {
	inNamespace(namespace, () => ipBatch(neighbourCommands(host)));
}

/** Write those sysctls of a host that are not as they were written before. */
export function setSysctls(namespace: Namespace, host: Host, before: Host | undefined): void {
	const changed = Object.entries(host.sysctls).filter(([name, value]) => before?.sysctls[name] !== value);
	if (changed.length > 0) inNamespace(namespace, () => writeSysctls(Object.fromEntries(changed)));
}

function writeSysctls(values: Readonly<Record<string, number>>): void {
	for (const [name, value] of Object.entries(values)) writeSysctl(name, value);
}

/** The number of a device in a namespace. @throws EF_INPUT if there is none of this name */
export function deviceIndex(namespace: Namespace, name: string): number {
	const index = inNamespace(namespace, () => libc().if_nametoindex(name));
	if (index === 0) throw new EncapForwardError('EF_INPUT', `there is no device ${name}`);
	return index;
}
