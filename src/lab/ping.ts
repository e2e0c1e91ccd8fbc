/** Real pings through a network that is up, each packet's journey followed as it happens. */
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { release as kernelRelease } from 'node:os';
import type { Event } from '../datapath/event.ts';
import { countReversePath } from '../engines/linux/counters.ts';
import { endOf, isHousekeeping, type Names, sightingOf } from '../engines/linux/sightings.ts';
import { openWatch, type Watch } from '../engines/linux/watch.ts';
import { EncapForwardError } from '../error.ts';
import { explainJourney } from '../journey/explanation.ts';
import type { Journey, Outcome, Sighting } from '../journey/journey.ts';
import { dateOf, monotonicTime } from '../kernel/clock.ts';
import { mapInformation, openMap } from '../kernel/map.ts';
import { inNamespace } from '../kernel/namespace.ts';
import { readSysctl } from '../kernel/sysctl.ts';
import { echoOf } from '../packet/echo.ts';
import { pinged } from '../scenario/example.ts';
import type { Host } from '../scenario/scenario.ts';
import type { OpenEnvironment } from './environment.ts';
import { claimWatch } from './marker.ts';

export interface PingOptions {
	/** How many packets; until the signal if not given. */
	readonly count?: number;
	readonly signal: AbortSignal;
	/** Called for each sighting as it happens, with the sequence number of the packet it belongs to. */
	readonly onSighting: (sequence: number, sighting: Sighting) => void;
	/** Called when a packet's journey has ended. */
	readonly onEnd: (sequence: number, journey: Journey, explanation: string) => void;
}

/** How long a packet may be on its way before it counts as vanished: the kernel gives a next hop 3 s. */
const patienceMilliseconds = 5000;

interface Packet {
	/** ping's own identifier tells it from another ping that somebody runs by hand. */
	readonly identifier: number;
	readonly sequence: number;
	readonly time: bigint;
	readonly sightings: Sighting[];
	ended: boolean;
}

/** How many packets are remembered, so that a late event of one does not begin it anew. */
const remembered = 64;

export interface PingSummary {
	readonly forwarded: number;
	readonly delivered: number;
	readonly dropped: number;
	readonly vanished: number;
	/** ping's own closing line; it misses replies, for nothing at the far end decapsulates. */
	readonly said: string;
}

/**
 * Ping the router's veth0 from the host, with the system's `ping`.
 * @throws EF_NO_TOOL, EF_NOT_UP, EF_BUSY
 */
export async function pingThrough(environment: OpenEnvironment, options: PingOptions): Promise<PingSummary> {
	const { namespaces, cell, scenario, device } = environment;
	const shared = openMap(environment.sightings);
	if (mapInformation(shared).name !== 'sightings') {
		throw new EncapForwardError(
			'EF_NOT_UP',
			`the lab ${environment.name} has lost its datapath; set it up again`,
		);
	}
	const release = claimWatch(environment.name);
	const watch = openWatch(shared);
	const wake = (): void => watch.wake();
	options.signal.addEventListener('abort', wake);
	try {
		watch.namespace(namespaces.router);
		watch.namespace(namespaces.host);
		watch.take(); // what went through before is nobody's now
		// Sysctls may have been changed by hand since: an explanation is of what holds now.
		const explain = (journey: Journey): string => {
			const names = Object.keys(scenario.router.sysctls);
			const sysctls = inNamespace(namespaces.router, () => readSysctls(names));
			return explainJourney({ ...scenario, router: { ...scenario.router, sysctls } }, journey);
		};
		let reversePathFailed = countReversePath(namespaces.router, watch);
		const names: Names = {
			hostNamespace: namespaces.host.inode,
			device,
			...watch.names,
			reversePathFailed: () => reversePathFailed(),
		};
		const ping = inNamespace(namespaces.host, () => startPing(pinged[cell.inner], options.count));
		return await follow(ping, watch, names, scenario.router, {
			...options,
			onEnd: (sequence, journey) => {
				reversePathFailed = countReversePath(namespaces.router, watch);
				options.onEnd(sequence, journey, explain(journey));
			},
		});
	} finally {
		options.signal.removeEventListener('abort', wake);
		watch.close();
		closeSync(shared);
		release();
	}
}

function readSysctls(names: readonly string[]): Record<string, number> {
	return Object.fromEntries(names.map((name) => [name, Number(readSysctl(name))]));
}

/** Of what ping writes, its last words are enough. */
const keptText = 4096;

