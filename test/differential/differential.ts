/** The differential test: the same random scenarios through the kernel and through the model of it. */
import { datapathObjects } from '../../src/datapath/object-bytes.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { openLinuxEngine } from '../../src/engines/linux/engine.ts';
import { openDatapaths } from '../../src/engines/model/datapath.ts';
import { openModelEngine } from '../../src/engines/model/engine.ts';
import { EncapForwardError } from '../../src/error.ts';
import type { Journey } from '../../src/journey/journey.ts';
import { anonymousNamespace, closeNamespace, inNamespace } from '../../src/kernel/namespace.ts';
import { hasSysctl } from '../../src/kernel/sysctl.ts';
import { type Features, randomScenario } from '../../src/scenario/random/scenario.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { agree, outcomeKind, traceDifferences } from './compare.ts';
import { expectedFailures } from './expected-failures.ts';
import { shrink } from './shrink.ts';

export interface Engines {
	readonly linux: Engine;
	/** The same, with hosts of its own for each, and the three seconds that a kernel gives a next hop to answer. */
	readonly patient: Engine;
	readonly model: Engine;
	readonly features: Features;
	close(): void;
}

export function openEngines(): Engines {
	const linux = openLinuxEngine({ patienceMilliseconds: 400, retransmitMilliseconds: 10, counters: true });
	const patient = openLinuxEngine({ patienceMilliseconds: 4000, fresh: true, counters: true });
	const model = openModelEngine({
		kernel: linux.kernel,
		datapaths: openDatapaths(datapathObjects()),
	});
	return {
		linux,
		patient,
		model,
		features: runningFeatures(),
		close: () => {
			linux.close();
			patient.close();
		},
	};
}

/** What the running kernel has. */
function runningFeatures(): Features {
	const namespace = anonymousNamespace();
	try {
		return { forceForwarding: inNamespace(namespace, () => hasSysctl('net.ipv6.conf.all.force_forwarding')) };
	} finally {
		closeNamespace(namespace);
	}
}

export interface Disagreement {
	readonly scenario: Scenario;
	readonly linux: Journey;
	readonly model: Journey;
	/** Where the outcomes agree: in what the kernel left behind they do not. */
	readonly traces: readonly string[];
}

/**
 * Try one scenario in both; undefined where they agree. A machine that is busy makes answers late, and limits
 * hold for all packets to one host: what the kernel says counts when it says it again, of hosts of its own.
 */
export async function compare(engines: Engines, scenario: Scenario): Promise<Disagreement | undefined> {
	const model = await engines.model.run(scenario);
	const first = difference(scenario, await engines.linux.run(scenario), model);
	return first && difference(scenario, await engines.patient.run(scenario), model);
}

function difference(scenario: Scenario, linux: Journey, model: Journey): Disagreement | undefined {
	if (!agree(scenario, linux, model)) return { scenario, linux, model, traces: [] };
	// Of several ways, the model has the traces of the first alone.
	const traces = model.alternatives === undefined ? traceDifferences(linux, model) : [];
	return traces.length === 0 ? undefined : { scenario, linux, model, traces };
}

/** What must stay the same while a disagreement is shrunk. */
function signature({ linux, model, traces }: Disagreement): string {
	return [outcomeKind(linux.outcome), outcomeKind(model.outcome), ...traces].join('\n');
}

/** Whether it is one of the known ones. */
function isExpected({ linux, model }: Disagreement): boolean {
	return expectedFailures.some(
		(known) => known.linux === outcomeKind(linux.outcome) && known.model === outcomeKind(model.outcome),
	);
}

/** What a scenario's parts cannot be without. */
const required = new Set([
	...['links', 'router', 'host', 'packet', 'devices', 'neighbours', 'sysctls', 'frame', 'mac', 'addresses'],
	...['device', 'address', 'family', 'destination', 'priority', 'action', 'id', 'hook', 'forwarding'],
	...['tunnels', 'match', 'encapsulation', 'source', 'vni', 'everHadRules'],
]);

/** A scenario without one of its links and the devices at its ends. */
function* withoutLinks(scenario: Scenario): Generator<Scenario> {
	for (const [index, { router, host }] of scenario.links.entries()) {
		const { [router]: _, ...routerDevices } = scenario.router.devices;
		const { [host]: __, ...hostDevices } = scenario.host.devices;
		yield {
			...scenario,
			links: scenario.links.toSpliced(index, 1),
			router: { ...scenario.router, devices: routerDevices },
			host: {
				...scenario.host,
				devices: hostDevices,
				neighbours: scenario.host.neighbours.filter(({ device }) => device !== host),
			},
		};
	}
}

/** The smallest scenario found about which the engines disagree in the same way. */
export async function shrinkDisagreement(engines: Engines, found: Disagreement): Promise<Disagreement> {
	let best = found;
	const wanted = signature(found);
	await shrink(
		found.scenario,
		async (candidate) => {
			const disagreement = await attempt(engines, candidate);
			if (disagreement === undefined || signature(disagreement) !== wanted) return false;
			best = disagreement;
			return true;
		},
		{ required, also: withoutLinks },
	);
	return best;
}

/** A candidate that an engine refuses is no smaller form. */
async function attempt(engines: Engines, scenario: Scenario): Promise<Disagreement | undefined> {
	try {
		return await compare(engines, scenario);
	} catch {
		return undefined;
	}
}

export interface Run {
	readonly scenarios: number;
	readonly seconds: number;
	readonly disagreements: readonly (Disagreement & { readonly number: number })[];
	/** How many disagreements were known ones. */
	readonly expected: number;
	/** What an engine refused to try, which a random scenario should never be. */
	readonly refused: readonly { readonly number: number; readonly message: string }[];
}

export interface RunOptions {
	readonly seed: number;
	readonly count: number;
	/** The first number; 0 if not given. */
	readonly from?: number;
	/** Ends it early when so many disagreements were found; never if not given. */
	readonly most?: number;
	/** Called after each scenario with how many there were. */
	readonly onScenario?: (scenarios: number) => void;
	readonly onDisagreement?: (disagreement: Disagreement & { readonly number: number }) => Promise<void>;
}

export async function runDifferential(engines: Engines, options: RunOptions): Promise<Run> {
	const { seed, count, from = 0, most = Number.POSITIVE_INFINITY } = options;
	const disagreements: (Disagreement & { readonly number: number })[] = [];
	const refused: { number: number; message: string }[] = [];
	let expected = 0;
	const start = performance.now();
	let scenarios = 0;
	for (let number = from; number < from + count && disagreements.length < most; number++) {
		scenarios++;
		options.onScenario?.(scenarios);
		const scenario = randomScenario(seed, number, engines.features);
		try {
			const found = await compare(engines, scenario);
			if (found === undefined) continue;
			if (isExpected(found)) {
				expected++;
				continue;
			}
			disagreements.push({ number, ...found });
			await options.onDisagreement?.({ number, ...found });
		} catch (error) {
			if (!(error instanceof EncapForwardError)) throw error;
			refused.push({ number, message: error.message });
		}
	}
	return { scenarios, seconds: (performance.now() - start) / 1000, disagreements, expected, refused };
}
