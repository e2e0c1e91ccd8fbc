/**
 * The environment of `lab up`, judged by what is not ours: iputils ping sends, tcpdump at the far end sees,
 * tshark reads what it saw, and the kernel counts.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { closeNamespace, namedNamespace } from '../../../src/kernel/namespace.ts';
import { type Choice, chooseCells } from '../../../src/lab/cells.ts';
import { type Environment, setUp, tearDown } from '../../../src/lab/environment.ts';
import { pinged } from '../../../src/scenario/example.ts';
import { requires } from '../../needs.ts';
import { tsharkFields } from '../../packet/tshark.ts';
import { uniqueName } from '../../support/command.ts';
import { cellOf } from '../../support/journeys.ts';
import { counter } from '../../support/network.ts';

const fields = [
	...['frame.protocols', 'ip.src', 'ip.dst', 'ip.proto', 'ip.ttl', 'ip.checksum.status'],
	...['ipv6.src', 'ipv6.dst', 'ipv6.nxt', 'ipv6.hlim', 'icmp.seq', 'icmpv6.echo.sequence_number'],
] as const;

type Read = Readonly<Record<(typeof fields)[number], string>>;

/** A tcpdump under way at the far end of the router's egress link. */
interface Capture {
	/** What it caught of the pings, read by tshark, once it has so many; of none, what came in a moment. */
	end(expected: number): Promise<readonly Read[]>;
}

/** How many packets a file has that tcpdump is writing (pcap-savefile(5)). */
function records(file: string): number {
	const bytes = readFileSync(file);
	let count = 0;
	for (let at = 24; at + 16 <= bytes.length; count++) at += 16 + bytes.readUInt32LE(at + 8);
	return count;
}