interface Ping {
	/** Resolves to what it wrote. */
	readonly done: Promise<string>;
	/** Ask it to end with its statistics, as Ctrl-C does. */
	interrupt(): void;
}

function startPing(address: string, count: number | undefined): Ping {
	const limit = count === undefined ? [] : ['-c', String(count)];
	// With -O it writes a line a second, and so ends by itself when nobody is left to read.
	const options = ['-n', '-O', '-W', '1', ...limit, address];
	const child = spawn('ping', options, { stdio: ['ignore', 'pipe', 'pipe'] });
	let text = '';
	for (const stream of [child.stdout, child.stderr])
		stream.on('data', (chunk) => (text = (text + String(chunk)).slice(-keptText)));
	const done = new Promise<string>((resolve, reject) => {
		child.on('error', (cause) =>
			reject(
				new EncapForwardError('EF_NO_TOOL', 'the program "ping" is not on the PATH; install iputils-ping', {
					cause,
				}),
			),
		);
		child.on('close', () => resolve(text));
	});
	return { done, interrupt: () => void child.kill('SIGINT') };
}

async function follow(
	ping: Ping,
	watch: Watch,
	names: Names,
	router: Host,
	options: Omit<PingOptions, 'onEnd'> & { onEnd(sequence: number, journey: Journey): void },
): Promise<PingSummary> {
	const { signal, onSighting, onEnd } = options;
	const packets = new Map<string, Packet>();
	const tally = { forwarded: 0, delivered: 0, dropped: 0, vanished: 0 };
	let current: Packet | undefined;
	let said: string | undefined;
	let failure: unknown;
	ping.done
		.then(
			(text) => (said = text),
			(error: unknown) => (failure = error),
		)
		.finally(() => watch.wake());

	const end = (packet: Packet, outcome: Outcome): void => {
		packet.ended = true;
		tally[outcome.kind]++;
		const { sightings, sequence } = packet;
		onEnd(sequence, {
			engine: 'linux',
			kernel: kernelRelease(),
			sentAt: dateOf(packet.time),
			sightings,
			outcome,
		});
	};

	/** The packet an event is of; one not seen before begins its journey. What carries none belongs to the last. */
	const packetOf = (event: Event): { readonly packet: Packet | undefined; readonly carried: boolean } => {
		const echo = echoOf(event.frame);
		if (echo === undefined) return { packet: current, carried: false };
		const key = `${echo.identifier} ${echo.sequence}`;
		const known = packets.get(key);
		if (known !== undefined) return { packet: known, carried: true };
		current = { ...echo, time: event.time, sightings: [], ended: false };
		packets.set(key, current);
		const [oldest] = packets.keys();
		if (packets.size > remembered && oldest !== undefined) packets.delete(oldest);
		return { packet: current, carried: true };
	};

	const see = (event: Event): void => {
		if (isHousekeeping(event.frame)) return;
		const atHost = event.place !== 'arrived' && event.namespace === names.hostNamespace;
		// Of the host's own doings only the sending is part of the journey.
		if (atHost && event.place !== 'transmit') return;
		const { packet, carried } = packetOf(event);
		if (packet === undefined || packet.ended) return;
		const seen = sightingOf(event, { time: packet.time, carries: () => carried }, names);
		const sighting: Sighting = atHost && carried ? { ...seen, place: 'sent' } : seen;
		packet.sightings.push(sighting);
		onSighting(packet.sequence, sighting);
		const outcome = endOf(sighting, router);
		if (outcome !== undefined) end(packet, outcome);
	};

	for (;;) {
		for (const event of watch.take()) see(event);
		if (failure !== undefined) throw failure;
		const open = [...packets.values()].filter(({ ended }) => !ended);
		for (const packet of open) {
			const age = Number(monotonicTime() - packet.time) / 1e6;
			if (age > patienceMilliseconds) end(packet, { kind: 'vanished', afterMilliseconds: Math.round(age) });
		}
		if (said !== undefined && (signal.aborted || open.every(({ ended }) => ended))) {
			return { ...tally, said: closingLine(said) };
		}
		if (signal.aborted) ping.interrupt();
		await watch.wait(1000);
	}
}

/** `3 packets transmitted, 0 received, …`, or whatever ping said last. */
function closingLine(text: string): string {
	const lines = text.split('\n').filter((line) => line.trim() !== '');
	return lines.find((line) => line.includes('transmitted')) ?? lines.at(-1) ?? '';
}
