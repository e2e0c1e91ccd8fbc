/** The engine `model`: tries scenarios in a model of the kernel's input path. No kernel, no root, no time passes. */
import { EncapForwardError } from '../../error.ts';
import type { Journey, Outcome } from '../../journey/journey.ts';
import type { Host, Scenario } from '../../scenario/scenario.ts';
import type { Engine } from '../engine.ts';
import type { Datapaths } from './datapath.ts';
import { type Kernel, newestKernel, parseKernel } from './kernel.ts';
import { deviceNamed, type Net, once, prepareNet } from './net/core/net.ts';
import { sendInto } from './receive.ts';
import { Walk } from './walk.ts';

export interface ModelEngineOptions {
	/** Release of the kernel to model where a scenario names none, such as 6.1.0; the newest if not given. */
	readonly kernel?: string;
	/** What runs datapaths, of `openDatapaths`; not needed for scenarios without one. */
	readonly datapaths?: Datapaths;
}

/** A model engine can also answer at once. */
export interface ModelEngine extends Engine {
	readonly name: 'model';
	/** @throws EF_INPUT where the scenario contradicts itself */
	try(scenario: Scenario): Journey;
}

/** Nanoseconds between two packets: what limits rates has forgotten the one before. */
const pause = 1_000_000_000;

/** Where the kernel chooses at random, so many ways are tried at most. */
const mostWays = 64;

/** @throws EF_INPUT for a kernel that cannot be modelled */
export function openModelEngine(options: ModelEngineOptions = {}): ModelEngine {
	const ours = parseKernel(options.kernel ?? newestKernel);
	const { datapaths } = options;
	const nets = new WeakMap<Host, Prepared>();
	let clock = 0;
	const attempt = (scenario: Scenario): Journey => {
		const kernel = scenario.kernel === undefined ? ours : parseKernel(scenario.kernel);
		const { net, far } = prepared(nets, scenario, kernel);
		const { device, frame, mark = 0 } = scenario.packet;
		const ingress = deviceNamed(net, device);
		if (scenario.datapath !== undefined && datapaths === undefined) {
			throw new EncapForwardError(
				'EF_INPUT',
				'the scenario has a datapath, but the model was given nothing that runs it',
			);
		}
		const attached = scenario.datapath && datapaths?.(scenario.datapath);
		const walkOnce = (choices: readonly number[]): { readonly walk: Walk; readonly outcome: Outcome } => {
			clock += pause;
			const walk = new Walk(net, far, clock, choices);
			return { walk, outcome: sendInto(walk, frame, ingress, attached, mark) };
		};
		const { walk, outcome } = walkOnce([]);
		const alternatives = walk.ways.length === 0 ? [] : otherOutcomes(walk.ways, outcome, walkOnce);
		const { log, icmp, counters, sightings, steps } = walk;
		return {
			engine: 'model',
			kernel: kernel.release,
			sentAt: 0n,
			sightings,
			outcome,
			steps,
			traces: { counters, ...(log === undefined ? {} : { log }), ...(icmp === undefined ? {} : { icmp }) },
			...(alternatives.length === 0 ? {} : { alternatives }),
		};
	};
	return {
		name: 'model',
		kernel: ours.release,
		try: attempt,
		run: (scenario) => Promise.resolve().then(() => attempt(scenario)),
		close: () => undefined,
	};
}

interface Prepared {
	readonly host: Host;
	readonly links: Scenario['links'];
	readonly release: string;
	readonly net: Net;
	/** Made when a neighbour there is asked. */
	far(): Net;
}

/** What a scenario's hosts are made into is kept for as long as they live: a search tries one again and again. */
function prepared(
	nets: WeakMap<Host, Prepared>,
	{ router, host, links }: Scenario,
	kernel: Kernel,
): Prepared {
	const before = nets.get(router);
	if (
		before !== undefined &&
		before.host === host &&
		before.links === links &&
		before.release === kernel.release
	)
		return before;
	const now = {
		host,
		links,
		release: kernel.release,
		net: prepareNet(router, host, links, 'router', kernel),
		far: once(() => prepareNet(host, router, links, 'host', kernel)),
	};
	nets.set(router, now);
	return now;
}

/** The ends that other choices of the kernel's lead to, each once. */
function otherOutcomes(
	ways: readonly number[],
	first: Outcome,
	walkOnce: (choices: readonly number[]) => { readonly walk: Walk; readonly outcome: Outcome },
): Outcome[] {
	const known = new Set([keyOf(first)]);
	const others: Outcome[] = [];
	const open = ways.flatMap((count, at) =>
		Array.from({ length: count - 1 }, (_, index) => [...Array(at).fill(0), index + 1] as number[]),
	);
	for (let tried = 0; open.length > 0 && tried < mostWays; tried++) {
		const choices = open.shift() ?? [];
		const { walk, outcome } = walkOnce(choices);
		for (let at = choices.length; at < walk.ways.length; at++) {
			const rest = Array(at - choices.length).fill(0) as number[];
			for (let index = 1; index < (walk.ways[at] ?? 1); index++) open.push([...choices, ...rest, index]);
		}
		const key = keyOf(outcome);
		if (known.has(key)) continue;
		known.add(key);
		others.push(outcome);
	}
	return others;
}

function keyOf(outcome: Outcome): string {
	return JSON.stringify(outcome, (_, value) => (value instanceof Uint8Array ? [...value].join() : value));
}
