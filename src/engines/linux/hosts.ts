/** A scenario's two hosts as network namespaces of the running kernel, and what of them can change. */
import { EncapForwardError } from '../../error.ts';
import { closeNamespace } from '../../kernel/namespace.ts';
import { openPacketSocket, type PacketSocket } from '../../kernel/packet-socket.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { deviceNumbers, numberOf } from './devices.ts';
import { openAttached, type Programs } from './programs.ts';
import { buildHosts, type HostsOptions, type Namespaces, type Standing } from './standing.ts';
import { lastingSettings } from './sysctls.ts';
import type { Watch } from './watch.ts';

export interface Hosts {
	readonly namespaces: Namespaces;
	/** The name of a device by its number. */
	device(namespace: keyof Namespaces, index: number): string;
	/** Whether a scenario can be set on these hosts as they stand. */
	fits(scenario: Scenario): boolean;
	/**
	 * Set what of a scenario can change: sysctls, routes, rules, neighbours, the datapath, the mark.
	 * @param pristine whether no host has learnt of a neighbour since the last time
	 */
	set(scenario: Scenario, pristine: boolean): void;
	/** Send the scenario's packet from the far end of the link it comes in by. */
	send(scenario: Scenario): void;
	/** Let the namespaces go: the kernel removes them with all that is in them. */
	close(): void;
}

/** What never changes while a scenario's hosts stand: two scenarios that agree on it can share them. */
export function ground({ links, router, host }: Scenario): string {
	return JSON.stringify([
		links,
		...[router, host].map(({ devices, vrfs, sysctls }) => [devices, vrfs, lastingSettings(sysctls)]),
	]);
}

/** The names of the devices of a scenario's hosts by their numbers, which are each namespace's own. */
export function nameDevices(scenario: Scenario): (namespace: keyof Namespaces, index: number) => string {
	const named = (side: keyof Namespaces): Map<number, string> =>
		new Map([...deviceNumbers(scenario[side], side)].map(([name, number]) => [number, name]));
	const names = { router: named('router'), host: named('host') };
	return (namespace, index) => names[namespace].get(index) ?? `device ${index}`;
}

/** Make the links and addresses in two new namespaces, which are closed with the hosts. */
export function openHosts(
	scenario: Scenario,
	namespaces: Namespaces,
	watch: Watch,
	programs: Programs,
	options: HostsOptions = {},
): Hosts {
	const sockets = new Map<string, PacketSocket>();
	const sides: Standing[] = [];
	const close = (): void => {
		watch.forget(namespaces.router);
		for (const side of sides) side.close();
		for (const socket of sockets.values()) socket.close();
		closeNamespace(namespaces.router);
		closeNamespace(namespaces.host);
	};
	try {
		const { router, host } = buildHosts(scenario, namespaces, options);
		sides.push(router, host);
		const far = deviceNumbers(scenario.host, 'host');
		for (const link of scenario.links) {
			const number = numberOf(far, link.host);
			watch.farEnd(namespaces.host, number);
			sockets.set(link.router, openPacketSocket(namespaces.host, number));
		}
		watch.namespace(namespaces.router);
		const attached = openAttached(namespaces.router, programs);
		const stands = ground(scenario);
		return {
			namespaces,
			device: nameDevices(scenario),
			fits: (other) => ground(other) === stands && router.fits(other.router) && host.fits(other.host),
			set: (next, pristine) => {
				router.set(next.router, pristine);
				host.set(next.host, pristine);
				attached.set(next);
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
	} catch (error) {
		close();
		throw error;
	}
}
