/** Takes a snapshot of this host, or of one of its network namespaces. */
import { readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { EncapForwardError } from '../error.ts';
import { hookOf } from '../forwarder/pins.ts';
import { type CountedTunnel, openStatus } from '../forwarder/status.ts';
import { hasKernelAccess } from '../kernel/capabilities.ts';
import { ipJson } from '../kernel/ip.ts';
import { closeNamespace, inNamespace, namedNamespace } from '../kernel/namespace.ts';
import { readSysctl } from '../kernel/sysctl.ts';
import type { Family } from '../packet/address.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import type { IpLink, IpRoute, Snapshot, SnapshotForwarder } from './snapshot.ts';
import { snapshotVersion } from './snapshot.ts';
import {
	deviceSysctl,
	deviceSysctls,
	namespaceSysctls,
	neighbourSysctl,
	neighbourSysctls,
} from './sysctls.ts';

/**
 * The own namespace can be read by any user, but for the forwarder's maps.
 * @param netns name of a network namespace; the own one if not given
 * @throws EF_NOT_LINUX, EF_USAGE, EF_PERMISSION, EF_NO_TOOL
 */
export function takeSnapshot(netns?: string): Snapshot {
	if (process.platform !== 'linux') {
		throw new EncapForwardError(
			'EF_NOT_LINUX',
			`a snapshot is of a Linux host and this system is ${process.platform}; take it there, and give it by --snapshot`,
		);
	}
	const seen = netns === undefined ? snapshotHere() : inNamed(netns, snapshotHere);
	const forwarder = readForwarder(netns);
	if (forwarder === undefined) return seen;
	return { ...seen, forwarder, unknown: seen.unknown.filter((fact) => fact !== 'forwarder') };
}

/** Nobody shows them as plain data, or they are another world of their own. */
const unseen = ['netfilter', 'ipsec', 'programs'] as const;

function inNamed<T>(name: string, work: () => T extends PromiseLike<unknown> ? never : T): T {
	if (!hasKernelAccess()) {
		throw new EncapForwardError(
			'EF_PERMISSION',
			`to enter the network namespace ${name} needs root: CAP_SYS_ADMIN is missing; run it as root`,
		);
	}
	const namespace = namedNamespace(name);
	if (namespace === undefined) {
		throw new EncapForwardError(
			'EF_USAGE',
			`--netns: there is no network namespace ${name}; "ip netns list" shows those there are`,
		);
	}
	try {
		return inNamespace(namespace, work);
	} finally {
		closeNamespace(namespace);
	}
}

/** Of the namespace this thread is in, without its forwarder. */
export function snapshotHere(): Snapshot {
	const links = ipJson<readonly IpLink[]>('-details', 'address', 'show');
	const routes = (version: string) =>
		ipJson<readonly IpRoute[]>(version, '-details', 'route', 'show', 'table', 'all');
	return {
		version: snapshotVersion,
		kernel: release(),
		links,
		routes: { ipv4: routes('-4'), ipv6: routes('-6') },
		rules: {
			ipv4: ipJson('-4', '-details', 'rule', 'show'),
			ipv6: ipJson('-6', '-details', 'rule', 'show'),
		},
		neighbours: ipJson('-details', 'neighbour', 'show', 'nud', 'all'),
		nextHops: ipJson('-details', 'nexthop', 'show'),
		tables: tableNames(),
		sockets: readSockets(),
		sysctls: readSysctls(['all', 'default', ...links.map(({ ifname }) => ifname)]),
		forwarder: null,
		unknown: ['rules-history', 'forwarder', ...unseen],
	};
}

/** Those there are: older kernels lack some, and a device without the protocol has none. */
function readSysctls(devices: readonly string[]): Record<string, number> {
	const families: readonly Family[] = ['ipv4', 'ipv6'];
	const names = [
		...namespaceSysctls,
		...families.flatMap((family) =>
			devices.flatMap((device) => [
				...deviceSysctls[family].map((name) => deviceSysctl(family, device, name)),
				...neighbourSysctls.map((name) => neighbourSysctl(family, device, name)),
			]),
		),
	];
	const values: Record<string, number> = {};
	for (const name of names) {
		try {
			values[name] = Number(readSysctl(name));
		} catch {
			// It is not there.
		}
	}
	return values;
}

/** By protocol and port, each once (proc(5): local_address is hexadecimal, with the port behind a colon). */
function readSockets(): Snapshot['sockets'] {
	const found = new Map<string, Snapshot['sockets'][number]>();
	for (const [file, protocol] of [
		['tcp', 6],
		['tcp6', 6],
		['udp', 17],
		['udp6', 17],
	] as const) {
		for (const [, port = ''] of readText(`/proc/thread-self/net/${file}`).matchAll(
			/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /gm,
		)) {
			found.set(`${protocol} ${port}`, { protocol, port: Number.parseInt(port, 16) });
		}
	}
	return [...found.values()].sort((a, b) => a.protocol - b.protocol || a.port - b.port);
}

/** Undefined where it cannot be seen; null where there is none. */
function readForwarder(netns: string | undefined): SnapshotForwarder | null | undefined {
	if (!hasKernelAccess()) return undefined;
	try {
		const reader = openStatus(netns);
		try {
			const { interfaces, tunnels } = reader.read(true);
			return {
				interfaces: interfaces.map(({ name, places }) => ({
					name,
					hooks: [...new Set(places.map(hookOf))],
				})),
				tunnels: (tunnels.list ?? []).map(withoutCounts),
			};
		} finally {
			reader.close();
		}
	} catch (error) {
		const code = error instanceof EncapForwardError ? error.code : undefined;
		return code === 'EF_NOT_UP' || code === 'EF_NO_BPFFS' ? null : undefined;
	}
}

/** What a tunnel has carried is no part of what it is. */
function withoutCounts({ packets: _, bytes: __, ...tunnel }: CountedTunnel): Tunnel {
	return tunnel;
}

/** Where iproute2 finds names of tables; the first that has a name is right. */
const nameFolders = ['/etc/iproute2', '/usr/share/iproute2', '/usr/lib/iproute2'];

function tableNames(): Record<string, number> {
	const names: Record<string, number> = {};
	for (const folder of nameFolders.toReversed()) {
		for (const file of [`${folder}/rt_tables`, ...inFolder(`${folder}/rt_tables.d`)]) {
			for (const [, number, name = ''] of readText(file).matchAll(/^\s*(0x[0-9a-fA-F]+|\d+)\s+([^\s#]+)/gm)) {
				names[name] = Number(number);
			}
		}
	}
	for (const known of ['unspec', 'default', 'main', 'local']) delete names[known];
	return names;
}

function inFolder(folder: string): string[] {
	try {
		return readdirSync(folder)
			.filter((name) => name.endsWith('.conf'))
			.sort()
			.map((name) => `${folder}/${name}`);
	} catch {
		return [];
	}
}

function readText(file: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch {
		return '';
	}
}
