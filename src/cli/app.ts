/** The commands and their options. Each command's code is loaded when it is run. */
import { type Application, buildApplication, buildCommand, buildRouteMap, text_en } from '@stricli/core';
import { parseListen } from '../forwarder/listen.ts';
import { parseCause, parseDevice, parseNetwork, parseReason } from '../trace/filter.ts';
import { packageVersion } from '../version.ts';
import { cellFlags } from './cell-flags.ts';
import type { Context } from './context.ts';
import { usage } from './error-text.ts';

const json = { kind: 'boolean', brief: 'Write JSON', default: false, withNegated: false } as const;

const name = {
	kind: 'parsed',
	parse: String,
	brief: "Name of the lab, the first part of its namespaces' names",
	default: 'encap-forward',
	placeholder: 'name',
} as const;

const run = buildCommand<import('./lab.ts').LabFlags, [], Context>({
	loader: async () => (await import('./lab.ts')).lab,
	docs: {
		brief: 'Try every combination and say what became of each packet, and why',
		fullDescription:
			'Tries every combination of hook, outer family, way of forwarding, source, rp_filter, accept_local and neighbour state on the running kernel, in network namespaces of its own, or where that cannot be used in a model of it, and prints a table: what was forwarded, what was dropped, where, why, and the smallest change of sysctls that gets it through. Options narrow it; each may be repeated.',
	},
	parameters: {
		flags: {
			...cellFlags,
			engine: {
				kind: 'enum',
				values: ['linux', 'model'],
				brief: 'Who tries: the running kernel, or a model of one; linux where it can be used, if not given',
				optional: true,
			},
			kernel: {
				kind: 'parsed',
				parse: String,
				brief: 'Release of the kernel to model, such as 6.1; implies --engine model',
				optional: true,
				placeholder: 'release',
			},
			journey: {
				kind: 'boolean',
				brief: "Print each packet's way step by step, its bytes dissected",
				default: false,
				withNegated: false,
			},
			pcap: {
				kind: 'parsed',
				parse: String,
				brief: 'Write every frame seen to a pcapng file',
				optional: true,
				placeholder: 'file',
			},
			expect: {
				kind: 'enum',
				values: ['forwarded', 'dropped'],
				brief: 'Fail unless every packet ends so',
				optional: true,
			},
			json,
		},
	},
});

const up = buildCommand<import('./lab-up.ts').LabUpFlags, [], Context>({
	loader: async () => (await import('./lab-up.ts')).labUp,
	docs: { brief: "Set up the example's network to explore by hand; the options choose the cell" },
	parameters: { flags: { ...cellFlags, name, json } },
});

const ping = buildCommand<import('./lab-ping.ts').LabPingFlags, [], Context>({
	loader: async () => (await import('./lab-ping.ts')).labPing,
	docs: { brief: "Ping through that network and print each packet's journey as it happens" },
	parameters: {
		flags: {
			count: {
				kind: 'parsed',
				parse: wholeNumber,
				brief: 'Stop after this many packets; until Ctrl-C if not given',
				optional: true,
				placeholder: 'number',
			},
			name,
			json,
		},
	},
});

const down = buildCommand<import('./lab-down.ts').LabDownFlags, [], Context>({
	loader: async () => (await import('./lab-down.ts')).labDown,
	docs: { brief: 'Remove that network and all that is in it' },
	parameters: { flags: { name, json } },
});

const lab = buildRouteMap({
	routes: { run, up, ping, down },
	docs: {
		brief: 'Where do encapsulated packets vanish? Every combination tried and explained',
		fullDescription: '`lab` alone is `lab run`: see `lab run --help` for its options.',
	},
});

const check = buildCommand<import('./check.ts').CheckFlags, [string], Context>({
	loader: async () => (await import('./check.ts')).check,
	docs: {
		brief: 'Say what a configuration file of the forwarder says, or every mistake in it',
		fullDescription:
			'Reads a configuration and the tunnel files it names, touches nothing, and says in words what it says. Every mistake is told with file, line and column; the exit status is then 2.',
	},
	parameters: {
		flags: { json },
		positional: {
			kind: 'tuple',
			parameters: [{ parse: String, brief: 'The configuration, YAML or JSON', placeholder: 'file' }],
		},
	},
});

