/** What of this host the lab must leave as it was. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

function output(program: string, ...words: string[]): string {
	return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Every sysctl below a folder that can be read, but for those that are counters or random. */
function sysctls(folder: string): string[] {
	return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) return sysctls(path);
		if (/(nf_conntrack_count|stable_secret|flush)$/.test(path)) return [];
		try {
			return [`${path} ${readFileSync(path, 'utf8').trim()}`];
		} catch {
			return [];
		}
	});
}

/** The host's network configuration and our notes, as text that can be compared. */
export function hostState(): Record<string, string> {
	const ip = (...words: string[]): string =>
		// Lifetimes and statistics run on by themselves.
		output('ip', ...words).replace(/(valid_lft|preferred_lft|expires) \S+/g, '');
	return {
		links: ip('-details', 'link'),
		addresses: ip('address'),
		routes: ip('route', 'show', 'table', 'all') + ip('-6', 'route', 'show', 'table', 'all'),
		rules: ip('rule') + ip('-6', 'rule'),
		namespaces: output('ip', 'netns', 'list'),
		notes: existsSync('/run/encap-forward') ? readdirSync('/run/encap-forward').join('\n') : '',
		sysctls: sysctls('/proc/sys/net').join('\n'),
		filters: output('tc', 'qdisc'),
	};
}

/** BPF programs and maps of ours, by name, and links to them. */
export function ourBpf(): string[] {
	const programs = JSON.parse(output('bpftool', '-j', 'prog')) as { id: number; name?: string }[];
	const maps = JSON.parse(output('bpftool', '-j', 'map')) as { id: number; name?: string }[];
	const names = /^(datapath|observe|receive|transmit|drop|sightings|outcomes|watched|tunnels_ipv[46]|ways)$/;
	return [...programs, ...maps]
		.filter(({ name = '' }) => names.test(name))
		.map(({ id, name }) => `${name} ${id}`);
}

/** Wait until the kernel, which frees BPF objects when nobody can be running them, has none of ours. */
export async function bpfGone(before: readonly string[]): Promise<string[]> {
	for (let round = 0; round < 100; round++) {
		const left = ourBpf().filter((each) => !before.includes(each));
		if (left.length === 0) return [];
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	return ourBpf().filter((each) => !before.includes(each));
}
