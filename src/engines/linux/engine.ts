/** The engine `linux`: tries scenarios in network namespaces of the running kernel. */
import { release } from 'node:os';
import type { Outcome, Sighting } from '../../journey/journey.ts';
import { requireKernelAccess } from '../../kernel/capabilities.ts';
import { dateOf, monotonicTime } from '../../kernel/clock.ts';
import { anonymousNamespace } from '../../kernel/namespace.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { Engine } from '../engine.ts';
import { countReversePath, readCounters, risen } from './counters.ts';
import { type Hosts, openHosts } from './hosts.ts';
import { openPrograms } from './programs.ts';
import { carries, endOf, isHousekeeping, type Names, type Sent, sightingOf } from './sightings.ts';
import type { HostsOptions } from './standing.ts';
import { openWatch, type Watch } from './watch.ts';

export interface LinuxEngineOptions extends HostsOptions {
	/**
	 * How long a packet may neither arrive nor be dropped before it counts as vanished. A next hop that
	 * does not answer takes the kernel 3 s to give up on.
	 */
	readonly patienceMilliseconds?: number;
	/** Whether each scenario gets hosts of its own: none meets what another left, such as a limit of rates. */
	readonly fresh?: boolean;
	/** Whether journeys tell which of the router's counters rose meanwhile; they do not if not given. */
	readonly counters?: boolean;
}

/** @throws EF_NOT_LINUX, EF_PERMISSION, EF_NO_LIBBPF, EF_NO_BTF, EF_BPF_LOAD */
export function openLinuxEngine(options: LinuxEngineOptions = {}): Engine {
	requireKernelAccess();
	const { patienceMilliseconds = 5000 } = options;
	const kernel = release();
	const watch = openWatch();
	const programs = openPrograms(watch.sightings);
	let hosts: Hosts | undefined;
	let pristine = false;
	let closed = false;
	const drop = (): void => {
		hosts?.close();
		hosts = undefined;
	};
	/** Hosts that stand as the scenario has them. */
	const prepare = (scenario: Scenario): Hosts => {
		if (options.fresh || !hosts?.fits(scenario)) {
			drop();
			const namespaces = { router: anonymousNamespace(), host: anonymousNamespace() };
			hosts = openHosts(scenario, namespaces, watch, programs, options);
			pristine = true;
		}
		try {
			hosts.set(scenario, pristine);
			return hosts;
		} catch (error) {
			drop(); // nobody knows how far it came
			throw error;
		}
	};
	return {
		name: 'linux',
		kernel,
		run: async (scenario) => {
			const hosts = prepare(scenario);
			const { router } = hosts.namespaces;
			const before = options.counters ? readCounters(router) : undefined;
			watch.take(); // what the kernel did meanwhile is not this packet's doing
			const failed = countReversePath(router, watch);
			const time = monotonicTime();
			hosts.send(scenario);
			const rest = await follow(scenario, time, failed, hosts, watch, patienceMilliseconds, () => closed);
			pristine = rest.sightings.every(({ packet }) => packet) && rest.outcome.kind !== 'vanished';
			const traces = before && { traces: { counters: risen(before, readCounters(router)) } };
			return { engine: 'linux', kernel, sentAt: dateOf(time), ...rest, ...traces };
		},
		close: () => {
			if (closed) return;
			closed = true;
			watch.wake();
			drop();
			programs.close();
			watch.close();
		},
	};
}

/** Wait for events until one of them is the packet's end. */
async function follow(
	scenario: Scenario,
	time: bigint,
	reversePathFailed: () => boolean,
	hosts: Hosts,
	watch: Watch,
	patience: number,
	aborted: () => boolean,
): Promise<{ sightings: readonly Sighting[]; outcome: Outcome }> {
	const { device, frame } = scenario.packet;
	const far = scenario.links.find(({ router }) => router === device)?.host ?? '';
	const sent: Sent = { time, carries: carries(frame) };
	const names: Names = {
		hostNamespace: hosts.namespaces.host.inode,
		device: hosts.device,
		...watch.names,
		reversePathFailed,
	};
	const sightings: Sighting[] = [
		{ place: 'sent', after: 0, namespace: 'host', device: far, frame, length: frame.length, packet: true },
	];
	const deadline = performance.now() + patience;
	for (let left = patience; ; left = deadline - performance.now()) {
		for (const event of aborted() ? [] : watch.take()) {
			if (isHousekeeping(event.frame)) continue;
			const sighting = sightingOf(event, sent, names);
			sightings.push(sighting);
			const outcome = endOf(sighting, scenario.router);
			if (outcome !== undefined) return { sightings, outcome };
		}
		if (left <= 0 || aborted()) {
			return { sightings, outcome: { kind: 'vanished', afterMilliseconds: Math.round(patience - left) } };
		}
		await watch.wait(Math.ceil(left));
	}
}
