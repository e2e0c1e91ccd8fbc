/** The example's network kept to explore by hand: two named namespaces that outlive the process. */
import { nameDevices, openHosts } from '../engines/linux/hosts.ts';
import { openPrograms } from '../engines/linux/programs.ts';
import type { Namespaces } from '../engines/linux/standing.ts';
import { openWatch } from '../engines/linux/watch.ts';
import { EncapForwardError } from '../error.ts';
import { requireKernelAccess } from '../kernel/capabilities.ts';
import { ipBatch, ipJson } from '../kernel/ip.ts';
import { mapInformation } from '../kernel/map.ts';
import {
	anonymousNamespace,
	closeNamespace,
	inNamespace,
	isNameTaken,
	namedNamespace,
	nameNamespace,
	removeName,
} from '../kernel/namespace.ts';
import { type Cell, exampleScenario } from '../scenario/example.ts';
import type { Scenario } from '../scenario/scenario.ts';
import {
	allMarkers,
	createMarker,
	isAlive,
	type Marker,
	readMarker,
	removeMarker,
	replaceMarker,
	thisProcess,
} from './marker.ts';

export const defaultName = 'encap-forward';

export interface Environment {
	readonly name: string;
	readonly cell: Cell;
	/** What stands in the namespaces. */
	readonly scenario: Scenario;
	/** Names of the namespaces, as `ip netns` shows them. */
	readonly router: string;
	readonly host: string;
}

/** The scenario that stands: pings bring their own packets. */
function scenarioOf(cell: Cell): Scenario {
	return exampleScenario(cell, new Uint8Array());
}

function namesOf(name: string): { readonly router: string; readonly host: string } {
	return { router: `${name}-router`, host: `${name}-host` };
}

/** A name becomes part of file names and namespaces' names. @throws EF_USAGE */
function requireName(name: string): void {
	if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name)) return;
	throw new EncapForwardError(
		'EF_USAGE',
		`"${name}" cannot name a lab; use up to 64 letters, digits, - and _, the first a letter or digit`,
	);
}

/**
 * Set the network up; one of ours with this name is replaced.
 * @throws EF_EXISTS where namespaces of these names are somebody else's
 */
export function setUp(name: string, cell: Cell): Environment {
	requireName(name);
	requireKernelAccess();
	clearLeftovers();
	const before = readMarker(name);
	if (before !== undefined) {
		requireNotBusy(before);
		remove(before);
	}
	const names = namesOf(name);
	for (const each of Object.values(names)) requireFree(each);
	const watch = openWatch();
	const programs = openPrograms(watch.sightings);
	try {
		const scenario = scenarioOf(cell);
		const namespaces = { router: anonymousNamespace(), host: anonymousNamespace() };
		const hosts = openHosts(scenario, namespaces, watch, programs);
		try {
			hosts.set(scenario, true);
			const { id } = mapInformation(watch.sightings);
			keep(name, namespaces, { cell, sightings: id });
		} finally {
			// What is attached stays with the devices, and they with the namespaces, which have names now.
			hosts.close();
		}
		return { name, cell, scenario, ...names };
	} finally {
		programs.close();
		watch.close();
	}
}

/** Give the namespaces names, so that they outlive this process. All of it or nothing, whenever it is killed. */
function keep(name: string, namespaces: Namespaces, up: NonNullable<Marker['up']>): void {
	const { router, host } = namespaces;
	const marker: Marker = { name, owner: thisProcess(), router: router.inode, host: host.inode };
	createMarker(marker);
	try {
		for (const side of ['router', 'host'] as const) nameNamespace(namespaces[side], namesOf(name)[side]);
		replaceMarker({ ...marker, up });
	} catch (error) {
		remove(marker);
		throw error;
	}
}

function requireFree(namespace: string): void {
	if (!isNameTaken(namespace)) return;
	throw new EncapForwardError(
		'EF_EXISTS',
		`the network namespace ${namespace} exists and is not ours; choose another --name`,
	);
}

function requireNotBusy({ name, owner, up }: Marker): void {
	if (up !== undefined || !isAlive(owner)) return;
	throw new EncapForwardError(
		'EF_BUSY',
		`the process ${owner.pid} is just setting up the lab ${name}; wait for it or choose another --name`,
	);
}

function openNamespaces(name: string): Namespaces | undefined {
	const names = namesOf(name);
	const router = namedNamespace(names.router);
	const host = namedNamespace(names.host);
	if (router !== undefined && host !== undefined) return { router, host };
	for (const namespace of [router, host]) if (namespace !== undefined) closeNamespace(namespace);
	return undefined;
}

export interface OpenEnvironment extends Environment {
	readonly namespaces: Namespaces;
	/** The number of the ring buffer that its datapath writes to. */
	readonly sightings: number;
	/** The name of a device by its number. */
	readonly device: ReturnType<typeof nameDevices>;
	/** Let go of the namespaces; they stay. */
	close(): void;
}

/** Open a network that is up. @throws EF_NOT_UP */
export function openEnvironment(name: string): OpenEnvironment {
	requireName(name);
	requireKernelAccess();
	clearLeftovers();
	const marker = readMarker(name);
	const namespaces = openNamespaces(name);
	const { up } = marker ?? {};
	if (
		up === undefined ||
		namespaces === undefined ||
		namespaces.router.inode !== marker?.router ||
		namespaces.host.inode !== marker.host
	) {
		const other = name === defaultName ? '' : ` --name ${name}`;
		throw new EncapForwardError(
			'EF_NOT_UP',
			`the lab ${name} is not up; "npx encap-forward lab up${other}" sets it up`,
		);
	}
	const { cell, sightings } = up;
	const scenario = scenarioOf(cell);
	const device = nameDevices(scenario);
	const close = (): void => {
		closeNamespace(namespaces.router);
		closeNamespace(namespaces.host);
	};
	return { name, cell, scenario, ...namesOf(name), namespaces, sightings, device, close };
}

/** Remove a network; whether there was one. @throws EF_BUSY while it is being set up */
export function tearDown(name: string): boolean {
	requireName(name);
	requireKernelAccess();
	clearLeftovers();
	const marker = readMarker(name);
	if (marker === undefined) return false;
	requireNotBusy(marker);
	remove(marker);
	return true;
}

/** Remove what processes that were killed had begun to set up. */
export function clearLeftovers(): void {
	for (const marker of allMarkers()) {
		if (marker.up === undefined && !isAlive(marker.owner)) remove(marker);
	}
}

/** Namespaces, devices and what is attached to them, then the marker: a removal cut short is taken up again. */
function remove(marker: Marker): void {
	const { name } = marker;
	for (const [side, namespaceName] of Object.entries(namesOf(name)) as ['router' | 'host', string][]) {
		const namespace = namedNamespace(namespaceName);
		const ours = namespace === undefined || namespace.inode === marker[side];
		if (namespace !== undefined) {
			// A shell somebody left in the namespace keeps it alive, but nothing of ours in it.
			if (ours) inNamespace(namespace, deleteLinks);
			closeNamespace(namespace);
		}
		if (ours) removeName(namespaceName);
	}
	removeMarker(name);
}

/** Deleting one end of a link deletes the other. */
function deleteLinks(): void {
	const links = ipJson<{ ifname: string }[]>('link', 'show', 'type', 'veth');
	ipBatch(links.map(({ ifname }) => `link delete ${ifname}`));
}
