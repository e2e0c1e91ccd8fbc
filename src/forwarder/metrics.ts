/** The counters for Prometheus, in its text format (exposition formats, version 0.0.4). */
import { packageVersion } from '../version.ts';
import type { CountedDecapsulation, CountedTunnel, OutcomeTotal, Status } from './status.ts';

/** Of the body that `metricsText` gives. */
export const metricsType = 'text/plain; version=0.0.4; charset=utf-8';

type Labels = Readonly<Record<string, string>>;

interface Sample {
	readonly labels: Labels;
	readonly value: bigint | number;
}

interface Family {
	readonly name: string;
	readonly type: 'counter' | 'gauge';
	readonly help: string;
	readonly samples: readonly Sample[];
}

/** A label's value: backslash, line feed and double quote are escaped. */
function quote(text: string): string {
	return `"${text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')}"`;
}

function familyText({ name, type, help, samples }: Family): string {
	const lines = samples.map(({ labels, value }) => {
		const list = Object.entries(labels).map(([label, text]) => `${label}=${quote(text)}`);
		return `${name}${list.length === 0 ? '' : `{${list.join(',')}}`} ${value}`;
	});
	return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}

export interface MetricsState {
	readonly status: Status;
	readonly totals: readonly OutcomeTotal[];
	/** Those whose counters are told each. */
	readonly tunnels: readonly CountedTunnel[];
}

/** Undefined while no forwarder is up: then `encap_forward_up` is all there is. */
export function metricsText(state: MetricsState | undefined): string {
	const families: Family[] = [
		{
			name: 'encap_forward_up',
			type: 'gauge',
			help: 'Whether a forwarder is up in this network namespace.',
			samples: [{ labels: {}, value: state === undefined ? 0 : 1 }],
		},
		{
			name: 'encap_forward_exporter_info',
			type: 'gauge',
			help: 'The version of encap-forward that answers.',
			samples: [{ labels: { version: packageVersion() }, value: 1 }],
		},
	];
	if (state !== undefined)
		families.push(
			...forwarderFamilies(state.status, state.totals),
			...tunnelFamilies(state.tunnels),
			...decapsulationFamilies(state.status.decapsulations),
		);
	return families.map(familyText).join('');
}

function tunnelFamilies(tunnels: readonly CountedTunnel[]): Family[] {
	if (tunnels.length === 0) return [];
	const of = (member: 'packets' | 'bytes'): Sample[] =>
		tunnels.map(({ match, encapsulation, destination, [member]: value = 0n }) => ({
			labels: { match, encapsulation, destination },
			value,
		}));
	return [
		{
			name: 'encap_forward_tunnel_packets_total',
			type: 'counter',
			help: 'Packets encapsulated, by tunnel.',
			samples: of('packets'),
		},
		{
			name: 'encap_forward_tunnel_bytes_total',
			type: 'counter',
			help: 'The same in bytes as received, Ethernet headers included.',
			samples: of('bytes'),
		},
	];
}

function decapsulationFamilies(list: readonly CountedDecapsulation[]): Family[] {
	if (list.length === 0) return [];
	const of = (member: 'packets' | 'bytes'): Sample[] =>
		list.map(({ packets, bytes, ...decapsulation }) => ({
			labels: Object.fromEntries(
				Object.entries(decapsulation).map(([name, value]): [string, string] => [name, String(value)]),
			),
			value: member === 'packets' ? packets : bytes,
		}));
	return [
		{
			name: 'encap_forward_decapsulated_packets_total',
			type: 'counter',
			help: 'Packets taken out of their outer header, by where they ended.',
			samples: of('packets'),
		},
		{
			name: 'encap_forward_decapsulated_bytes_total',
			type: 'counter',
			help: 'The same in bytes as received, Ethernet headers included.',
			samples: of('bytes'),
		},
	];
}

function forwarderFamilies(status: Status, totals: readonly OutcomeTotal[]): Family[] {
	const of = (member: 'packets' | 'bytes'): Sample[] =>
		totals.map(({ hook, outcome, [member]: value }) => ({ labels: { hook, outcome }, value }));
	return [
		{
			name: 'encap_forward_packets_total',
			type: 'counter',
			help: 'Packets seen at a hook, by what became of them.',
			samples: of('packets'),
		},
		{
			name: 'encap_forward_bytes_total',
			type: 'counter',
			help: 'The same in bytes as received, Ethernet headers included.',
			samples: of('bytes'),
		},
		{
			name: 'encap_forward_tunnels',
			type: 'gauge',
			help: 'Tunnels loaded.',
			samples: [{ labels: {}, value: status.tunnels.count }],
		},
		{
			name: 'encap_forward_attached',
			type: 'gauge',
			help: 'Where the datapath is attached: one for each interface and place.',
			samples: status.interfaces.flatMap(({ name, places }) =>
				places.map((place) => ({ labels: { interface: name, place }, value: 1 })),
			),
		},
	];
}
