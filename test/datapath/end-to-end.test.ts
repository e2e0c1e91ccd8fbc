/**
 * From a client through two gateways to a server and back: real pings, TCP streams and downloads, every kind,
 * both outer families, both hooks, with strict sysctls. Nobody but the gateways knows of the tunnel, so every
 * stream has to find out how big its packets may be.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OutcomeCount } from '../../src/datapath/outcome-count.ts';
import type { DatapathOutcome } from '../../src/journey/cause.ts';
import type { Hook } from '../../src/scenario/scenario.ts';
import { requires } from '../needs.ts';
import { type Gateways, innerEnds, type Kind, openGateways, outerEnds } from '../support/gateways.ts';

const families = ['ipv4', 'ipv6'] as const;
const kinds: readonly { readonly name: string; readonly kind: Kind; readonly shim: number }[] = [
	{ name: 'ip', kind: { encapsulation: 'ip' }, shim: 0 },
	{ name: 'gre', kind: { encapsulation: 'gre' }, shim: 4 },
	{ name: 'gre with a key', kind: { encapsulation: 'gre', key: 0xfe020304 }, shim: 8 },
	{ name: 'gue', kind: { encapsulation: 'gue' }, shim: 12 },
	{ name: 'vxlan', kind: { encapsulation: 'vxlan', vni: 7 }, shim: 30 },
	{ name: 'geneve', kind: { encapsulation: 'geneve', vni: 0xffffff }, shim: 30 },
];
const cases = kinds.flatMap((each) => families.map((outer) => ({ ...each, outer })));

/** What may be met besides: the hosts' own housekeeping, and what a stream's first packets find out. */
const harmless: ReadonlySet<DatapathOutcome> = new Set([
	'not-ip',
	'link-local',
	'neighbour-discovery',
	'no-tunnel',
	'no-decapsulation',
	'forwarded',
	'forwarded-neighbour',
	'decapsulated',
	'decapsulated-neighbour',
	'handed-over',
	'handed-over-refresh',
	'handed-over-answer',
	'handed-over-checksum',
	'too-big-answered',
	'segmented',
]);

function counts(
	gateways: Gateways,
	host: 'near' | 'far',
	hook: Hook,
): ReadonlyMap<DatapathOutcome, OutcomeCount> {
	return gateways.datapaths[host].outcomes(hook);
}

const download = 300_000;
/** Bytes of a stream's 2 MiB that must have arrived when the sender has sent the last of them: more than stand in queues. */
const least = 100 << 10;

