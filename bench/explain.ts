/** How long `explain` takes from the command to its answer, with its search. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Snapshot } from '../src/explain/snapshot.ts';
import type { Benchmark, Figure, Target } from './benchmark.ts';
import { command, missingCommand, spawnNode } from './command.ts';
import { median, spread } from './statistics.ts';

const rounds = 20;
const warmUps = 2;
const target: Target = { limit: '<=', value: 300 };
const manyRoutes = 10_000;

interface Reported {
	readonly asked: { readonly in: string; readonly packet: string };
	readonly snapshot: Snapshot;
}

function reported(name: string): Reported {
	const path = fileURLToPath(new URL(`../test/explain/cases/${name}.json`, import.meta.url));
	return JSON.parse(readFileSync(path, 'utf8')) as Reported;
}

/** The same host with a great many routes more. */
function withRoutes({ asked, snapshot }: Reported): Reported {
	const routes = Array.from({ length: manyRoutes }, (_, index) => ({
		...{ type: 'unicast', dst: `100.${64 + (index >> 14)}.${(index >> 6) & 255}.${(index & 63) * 4}/30` },
		...{ gateway: '10.23.1.1', dev: 'eth0', table: 'main', protocol: 'bird', scope: 'global', flags: [] },
	}));
	const ipv4 = [...snapshot.routes.ipv4, ...routes];
	return { asked, snapshot: { ...snapshot, routes: { ...snapshot.routes, ipv4 } } };
}

const questions: Readonly<Record<string, () => Reported>> = {
	'one change': () => reported('gwlb-tunnel-handler-22'),
	'two changes': () => reported('kubernetes-57922'),
	[`one change, ${manyRoutes} routes`]: () => withRoutes(reported('gwlb-tunnel-handler-22')),
};

export const explaining: Benchmark = (progress) => {
	const missing = missingCommand();
	const folder = mkdtempSync(join(tmpdir(), 'encap-forward-bench-'));
	try {
		return Object.entries(questions).map(([name, question], index): Figure => {
			const figure = { name: 'explain', figure: `from a snapshot, ${name}`, unit: 'ms', target };
			if (missing !== undefined) return { ...figure, value: null, note: missing };
			const { asked, snapshot } = question();
			const file = join(folder, `${index}.json`);
			writeFileSync(file, JSON.stringify(snapshot));
			const times: number[] = [];
			for (let round = -warmUps; round < rounds; round++) {
				progress(`${name}, ${Math.max(round + 1, 0)} of ${rounds}`);
				const options = ['explain', '--snapshot', file, '--in', asked.in, '--packet', asked.packet];
				const { milliseconds } = spawnNode([command, ...options]);
				if (round >= 0) times.push(milliseconds);
			}
			return { ...figure, value: median(times), note: spread(times) };
		});
	} finally {
		rmSync(folder, { recursive: true });
	}
};
