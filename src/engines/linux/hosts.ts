/** A scenario's two hosts as network namespaces of the running kernel, and what of them can change. */
import { type Datapath, loadDatapath } from '../../datapath/datapath.ts';
import { EncapForwardError } from '../../error.ts';
import { attachTc, attachXdp, detachTc, detachXdp } from '../../kernel/attach.ts';
import { closeNamespace, inNamespace, type Namespace } from '../../kernel/namespace.ts';
import { openPacketSocket, type PacketSocket } from '../../kernel/packet-socket.ts';
import type { Host, Scenario } from '../../scenario/scenario.ts';
import { buildHosts, deviceIndex, type Namespaces, nameDevices, setNeighbours, setSysctls } from './setup.ts';
import { ground } from './topology.ts';
import type { Watch } from './watch.ts';

export interface Hosts {
	readonly namespaces: Namespaces;
	/** The name of a device by its number. */
	device(namespace: keyof Namespaces, index: number): string;
	/** Whether a scenario can be set on these hosts as they stand. */
	fits(scenario: Scenario): boolean;
	/**
	 * Set what of a scenario can change: sysctls, neighbours, the datapath.
	 * @param pristine whether no host has learnt of a neighbour since the last time
	 */
	set(scenario: Scenario, pristine: boolean): void;
	/** Send the scenario's packet from the far end of the link it comes in by. */
	send(scenario: Scenario): void;
	/** Let the namespaces go: the kernel removes them with all that is in them. */
	close(): void;
}

interface Attached {
	/** What it was loaded and attached for. */
	readonly key: string;
	readonly device: number;
	readonly datapath: Datapath;
	/** The tunnels it was last given. */
	tunnels: string;
}

/** Make the links and addresses in two new namespaces, which are closed with the hosts. */
export function openHosts(scenario: Scenario, namespaces: Namespaces, watch: Watch): Hosts {
	const sockets = new Map<string, PacketSocket>();
	let device: Hosts['device'] = () => '';
	let current: Scenario | undefined;
	let attached: Attached | undefined;

	const close = (): void => {
		attached?.datapath.close();
		for (const socket of sockets.values()) socket.close();
		closeNamespace(namespaces.router);
		closeNamespace(namespaces.host);
	};

	try {
		buildHosts(scenario, namespaces);
		device = nameDevices(scenario, namespaces);
		for (const link of scenario.links) {
			const far = deviceIndex(namespaces.host, link.host);
			watch.farEnd(namespaces.host, far);
			sockets.set(link.router, openPacketSocket(namespaces.host, far));
		}
		watch.namespace(namespaces.router);
	} catch (error) {
		close();
		throw error;
	}

	const setDatapath = ({ datapath }: Scenario): void => {
		const key = datapath && JSON.stringify([datapath.hook, datapath.forwarding, datapath.device]);
		if (attached !== undefined && attached.key !== key) {
			detachDatapath(namespaces.router, attached.device, attached.datapath);
			attached = undefined;
		}
		if (datapath === undefined || key === undefined) return;
		if (attached === undefined) {
			const device = deviceIndex(namespaces.router, datapath.device);
			const loaded = attachDatapath(namespaces.router, device, datapath, watch.sightings);
			attached = { key, device, datapath: loaded, tunnels: '' };
		}
		const tunnels = JSON.stringify(datapath.tunnels);
		if (attached.tunnels !== tunnels) attached.datapath.setTunnels(datapath.tunnels);
		attached.tunnels = tunnels;
	};

	return {
		namespaces,
		device,
		fits: (other) => ground(other) === ground(scenario),
		set: (next, pristine) => {
			for (const side of ['router', 'host'] as const) {
				const before = pristine ? current?.[side] : undefined;
				setSysctls(namespaces[side], next[side], current?.[side]);
				if (!sameNeighbours(before, next[side])) setNeighbours(namespaces[side], next[side]);
			}
			setDatapath(next);
			current = next;
		},
		send: ({ packet }) => {
			const socket = sockets.get(packet.device);
			if (socket === undefined) {
				throw new EncapForwardError(
					'EF_INPUT',
					`the scenario's packet comes in on ${packet.device}, which has no link`,
				);
			}
			socket.send(packet.frame);
		},
		close,
	};
}

function attachDatapath(
	namespace: Namespace,
	device: number,
	{ hook, forwarding }: NonNullable<Scenario['datapath']>,
	sightings: number,
): Datapath {
	const datapath = loadDatapath({ hook, forwarding, sightings });
	try {
		inNamespace(namespace, () => {
			for (const { hook, program } of datapath.programs) {
				if (hook === 'xdp') attachXdp(device, program);
				else attachTc(device, program);
			}
		});
		return datapath;
	} catch (error) {
		datapath.close();
		throw error;
	}
}

function detachDatapath(namespace: Namespace, device: number, datapath: Datapath): void {
	inNamespace(namespace, () => {
		for (const { hook } of datapath.programs.toReversed()) {
			if (hook === 'xdp') detachXdp(device);
			else detachTc(device);
		}
	});
	datapath.close();
}

function sameNeighbours(before: Host | undefined, next: Host): boolean {
	return JSON.stringify(before?.neighbours) === JSON.stringify(next.neighbours);
}