const config = {
	kind: 'parsed',
	parse: String,
	brief: 'The configuration, YAML or JSON',
	placeholder: 'file',
} as const;

const netns = {
	kind: 'parsed',
	parse: String,
	brief: 'Network namespace to work in, as "ip netns" names it; the own one if not given',
	optional: true,
	placeholder: 'name',
} as const;

const forwarderUp = buildCommand<import('./up.ts').ApplyFlags, [], Context>({
	loader: async () => (await import('./up.ts')).up,
	docs: {
		brief: 'Start the forwarder; it goes on without a process',
		fullDescription:
			'Validates the configuration whole, attaches the datapath to its interfaces, pins it in the BPF file system and exits. Over a running forwarder it applies the configuration and replaces the programs, from one packet to the next and with the counters kept. When anything fails, nothing is changed.',
	},
	parameters: { flags: { config, netns, json } },
});

const reload = buildCommand<import('./up.ts').ApplyFlags, [], Context>({
	loader: async () => (await import('./reload.ts')).reload,
	docs: {
		brief: 'Give the running forwarder another configuration, all of it or nothing, without losing a packet',
	},
	parameters: { flags: { config, netns, json } },
});

const forwarderDown = buildCommand<import('./down.ts').DownFlags, [], Context>({
	loader: async () => (await import('./down.ts')).down,
	docs: { brief: 'End the forwarder and remove everything of it, whatever of it is still there' },
	parameters: { flags: { netns, json } },
});

const status = buildCommand<import('./status.ts').StatusFlags, [], Context>({
	loader: async () => (await import('./status.ts')).status,
	docs: {
		brief: 'Say what the forwarder is attached to, its tunnels, and what became of every packet',
		fullDescription:
			'Prints the hooks of each interface, the number of tunnels, and every outcome that has been counted, in words. With --json, the tunnels too.',
	},
	parameters: {
		flags: {
			netns,
			watch: {
				kind: 'boolean',
				brief: 'Go on with the rates, each second, until Ctrl-C',
				default: false,
				withNegated: false,
			},
			json,
		},
	},
});

const metrics = buildCommand<import('./metrics.ts').MetricsFlags, [], Context>({
	loader: async () => (await import('./metrics.ts')).metrics,
	docs: { brief: 'Serve the counters to Prometheus on /metrics, and /healthz, until Ctrl-C' },
	parameters: {
		flags: {
			listen: {
				kind: 'parsed',
				parse: (text: string): { readonly host: string; readonly port: number } => {
					const listen = parseListen(text);
					if (listen === undefined)
						throw new SyntaxError(`"${text}" is no ADDRESS:PORT such as 127.0.0.1:9810 or [::1]:9810`);
					return listen;
				},
				brief: 'Where to listen: ADDRESS:PORT',
				placeholder: 'address:port',
			},
			netns,
			tunnels: {
				kind: 'boolean',
				brief: "Tell each tunnel's counters also where there are more than 1,000 tunnels",
				default: false,
				withNegated: false,
			},
			json,
		},
	},
});

/** An option that may be repeated: one of its values has to fit. */
function several<T>(parse: (text: string) => T, brief: string, placeholder: string) {
	return { kind: 'parsed', parse, brief, placeholder, optional: true, variadic: true } as const;
}

function wholeNumber(text: string): number {
	if (!/^[1-9]\d{0,8}$/.test(text)) throw new SyntaxError(`"${text}" is not a number from 1 on`);
	return Number(text);
}

function duration(text: string): number {
	const seconds = /^\d{1,8}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
	if (seconds > 0) return seconds;
	throw new SyntaxError(`"${text}" is no time in seconds, such as 10 or 0.5`);
}

