/** What a configuration says: counted for programs, in words for people. */
import type { Family } from '../packet/address.ts';
import { familyName } from '../tunnel/contradiction.ts';
import type { Decapsulation } from '../tunnel/decapsulation.ts';
import type { Encapsulation } from '../tunnel/tunnel.ts';
import { familyOf } from '../tunnel/tunnel-table.ts';
import type { Configuration } from './configuration.ts';
import type { ParsedConfiguration } from './parse.ts';

/** How many tunnels there are of one encapsulation and pair of families. */
export interface TunnelCount {
	readonly encapsulation: Encapsulation;
	readonly inner: Family;
	readonly outer: Family;
	readonly count: number;
}

/** The pairs that there are, in the order of their first tunnels. */
export function countTunnels({ tunnels }: ParsedConfiguration): readonly TunnelCount[] {
	const counts = new Map<string, { -readonly [Name in keyof TunnelCount]: TunnelCount[Name] }>();
	const perTemplate = tunnels.templates.map(() => ({ 4: 0, 16: 0 }));
	for (let index = 0; index < tunnels.count; index++) {
		const counted = perTemplate[tunnels.templateOf[index] as number];
		if (counted !== undefined) counted[tunnels.matchBytes[index] as 4 | 16]++;
	}
	for (const [index, { tunnel }] of tunnels.templates.entries()) {
		for (const bytes of [4, 16] as const) {
			const count = perTemplate[index]?.[bytes] ?? 0;
			if (count === 0) continue;
			const { encapsulation, destination } = tunnel;
			const [inner, outer] = [familyOf(bytes), destination.family];
			const key = `${encapsulation} ${inner} ${outer}`;
			const found = counts.get(key);
			if (found === undefined) counts.set(key, { encapsulation, inner, outer, count });
			else found.count += count;
		}
	}
	return [...counts.values()];
}

const hookWords: Readonly<Record<Configuration['hook'], string>> = {
	xdp: 'XDP, with TC behind it for what XDP cannot send',
	tc: 'TC alone',
	automatic: 'XDP with TC behind it where the device takes XDP, TC alone elsewhere',
};

const xdpModeWords: Readonly<Record<Configuration['xdpMode'], string>> = {
	native: 'by the driver',
	generic: 'by the kernel',
	automatic: 'by the driver where it can, by the kernel elsewhere',
};

/** Such as `vxlan at 192.0.2.1 port 4789 VNI 7`. */
export function decapsulationWords(decapsulation: Decapsulation): string {
	const { encapsulation, local } = decapsulation;
	const port = 'port' in decapsulation ? ` port ${decapsulation.port}` : '';
	const vni = 'vni' in decapsulation ? ` VNI ${decapsulation.vni}` : '';
	const key = 'key' in decapsulation ? ` key ${decapsulation.key}` : '';
	return `${encapsulation} at ${local}${port}${vni}${key}`;
}

/** Lines, a caption and what is said of it. */
export function configurationText(parsed: ParsedConfiguration): string[] {
	const { configuration, tunnels } = parsed;
	const { interfaces, hook, xdpMode, egress, tunnelCounters, tunnelFiles, decapsulate } = configuration;
	const counts = countTunnels(parsed).map(
		({ encapsulation, inner, outer, count }) =>
			`${grouped(count)} ${encapsulation}, ${familyName[inner]} in ${familyName[outer]}`,
	);
	const listed: [string, readonly string[]][] = [
		['interfaces', [interfaces.join(', ')]],
		['hook', [hookWords[hook]]],
		...(hook === 'tc' ? [] : [['XDP mode', [xdpModeWords[xdpMode]]] as [string, string[]]]),
		['egress', [egress?.join(', ') ?? 'every device']],
		['tunnels', tunnels.count === 0 ? ['none'] : [grouped(tunnels.count), ...counts]],
		...(tunnelCounters === undefined
			? []
			: [['counters', [tunnelCounters ? 'of each tunnel' : 'of no tunnel']] as [string, string[]]]),
		...(tunnelFiles.length === 0
			? []
			: [['tunnel files', tunnelFiles.map(({ file }) => file)] as [string, string[]]]),
		['decapsulation', decapsulate.length === 0 ? ['none'] : decapsulate.map(decapsulationWords)],
	];
	return listed.flatMap(([caption, lines]) =>
		lines.map((line, index) => `  ${(index === 0 ? caption : '').padEnd(14)} ${line}`),
	);
}

/** 1000000 as 1,000,000. */
function grouped(count: number): string {
	return count.toString().replace(/\B(?=([0-9]{3})+$)/g, ',');
}
