/** What of this host a lab must leave as it was. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

function output(program: string, ...words: readonly string[]): string {
	return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Every sysctl below a folder that can be read, but for counters and random numbers. */
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

export interface HostState {
	readonly links: string;
	readonly addresses: string;
	readonly routes: string;
	readonly rules: string;
	/** Named ones. */
	readonly namespaces: string;
	/** Labs' notes of themselves. */
	readonly notes: string;
	readonly sysctls: string;
	readonly filters: string;
}

/** The network configuration of the namespace we are in, as text to be compared. */
export function hostState(): HostState {
	const ip = (...words: readonly string[]): string =>
		// Lifetimes run on by themselves.
		output('ip', ...words).replace(/(valid_lft|preferred_lft|expires) \S+/g, '');
	return {
		links: ip('-details', 'link'),
		addresses: ip('address'),
		routes: ip('route', 'show', 'table', 'all') + ip('-6', 'route', 'show', 'table', 'all'),
		rules: ip('rule') + ip('-6', 'rule'),
		namespaces: output('ip', 'netns', 'list'),
		notes: existsSync('/run/encap-forward') ? readdirSync('/run/encap-forward').join('\n') : 'no folder',
		sysctls: sysctls('/proc/sys/net').join('\n'),
		filters: output('tc', 'qdisc'),
	};
}

interface Numbered {
	readonly id: number;
	readonly name?: string;
}

const ourNames =
	/^(datapath|observe|receive|transmit|drop|drop_skb|drop_redirect|drop_transmit|drop_exception|drops|sightings|outcomes|watched|ways|tunnels|templates|prefixes|tunnel_counts|found)$/;

/** What living processes hold open: `prog 12`, `map 34` (proc(5), fdinfo). */
function held(): ReadonlySet<string> {
	const found = new Set<string>();
	for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
		try {
			for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
				const text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
				for (const [, kind, id] of text.matchAll(/^(prog|map)_id:\s*(\d+)$/gm)) found.add(`${kind} ${id}`);
			}
		} catch {
			// It has ended meanwhile.
		}
	}
	return found;
}

/** BPF programs and maps with names of ours that no living process holds: what such a one does is its own affair. */
export function ourBpf(): string[] {
	const all = ['prog', 'map'].flatMap((kind) =>
		(JSON.parse(output('bpftool', '-j', kind)) as Numbered[])
			.filter(({ name = '' }) => ourNames.test(name))
			.map(({ id, name }) => ({ key: `${kind} ${id}`, name })),
	);
	const others = held();
	return all.filter(({ key }) => !others.has(key)).map(({ key, name }) => `${key} ${name}`);
}

/** BPF objects of ours that were not there before, once the kernel has had time to free what nobody uses. */
export async function newBpf(before: readonly string[]): Promise<string[]> {
	for (const deadline = performance.now() + 5000; ; ) {
		const left = ourBpf().filter((each) => !before.includes(each));
		if (left.length === 0 || performance.now() > deadline) return left;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

/** Processes whose network namespace has this inode number. */
export function processesIn(namespace: number): number[] {
	return readdirSync('/proc')
		.map(Number)
		.filter((pid) => {
			try {
				return pid > 0 && statSync(`/proc/${pid}/ns/net`).ino === namespace;
			} catch {
				return false;
			}
		});
}