const trace = buildCommand<import('./trace.ts').TraceFlags, [], Context>({
	loader: async () => (await import('./trace.ts')).trace,
	docs: {
		brief: 'Show the packets that this host drops now: why, where, by which device, and what they are',
		fullDescription:
			"Watches the kernel's own tracepoints, in all network namespaces, and prints what is dropped, most first: on a terminal as a table that is renewed each second, elsewhere at the end. It ends with Ctrl-C, after --count packets or after --seconds. Options narrow it; each may be repeated.",
	},
	parameters: {
		flags: {
			cause: several(parseCause, 'Our name for why, such as reverse-path', 'cause'),
			reason: several(parseReason, "The kernel's name for why, such as IP_RPFILTER", 'reason'),
			device: several(parseDevice, 'Device that the packet came in by, or was to leave by', 'name'),
			netns: several(
				String,
				'Network namespace, as "ip netns" names it; or host, pid:NUMBER, inode:NUMBER',
				'name',
			),
			outer: several(parseNetwork, 'Network of the outermost source or destination', 'prefix'),
			inner: several(
				parseNetwork,
				'Network of the encapsulated source or destination; others are left out',
				'prefix',
			),
			routine: {
				kind: 'boolean',
				brief: 'Also what is freed in the ordinary course of things, such as with a closed socket',
				default: false,
				withNegated: false,
			},
			count: {
				kind: 'parsed',
				parse: wholeNumber,
				brief: 'End after so many packets',
				optional: true,
				placeholder: 'number',
			},
			seconds: {
				kind: 'parsed',
				parse: duration,
				brief: 'End after so many seconds',
				optional: true,
				placeholder: 'number',
			},
			interval: {
				kind: 'parsed',
				parse: duration,
				brief: 'Print what was dropped in each so many seconds',
				optional: true,
				placeholder: 'seconds',
			},
			each: {
				kind: 'boolean',
				brief: 'Print each packet as it is dropped, and the table at the end',
				default: false,
				withNegated: false,
			},
			pcap: {
				kind: 'parsed',
				parse: String,
				brief: 'Write each packet to a pcapng file, reason and place in its comment',
				optional: true,
				placeholder: 'file',
			},
			json,
		},
	},
});

const snapshot = buildCommand<import('./snapshot.ts').SnapshotFlags, [], Context>({
	loader: async () => (await import('./snapshot.ts')).snapshot,
	docs: {
		brief: 'Write the state of this host that decides what becomes of packets, as one JSON file',
		fullDescription:
			'Links, addresses, routes of all tables, rules, neighbours, next hops, the sysctls that matter, the kernel and the tunnels of a running forwarder: what "explain --snapshot" takes, here or on another machine. It holds addresses and names of devices, and no keys or passwords.',
	},
	parameters: {
		flags: {
			netns,
			output: {
				kind: 'parsed',
				parse: String,
				brief: 'Write it to a file; to stdout if not given',
				optional: true,
				placeholder: 'file',
			},
			json: { ...json, brief: 'Write an error as JSON; the snapshot is JSON anyway' },
		},
	},
});

/** A whole number, decimal or hexadecimal, as an option's value. */
function numberFrom(least: number, most: number): (text: string) => number {
	return (text) => {
		const value = /^(0x[0-9a-fA-F]+|[0-9]+)$/.test(text) ? Number(text) : Number.NaN;
		if (value >= least && value <= most) return value;
		throw new SyntaxError(`"${text}" is not a whole number from ${least} to ${most}`);
	};
}

function fileOption(brief: string) {
	return { kind: 'parsed', parse: String, brief, optional: true, placeholder: 'file' } as const;
}

