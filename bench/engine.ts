/**
 * The translated XDP program against the kernel's, on the same packets: nanoseconds a run, without what an empty
 * program takes; and how long it takes from the object's bytes to the end of the first run.
 *
 * Both run a program so many times in a row on one buffer, the kernel by BPF_PROG_TEST_RUN; what one run more
 * takes leaves out what goes before and after. A packet that is passed on as it came can be run on for ever. One
 * that is encapsulated grows, by 20 bytes of 216: it is made such that what comes out is encapsulated again in
 * the same way, ten times.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { loadDatapath, objectPath } from '../src/datapath/datapath.ts';
import { tunnelConstants, tunnelSizes } from '../src/datapath/tunnel-slots.ts';
import type { BpfEnvironment } from '../src/engines/model/bpf/environment.ts';
import { loadProgram } from '../src/engines/model/bpf/load.ts';
import type { BpfProgram } from '../src/engines/model/bpf/program.ts';
import { imageOf, setTunnelMaps } from '../src/engines/model/tunnel-maps.ts';
import { attachXdp } from '../src/kernel/attach.ts';
import { requireKernelAccess } from '../src/kernel/capabilities.ts';
import { inNamespace, type Namespace } from '../src/kernel/namespace.ts';
import { testRun } from '../src/kernel/test-run.ts';
import { parseIp } from '../src/packet/address.ts';
import { encodeEthernet } from '../src/packet/ethernet.ts';
import { encodeIpv4 } from '../src/packet/ipv4.ts';
import { etherType, ipProtocol } from '../src/packet/protocol.ts';
import { encodeUdp } from '../src/packet/udp.ts';
import type { Tunnel } from '../src/tunnel/tunnel.ts';
import type { Benchmark, Figure, Target } from './benchmark.ts';
import { command, missingCommand, spawnNode } from './command.ts';
import { onProcessor } from './processor.ts';
import { openRig } from './rig.ts';
import { rigScenario, rigTunnel } from './rig-scenario.ts';
import { median, quantile, spread } from './statistics.ts';

const runTarget: Target = { limit: '<=', value: 1.2 };
const startTarget: Target = { limit: '<=', value: 20 };
const rounds = 201;
const starts = 21;
/**
 * What a few nanoseconds take is disturbed by whatever else the machine does, and only ever lengthened: of each
 * measurement the value that a tenth of the rounds lies below counts.
 */
const undisturbed = 0.1;
/** Until V8 has compiled what is hot for good. */
const warmUps = 100;

/** Runs in a row, and how often that is measured in a round. */
interface Row {
	readonly name: string;
	readonly frame: Uint8Array;
	readonly repeat: number;
	readonly times: number;
	/** None where the kernel's time is a few of the nanoseconds it counts in. */
	readonly target?: Target;
}

/** An IPv4 packet of 46 bytes from the outer source, so that it is what comes out once encapsulated. */
function packetTo(to: string, tunnel: Tunnel): Uint8Array {
	const bytes = (address: string): Uint8Array => parseIp(address)?.bytes ?? new Uint8Array();
	const addresses = { source: bytes(tunnel.source), destination: bytes(to) };
	const udp = encodeUdp({ sourcePort: 1, destinationPort: 9 }, new Uint8Array(18), addresses);
	const packet = encodeIpv4({ ttl: 64, protocol: ipProtocol.udp, ...addresses }, udp);
	const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
	return encodeEthernet({ destination: mac, source: mac, etherType: etherType.ipv4 }, packet);
}

function rowsOf(tunnel: Tunnel): readonly Row[] {
	const forwarded = packetTo(tunnel.destination, tunnel);
	const arp = forwarded.slice();
	arp.set([0x08, 0x06], 12);
	return [
		{ name: 'not IP', frame: arp, repeat: 10_000, times: 1 },
		{ name: 'no tunnel', frame: packetTo('192.0.2.1', tunnel), repeat: 10_000, times: 1 },
		{ name: 'forwarded', frame: forwarded, repeat: 10, times: 50, target: runTarget },
	];
}

/** What the kernel's FIB answers in the rig, as far as the program needs it. */
const environment: BpfEnvironment = {
	fibLookup: () => ({
		result: 'success',
		device: 3,
		nextHop: undefined,
		metric: 0,
		mtu: 1500,
		destinationMac: Uint8Array.of(2, 0, 0, 0, 0, 2),
		sourceMac: Uint8Array.of(2, 0, 0, 0, 0, 3),
	}),
	device: () => ({ mtu: 1500, up: true }),
	now: () => 1n,
	jiffies: () => 4_295_000_000,
	random: () => 1,
};

/** Nanoseconds that so many runs in a row take, setting up included: an average of several times. */
type Measure = (row: Row, repeat: number) => number;

function inModel(program: BpfProgram): Measure {
	return ({ frame, times }, repeat) => {
		const options = { frame, context: { ingressDevice: 2 }, environment, repeat };
		const start = performance.now();
		for (let i = 0; i < times; i++) program.run(options);
		return ((performance.now() - start) * 1e6) / times;
	};
}

/** The kernel says nanoseconds a run as a whole number: many such are averaged. */
function inKernel(program: number, router: Namespace, device: number): Measure {
	return ({ frame, times }, repeat) => {
		const context = new Uint8Array(Uint32Array.of(0, frame.length, 0, device, 0, 0).buffer);
		return inNamespace(router, () => {
			let sum = 0;
			for (let i = 0; i < times; i++) sum += testRun(program, { data: frame, repeat, context }).duration;
			return (sum / times) * repeat;
		});
	};
}

