/** A million tunnels: how long `up` takes, and `reload` that changes one; what memory the kernel takes for them. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPinned } from '../src/kernel/pin.ts';
import type { Benchmark, Figure, Target } from './benchmark.ts';
import { command, missingCommand, spawnNode } from './command.ts';
import { median, spread } from './statistics.ts';

const tunnels = 1_000_000;
const runs = 5;

/** Each for a /64 of its own, to one of a thousand ends. */
function tunnelLines(changed: number): string {
	const lines = Array.from({ length: tunnels }, (_, number) => {
		const end = number === changed ? 1000 : number % 1000;
		const match = `2001:db8:${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}::/64`;
		return `${match} 198.51.${end >>> 8}.${end & 255} vni=${number}\n`;
	});
	return lines.join('');
}

/** Bytes that the kernel takes for the maps of tunnels, as it accounts for them. */
function mapBytes(maps: string): number {
	let bytes = 0;
	for (const name of ['tunnels', 'templates', 'prefixes', 'tunnel_counts']) {
		const fd = openPinned(join(maps, name));
		const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
		closeSync(fd);
		bytes += Number(/^memlock:\s*(\d+)$/m.exec(text)?.[1]);
	}
	return bytes;
}

function measure(progress: (message: string) => void): Record<'up' | 'reload' | 'bytes', number[]> {
	const netns = `efbench${process.pid}`;
	const folder = mkdtempSync(join(tmpdir(), 'encap-forward-bench-'));
	const bpffs = join(folder, 'bpf');
	const found: Record<'up' | 'reload' | 'bytes', number[]> = { up: [], reload: [], bytes: [] };
	const before = process.env.ENCAP_FORWARD_BPFFS;
	try {
		mkdirSync(bpffs);
		execFileSync('mount', ['-t', 'bpf', 'bpf', bpffs]);
		process.env.ENCAP_FORWARD_BPFFS = bpffs;
		execFileSync('ip', ['netns', 'add', netns]);
		execFileSync('ip', ['-n', netns, ...'link add in0 type veth peer name far0'.split(' ')]);
		const file = join(folder, 'gateway.yaml');
		writeFileSync(
			file,
			'interfaces: [in0]\ntunnelFiles:\n  - { file: a.tunnels, encapsulation: vxlan, source: 192.0.2.1 }\n',
		);
		const run = (verb: string, ...rest: readonly string[]): number =>
			spawnNode([command, verb, ...rest, '--netns', netns, '--json']).milliseconds / 1000;
		for (let time = 1; time <= runs; time++) {
			progress(`run ${time} of ${runs}`);
			writeFileSync(join(folder, 'a.tunnels'), tunnelLines(-1));
			found.up.push(run('up', '--config', file));
			const [inode = ''] = readdirSync(join(bpffs, 'encap-forward'));
			found.bytes.push(mapBytes(join(bpffs, 'encap-forward', inode, 'maps')) / tunnels);
			writeFileSync(join(folder, 'a.tunnels'), tunnelLines(time * 1000));
			found.reload.push(run('reload', '--config', file));
			run('down');
		}
	} finally {
		if (before === undefined) delete process.env.ENCAP_FORWARD_BPFFS;
		else process.env.ENCAP_FORWARD_BPFFS = before;
		execFileSync('sh', ['-c', `ip netns delete ${netns}; umount ${bpffs}`], { stdio: 'ignore' });
		rmSync(folder, { recursive: true });
	}
	return found;
}

export const million: Benchmark = (progress) => {
	const missing = missingCommand();
	const found = missing === undefined ? measure(progress) : undefined;
	const figure = (name: string, of: 'up' | 'reload' | 'bytes', unit: string, target?: Target): Figure => ({
		name: 'million',
		figure: name,
		value: found === undefined ? null : median(found[of]),
		unit,
		...(target === undefined ? {} : { target }),
		note: found === undefined ? (missing ?? '') : spread(found[of]),
	});
	return [
		figure('up with 1,000,000 tunnels', 'up', 's', { limit: '<=', value: 5 }),
		figure('reload that changes one of them', 'reload', 's', { limit: '<=', value: 1 }),
		figure('kernel memory for each', 'bytes', 'bytes'),
	];
};