describe.each(['tc', 'xdp'] as const)(
	'at %s',
	requires('root', 'ip', 'ping', 'iperf3', 'curl', 'ethtool'),
	(hook) => {
		let gateways: Gateways;
		let folder: string;
		const body = Buffer.alloc(download, 'every byte counts ');

		beforeAll(async () => {
			folder = mkdtempSync(join(tmpdir(), 'encap-forward-test-'));
			writeFileSync(join(folder, 'body'), body);
			gateways = openGateways(hook);
			gateways.start('server', 'iperf3', '-s');
			const serve = `require('node:http').createServer((_, answer) => require('node:fs').createReadStream(process.argv[1]).pipe(answer)).listen(8080, '::')`;
			gateways.start('server', process.execPath, '-e', serve, join(folder, 'body'));
			for (const deadline = performance.now() + 20_000; performance.now() < deadline; ) {
				const listening = gateways.run('server', 'cat', '/proc/net/tcp6');
				if (/:1F90 [0:]+ 0A/.test(listening) && /:1451 [0:]+ 0A/.test(listening)) break;
				await new Promise((resolve) => setTimeout(resolve, 50));
			}
		}, 60_000);
		afterAll(() => {
			gateways?.close();
			rmSync(folder, { recursive: true, force: true });
		});

		/** The summary line's number of answers; ping's own status is of no interest. */
		function answered(target: string, ...options: readonly string[]): number {
			const text = gateways.run('client', 'sh', '-c', `ping ${options.join(' ')} -W 2 ${target} || true`);
			return Number(/(\d+) received/.exec(text)?.[1]);
		}

		/** What ping is told, and the kernel remembers, of a packet that fills the client's own link. */
		function told(target: string, ipv6: boolean): string {
			const size = ipv6 ? 1452 : 1472;
			const text = gateways.run(
				'client',
				'sh',
				'-c',
				`ping -M do -c 2 -i 0.1 -W 1 -s ${size} ${target} 2>&1 || true`,
			);
			return /(?:Frag needed and DF set \(mtu = |Packet too big: mtu=)(\d+)/.exec(text)?.[1] ?? text;
		}

		interface Stream {
			readonly end: { readonly sum_received: { readonly bytes: number } };
			readonly error?: string;
		}

		function stream(target: string, ...options: readonly string[]): number {
			const words = ['-c', target, '-n', '2M', '--connect-timeout', '5000', '-J', ...options];
			const { end, error } = JSON.parse(
				gateways.run('client', 'sh', '-c', `timeout 60 iperf3 ${words.join(' ')} || true`),
			) as Stream;
			return error === undefined ? end.sum_received.bytes : Number.NaN;
		}

		function tryAll(shim: number, outer: 'ipv4' | 'ipv6'): void {
			for (const inner of families) {
				const target = innerEnds[inner].server;
				const mtu = 1500 - (outer === 'ipv4' ? 20 : 40) - shim;
				expect(answered(target, '-c', '3', '-i', '0.05'), `${inner}: pings`).toBe(3);
				expect(told(target, inner === 'ipv6'), `${inner}: the MTU`).toBe(String(mtu));
				const fits = mtu - (inner === 'ipv4' ? 28 : 48);
				expect(
					answered(target, '-M', 'do', '-c', '2', '-i', '0.05', '-s', String(fits)),
					`${inner}: full`,
				).toBe(2);
				const url = inner === 'ipv4' ? `http://${target}:8080/` : `http://[${target}]:8080/`;
				const text = gateways.run('client', 'sh', '-c', `curl -gsS --max-time 60 '${url}' | sha256sum`);
				expect(text.slice(0, 64), `${inner}: the download`).toBe(
					createHash('sha256').update(body).digest('hex'),
				);
				for (const direction of [[], ['-R']])
					expect(stream(target, ...direction), `${inner}: a stream ${direction}`).toBeGreaterThan(least);
			}
		}

		test.each(cases)(
			'$name over $outer',
			({ kind, shim, outer }) => {
				gateways.tunnel(kind, outer);
				tryAll(shim, outer);
				for (const host of ['near', 'far'] as const)
					for (const each of new Set([hook, 'tc'] as const))
						for (const outcome of counts(gateways, host, each).keys())
							expect(harmless, `${host} ${each}: ${outcome}`).toContain(outcome);
			},
			180_000,
		);

		test('a smaller route on the way between the gateways, of which the sender is told', () => {
			gateways.tunnel({ encapsulation: 'ip' }, 'ipv4');
			gateways.run(
				'near',
				'ip',
				'route',
				'add',
				`${outerEnds.ipv4.far}/32`,
				'dev',
				'net2',
				'mtu',
				'lock',
				'1420',
			);
			try {
				gateways.tunnel({ encapsulation: 'ip' }, 'ipv4');
				for (const inner of families) {
					const target = innerEnds[inner].server;
					expect(told(target, inner === 'ipv6')).toBe('1400');
					expect(gateways.run('client', 'ip', 'route', 'get', target)).toMatch(/mtu 1400/);
					expect(stream(target)).toBeGreaterThan(least);
				}
			} finally {
				gateways.run('near', 'ip', 'route', 'del', `${outerEnds.ipv4.far}/32`, 'dev', 'net2');
			}
		}, 120_000);

		test('a smaller link behind the far gateway, whose answer comes back through the tunnel', () => {
			gateways.tunnel({ encapsulation: 'gre', key: 9 }, 'ipv6');
			gateways.run('far', 'ip', 'link', 'set', 'net9', 'mtu', '1300');
			try {
				gateways.tunnel({ encapsulation: 'gre', key: 9 }, 'ipv6');
				for (const inner of families) {
					const target = innerEnds[inner].server;
					// Small enough for the tunnel, too big for the link.
					const size = 1400 - (inner === 'ipv4' ? 28 : 48);
					const text = gateways.run(
						'client',
						'sh',
						'-c',
						`ping -M do -c 2 -i 0.1 -W 1 -s ${size} ${target} 2>&1 || true`,
					);
					expect(text).toMatch(
						inner === 'ipv4' ? /Frag needed and DF set \(mtu = 1300\)/ : /Packet too big: mtu=1300/,
					);
					// The far gateway knows no way to the client but the tunnel, and answers from its own address.
					expect(text).toMatch(inner === 'ipv4' ? /From 10\.2\.0\.2/ : /From fd02::2/);
					expect(stream(target)).toBeGreaterThan(least);
				}
			} finally {
				gateways.run('far', 'ip', 'link', 'set', 'net9', 'mtu', '1500');
			}
		}, 120_000);

		/** How many of so many pings of a few seconds are lost, while something is done in the middle. */
		async function lostWhile(seconds: number, work: () => void): Promise<{ lost: number; last: boolean }> {
			const target = innerEnds.ipv4.server;
			const count = seconds * 20;
			const pinging = gateways.watch('client', 'ping', '-c', String(count), '-i', '0.05', '-W', '1', target);
			await new Promise((resolve) => setTimeout(resolve, 1000));
			work();
			const text = await pinging;
			const received = Number(/(\d+) received/.exec(text)?.[1]);
			return { lost: count - received, last: text.includes(`icmp_seq=${count} `) };
		}

		test('the next hop changes its Ethernet address, and is followed as quickly as the kernel does', async () => {
			gateways.tunnel({ encapsulation: 'ip' }, 'ipv4');
			const { lost, last } = await lostWhile(14, () => {
				const address = '02:00:00:00:02:99';
				gateways.run('far', 'ip', 'link', 'set', 'net2', 'address', address);
				gateways.setAddress('far', 'net2', address);
			});
			expect(last, `the last of them is answered; ${lost} were lost`).toBe(true);
			expect(lost).toBeLessThan(10 * 20);
		}, 60_000);

		test('the egress device goes down and comes up again', async () => {
			gateways.tunnel({ encapsulation: 'vxlan', vni: 1 }, 'ipv4');
			const { lost, last } = await lostWhile(8, () => {
				gateways.run('near', 'ip', 'link', 'set', 'net2', 'down');
				gateways.run('near', 'ip', 'link', 'set', 'net2', 'up');
			});
			expect(last, `the last of them is answered; ${lost} were lost`).toBe(true);
		}, 60_000);

		test('senders that finish their checksums themselves go all the way by the hook', () => {
			gateways.tunnel({ encapsulation: 'geneve', vni: 3 }, 'ipv6');
			for (const [host, device] of [
				['client', 'net1'],
				['server', 'net9'],
			] as const)
				gateways.run(host, 'ethtool', '-K', device, 'tx', 'off');
			const before = counts(gateways, 'near', hook).get('forwarded')?.packets ?? 0n;
			tryAll(30, 'ipv6');
			const packets = (counts(gateways, 'near', hook).get('forwarded')?.packets ?? 0n) - before;
			// 2 MiB twice and 300,000 bytes at most 1430 a packet, but TCP's acknowledgements come the other way, too.
			expect(packets).toBeGreaterThan(hook === 'xdp' ? 2900n : 100n);
		}, 120_000);
	},
);