const explain = buildCommand<import('./explain.ts').ExplainFlags, [], Context>({
	loader: async () => (await import('./explain.ts')).explainPacket,
	docs: {
		brief: 'Say what would become of a packet on this host or on a snapshot, why, and what gets it through',
		fullDescription:
			"Runs the packet through a model of the kernel's input path, with this host's state or a snapshot's, and prints its way step by step, how it ends, what the kernel counts, logs and answers, and the smallest change that gets it through, found by trying. Needs no root but to look into another namespace and to see a running forwarder.",
	},
	parameters: {
		flags: {
			in: { kind: 'parsed', parse: String, brief: 'The device it comes in by', placeholder: 'device' },
			packet: {
				kind: 'parsed',
				parse: String,
				brief: "The packet, such as 'ipv4 198.51.100.7 > 10.0.2.2 ttl 3 udp 5000 > 53'",
				optional: true,
				placeholder: 'packet',
			},
			pcap: fileOption('A capture that holds the packet, pcap or pcapng'),
			frame: {
				kind: 'parsed',
				parse: numberFrom(1, 2 ** 32),
				brief: "The frame's number in the capture; 1 if not given",
				optional: true,
				placeholder: 'number',
			},
			snapshot: fileOption('A file that "snapshot" wrote; this host as it is now if not given'),
			netns,
			tunnel: {
				kind: 'parsed',
				parse: String,
				brief:
					"A tunnel of the datapath on that device: 'vxlan 10.9.0.0/16 192.0.2.2 source=192.0.2.1 vni=42'",
				optional: true,
				variadic: true,
				placeholder: 'tunnel',
			},
			config: fileOption("A forwarder's configuration, for its tunnels"),
			hook: {
				kind: 'enum',
				values: ['xdp', 'tc'],
				brief: 'Where the datapath is; xdp if not given',
				optional: true,
			},
			forwarding: {
				kind: 'enum',
				values: ['stack', 'fib'],
				brief: 'How it forwards: up the stack, or redirected by the FIB, which is the default',
				optional: true,
			},
			mark: {
				kind: 'parsed',
				parse: numberFrom(0, 0xffffffff),
				brief: 'The mark that a firewall rule or program has given the packet before it is routed',
				optional: true,
				placeholder: 'number',
			},
			kernel: {
				kind: 'parsed',
				parse: String,
				brief: 'Release of the kernel to model, such as 5.10; that of the host if not given',
				optional: true,
				placeholder: 'release',
			},
			expect: {
				kind: 'parsed',
				parse: String,
				brief: 'Fail unless it ends so: forwarded, delivered, dropped, or a cause such as reverse-path',
				optional: true,
				placeholder: 'end',
			},
			json,
		},
	},
});

/** `lab` and `lab --outer ipv4` run the lab: the word `run` may be left out. */
export function completeArguments(given: readonly string[]): readonly string[] {
	const [command, first] = given;
	const help = first === '--help' || first === '-h' || first === '--helpAll';
	if (command !== 'lab' || help || (first !== undefined && !first.startsWith('-'))) return given;
	return ['lab', 'run', ...given.slice(1)];
}

/** @param failed told of every error, which it shows: nothing else is written of it */
export function buildApp(failed: (error: unknown) => void): Application<Context> {
	const fail = (error: unknown): string => {
		failed(error);
		return '';
	};
	return buildApplication(
		buildRouteMap({
			routes: {
				check,
				up: forwarderUp,
				status,
				reload,
				down: forwarderDown,
				metrics,
				trace,
				snapshot,
				explain,
				lab,
			},
			docs: {
				brief: "Encapsulate packets in BPF, forward them through the kernel's routing, and know what happens",
			},
		}),
		{
			name: 'encap-forward',
			versionInfo: { currentVersion: packageVersion() },
			scanner: { caseStyle: 'allow-kebab-for-camel' },
			documentation: { caseStyle: 'convert-camel-to-kebab' },
			localization: {
				text: {
					...text_en,
					exceptionWhileParsingArguments: fail,
					exceptionWhileLoadingCommandFunction: fail,
					exceptionWhileLoadingCommandContext: fail,
					exceptionWhileRunningCommand: fail,
					commandErrorResult: fail,
					noCommandRegisteredForInput: ({ input, corrections }) => {
						const meant = corrections.map((each) => each.replaceAll('`', '')).join(' or ');
						const hint = meant === '' ? '' : `; did you mean ${meant}?`;
						return fail(usage(`there is no command "${input}"${hint}`));
					},
				},
			},
		},
	);
}