describe('judges', requires('root', 'ip', 'ping', 'tcpdump', 'tshark'), () => {
	let folder: string;
	let environment: Environment;
	let name: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), 'judges-'));
	});
	afterAll(() => rmSync(folder, { recursive: true }));
	beforeEach(() => {
		name = uniqueName();
	});
	afterEach(() => void tearDown(name));

	async function capture(): Promise<Capture> {
		const file = join(folder, `${name}.pcap`);
		// Only what carries a ping, encapsulated or not: the outer header is IP in IP.
		const filter = 'ip proto 4 or ip proto 41 or ip6 proto 4 or ip6 proto 41';
		const words = ['netns', 'exec', environment.host, 'tcpdump', '-i', 'host1', '-U', '-w', file, filter];
		const child = spawn('ip', [...words.slice(0, 4), '--immediate-mode', ...words.slice(4)], {
			stdio: ['ignore', 'ignore', 'pipe'],
		});
		// It says that it listens.
		await once(child.stderr as Readable, 'data');
		return {
			end: async (expected) => {
				const deadline = performance.now() + (expected === 0 ? 200 : 5000);
				while ((expected === 0 || records(file) < expected) && performance.now() < deadline) {
					await new Promise((resolve) => setTimeout(resolve, 20));
				}
				child.kill('SIGINT');
				await once(child, 'close');
				return records(file) === 0 ? [] : tsharkFields(readFileSync(file), fields);
			},
		};
	}

	/** iputils ping in the host's namespace; nobody answers, so it does not wait for answers. */
	function ping(count: number, interval: string): string {
		const address = pinged[environment.cell.inner];
		const words = [
			'netns',
			'exec',
			environment.host,
			'ping',
			'-n',
			'-c',
			String(count),
			'-i',
			interval,
			'-W',
			'0.1',
		];
		return spawnSync('ip', [...words, address], { encoding: 'utf8' }).stdout;
	}

	/** How much a counter of the router's grows by the work. */
	function growth(counterName: string, work: () => void): number {
		const router = namedNamespace(environment.router);
		if (router === undefined) throw new Error('the router has no namespace');
		try {
			const before = counter(router, counterName);
			work();
			return counter(router, counterName) - before;
		} finally {
			closeNamespace(router);
		}
	}

	function last(text: string): string {
		return text.split(',').at(-1) ?? '';
	}

	const forwarded: readonly Choice[] = [
		{ hook: ['xdp'], outer: ['ipv4'], forwarding: ['fib'], rpFilter: [1], inner: ['ipv6'] },
		{ hook: ['tc'], outer: ['ipv4'], forwarding: ['fib'], rpFilter: [1], inner: ['ipv4'] },
		{ hook: ['xdp'], outer: ['ipv6'], forwarding: ['stack'], rpFilter: [1], inner: ['ipv4'] },
		{ hook: ['tc'], outer: ['ipv6'], forwarding: ['fib'], rpFilter: [2], inner: ['ipv6'] },
		{
			hook: ['tc'],
			outer: ['ipv4'],
			forwarding: ['stack'],
			rpFilter: [0],
			acceptLocal: [1],
			inner: ['ipv6'],
		},
		{
			hook: ['xdp'],
			outer: ['ipv4'],
			forwarding: ['stack'],
			source: ['other-device'],
			rpFilter: [2],
			inner: ['ipv4'],
		},
	];

	test.for(forwarded)('%j arrives with the right outer header', async (choice) => {
		environment = setUp(name, cellOf({ neighbour: ['unknown'], ...choice }));
		const { outer, inner, source, forwarding } = environment.cell;
		const watch = await capture();
		const said = ping(3, '0.05');
		expect(said).toContain('3 packets transmitted');
		const seen = await watch.end(3);
		expect(seen).toHaveLength(3);
		const own = { ipv4: '10.11.2.2', ipv6: 'fc00:dead:cafe:2::2' }[outer];
		// Up the stack the kernel takes a hop off the outer header too.
		const hops = forwarding === 'stack' ? '63' : '64';
		for (const [index, packet] of seen.entries()) {
			const [from, to, protocol, ttl] =
				outer === 'ipv4'
					? [packet['ip.src'], packet['ip.dst'], packet['ip.proto'], packet['ip.ttl']]
					: [packet['ipv6.src'], packet['ipv6.dst'], packet['ipv6.nxt'], packet['ipv6.hlim']];
			expect(from.split(',')[0]).toBe(source === 'local' ? own : '10.11.2.77');
			expect(to.split(',')[0]).toBe({ ipv4: '10.11.2.1', ipv6: 'fc00:dead:cafe:2::1' }[outer]);
			expect(protocol.split(',')[0]).toBe(inner === 'ipv4' ? '4' : '41');
			expect(ttl.split(',')[0]).toBe(hops);
			expect(last(inner === 'ipv4' ? packet['ip.dst'] : packet['ipv6.dst'])).toBe(pinged[inner]);
			expect(last(inner === 'ipv4' ? packet['ip.ttl'] : packet['ipv6.hlim'])).toBe('63');
			expect(packet['ip.checksum.status'].replace(/[1,]/g, '')).toBe('');
			const sequence = inner === 'ipv4' ? packet['icmp.seq'] : packet['icmpv6.echo.sequence_number'];
			expect(Number(sequence.split(',')[0])).toBe(index + 1);
		}
	});

	test.for<[Choice, number]>([
		// The kernel counts what rp_filter drops, and a local source nowhere.
		[{ rpFilter: [0], acceptLocal: [0] }, 0],
		[{ rpFilter: [2], acceptLocal: [0], hook: ['tc'] }, 0],
		[{ rpFilter: [1], acceptLocal: [1] }, 3],
		[{ rpFilter: [1], source: ['other-device'], hook: ['tc'] }, 3],
		[{ rpFilter: [2], source: ['unrouted'] }, 3],
	])('%j does not arrive', async ([choice, counted]) => {
		environment = setUp(name, cellOf({ outer: ['ipv4'], forwarding: ['stack'], ...choice }));
		const watch = await capture();
		const drops = growth('IPReversePathFilter', () => ping(3, '0.05'));
		expect(await watch.end(0)).toEqual([]);
		expect(drops).toBe(counted);
	});

	test.for(
		chooseCells({
			forwarding: ['fib'],
			neighbour: ['unknown'],
			source: ['local'],
			rpFilter: [1],
			acceptLocal: [0],
		}),
	)('a cold neighbour loses no packet, the first included: $hook, $outer', async (cell) => {
		environment = setUp(name, cell);
		const watch = await capture();
		ping(20, '0.002');
		const seen = await watch.end(20);
		const sequences = seen.map((packet) => Number(packet['icmpv6.echo.sequence_number']));
		expect(sequences.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
	});
});