function measureRuns(progress: (message: string) => void): Figure[] {
	requireKernelAccess();
	const tunnel: Tunnel = { ...rigTunnel(rigScenario(false)), match: '10.0.0.0/8' };
	const datapath = loadDatapath({ hook: 'xdp', forwarding: 'fib' });
	const xdp = datapath.programs.find(({ hook }) => hook === 'xdp')?.program ?? -1;
	datapath.setTunnels([tunnel]);
	let kernel: { ours: Measure; empty: Measure } | undefined;
	const rig = openRig({
		open: false,
		expected: 'ip',
		attach: ({ ingress, router, programs }) => {
			// A program attached nowhere waits for all processors before each test run.
			attachXdp(ingress, xdp);
			kernel = {
				ours: inKernel(xdp, router, ingress),
				empty: inKernel(programs.program('pass'), router, ingress),
			};
		},
	});
	try {
		if (kernel === undefined) return [];
		const file = (path: string): Uint8Array => Uint8Array.from(readFileSync(path));
		const sizes = tunnelSizes(1, 1, 0);
		const tables = tunnelConstants(sizes, 0);
		const ours = loadProgram({
			object: file(objectPath('datapath-xdp')),
			constants: { forwarding: 1, trace: false, ...tables },
			entries: sizes,
			build: 'fast',
		});
		setTunnelMaps(ours.maps, imageOf([tunnel], tables.tunnel_slots));
		const empty = loadProgram({
			object: file(fileURLToPath(new URL('rate.o', import.meta.url))),
			program: 'pass',
			build: 'fast',
		});
		const model = { ours: inModel(ours), empty: inModel(empty) };
		return rowsOf(tunnel).map((row) => compare(row, model, kernel as typeof model, progress));
	} finally {
		rig.close();
		datapath.close();
	}
}

interface Pair {
	readonly ours: Measure;
	readonly empty: Measure;
}

/** Measurements of one program, by round. */
class Series {
	readonly once: number[] = [];
	readonly often: number[] = [];
	readonly #measure: Measure;

	constructor(measure: Measure) {
		this.#measure = measure;
	}

	round(row: Row, counts: boolean): void {
		const [once, often] = [this.#measure(row, 1), this.#measure(row, row.repeat)];
		if (!counts) return;
		this.once.push(once);
		this.often.push(often);
	}

	/** Nanoseconds of one run more, in a round that little disturbed. */
	perRun({ repeat }: Row): number {
		return (quantile(this.often, undisturbed) - quantile(this.once, undisturbed)) / (repeat - 1);
	}
}

function compare(row: Row, model: Pair, kernel: Pair, progress: (message: string) => void): Figure {
	const series = [model.ours, model.empty, kernel.ours, kernel.empty].map((measure) => new Series(measure));
	for (let round = -warmUps; round < rounds; round++) {
		progress(`${row.name}, round ${Math.max(round + 1, 0)} of ${rounds}`);
		for (const each of series) each.round(row, round >= 0);
	}
	const [ours = 0, empty = 0, kernelOurs = 0, kernelEmpty = 0] = series.map((each) => each.perRun(row));
	const [inModelNet, inKernelNet] = [ours - empty, kernelOurs - kernelEmpty];
	return {
		name: 'engine',
		figure: `model / kernel, ${row.name}`,
		value: inModelNet / inKernelNet,
		unit: 'ratio',
		...(row.target === undefined ? {} : { target: row.target }),
		note: `${inModelNet.toFixed(1)} ns / ${inKernelNet.toFixed(1)} ns, the tenth fastest of a hundred rounds`,
	};
}

/**
 * In a process of its own, whose modules are loaded before: the milliseconds of the first time, and of the last of
 * many. Each has other bytes, for V8 knows again those that it has compiled.
 */
function startScript(build: string): string {
	const load = new URL('../engines/model/bpf/load.js', pathToFileURL(command)).href;
	return `
		import { readFileSync } from 'node:fs';
		import { loadProgram } from ${JSON.stringify(load)};
		const object = readFileSync(${JSON.stringify(objectPath('datapath-xdp'))});
		const environment = { now: () => 1n, jiffies: () => 1, random: () => 1 };
		const frame = new Uint8Array(60);
		let first, last;
		for (let i = 0; i < 40; i++) {
			const start = performance.now();
			const entries = { tunnels_ipv4: 1024 + i };
			const constants = { forwarding: 1, trace: false };
			const program = loadProgram({ object, build: '${build}', constants, entries });
			program.run({ frame, context: { ingressDevice: 1 }, environment });
			last = performance.now() - start;
			first ??= last;
		}
		console.log(JSON.stringify([first, last]));
	`;
}

function measureStart(progress: (message: string) => void): Figure[] {
	const missing = missingCommand();
	return (['fast', 'checked'] as const).flatMap((build) => {
		const times: [first: number, last: number][] = [];
		for (let round = 0; round < starts && missing === undefined; round++) {
			progress(`start ${round + 1} of ${starts}, ${build}`);
			const { stdout } = spawnNode(['--input-type=module', '-e', startScript(build)]);
			times.push(JSON.parse(stdout) as [number, number]);
		}
		return ['the first time in a process', 'once warm'].map((when, index): Figure => {
			const values = times.map((each) => each[index as 0]);
			return {
				name: 'engine',
				figure: `object to first run, ${build} build, ${when}`,
				value: missing === undefined ? median(values) : null,
				unit: 'ms',
				target: startTarget,
				note: missing ?? spread(values),
			};
		});
	});
}

export const engine: Benchmark = (progress) => [
	...onProcessor(0, () => measureRuns(progress)),
	...measureStart(progress),
];
