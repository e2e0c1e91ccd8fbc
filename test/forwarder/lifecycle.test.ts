import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseKernel } from '../../src/engines/model/kernel.ts';
import { requires } from '../needs.ts';
import { commandLine, type Gateway, openGateway, tunnelTo } from '../support/gateway.ts';

const { version } = parseKernel(release());
/** Linux 6.6 brings TCX; a clsact filter is no link. */
const hasTcx = version >= 6006;
const hooks = `XDP (native), ${hasTcx ? 'TCX' : 'TC (clsact filter)'}`;
/** Before Linux 6.3 nothing tells what XDP can send by, and TC does it. */
const sender = version >= 6003 ? 'XDP' : 'TC';

interface Total {
	readonly hook: string;
	readonly outcome: string;
	readonly packets: number;
	readonly bytes: number;
}

describe('a forwarder', requires('root', 'ip', 'ping', 'bpftool'), () => {
	let gateway: Gateway;
	let file: string;
	beforeAll(() => {
		gateway = openGateway();
		file = gateway.configure(
			`interfaces: [in0]\ntunnels:\n${tunnelTo('fd09::/64')}\n${tunnelTo('10.9.0.0/24')}\n`,
		);
	});
	afterAll(() => gateway?.close());

	const netns = (): string[] => ['--netns', gateway.gateway];
	const forwarded = (): number => {
		const { stdout } = gateway.command('status', ...netns(), '--json');
		const { outcomes } = JSON.parse(stdout) as { outcomes: Total[] };
		return outcomes
			.filter(({ outcome }) => outcome === 'forwarded' || outcome === 'forwarded-neighbour')
			.reduce((sum, { packets }) => sum + packets, 0);
	};
	/** How many of so many pings were answered. */
	const pinged = (count: number): number => {
		const text = gateway.run(
			gateway.client,
			...['sh', '-c', `ping -c ${count} -i 0.02 -W 2 fd09::1 || true`],
		);
		return Number(/(\d+) received/.exec(text)?.[1]);
	};
	const vxlanPackets = (): number => {
		const [link] = JSON.parse(gateway.run(gateway.server, 'ip', '-json', '-s', 'link', 'show', 'vx0')) as [
			{ stats64: { rx: { packets: number } } },
		];
		return link.stats64.rx.packets;
	};

	test('nothing answers before it is up, and status says so', () => {
		expect(pinged(2)).toBe(0);
		const { status, stderr } = gateway.command('status', ...netns());
		expect([status, stderr]).toEqual([1, expect.stringContaining('[EF_NOT_UP]')]);
		const { status: refused, stderr: why } = gateway.command(
			'reload',
			...netns(),
			'--config',
			file,
			'--json',
		);
		expect(refused).toBe(1);
		expect(JSON.parse(why)).toMatchObject({ error: { code: 'EF_NOT_UP' } });
	});

	test('forwards with strict sysctls, the very first packet included, and without a process', () => {
		gateway.run(gateway.gateway, 'ip', 'neigh', 'flush', 'all');
		const { status, stdout } = gateway.command('up', '--config', file, ...netns());
		expect([status, stdout]).toEqual([0, `The forwarder is up with 2 tunnels.\n  in0: ${hooks}\n`]);
		const before = vxlanPackets();
		expect(pinged(20)).toBe(20);
		expect(vxlanPackets() - before).toBeGreaterThanOrEqual(20);
		expect(forwarded()).toBe(20);
	});

	test('an IPv4 datagram through it', () => {
		const before = vxlanPackets();
		gateway.run(gateway.client, 'sh', '-c', 'ping -c 5 -i 0.02 -W 0.1 10.9.0.1 || true');
		expect(vxlanPackets() - before).toBe(5);
	});

	test('up once more keeps the counters, and there is one program at each hook', () => {
		const before = forwarded();
		const identifiers = (): unknown => gateway.run(gateway.gateway, 'ip', '-json', 'link', 'show', 'in0');
		const old = identifiers();
		const { status, stdout } = gateway.command('up', '--config', file, ...netns());
		expect([status, stdout]).toEqual([
			0,
			`The forwarder is up with 2 tunnels (0 added, 0 changed, 0 removed).\n  in0: ${hooks}\n`,
		]);
		expect(identifiers()).not.toEqual(old); // another program
		expect(forwarded()).toBe(before);
		expect(pinged(3)).toBe(3);
		expect(forwarded()).toBe(before + 3);
		const folder = join(gateway.bpffs, 'encap-forward');
		const [inode = ''] = readdirSync(folder);
		expect(readdirSync(join(folder, inode, 'links')).map((name) => name.replace(/\d+$/, 'N'))).toEqual([
			...(hasTcx ? ['tcx-N'] : []),
			'xdp-native-N',
		]);
	});

	test('killing anything of ours has no effect on forwarding', async () => {
		const [program = '', ...options] = commandLine;
		const env = { ...process.env, ENCAP_FORWARD_BPFFS: gateway.bpffs };
		for (const command of [
			['metrics', '--listen', '127.0.0.1:0'],
			['status', '--watch'],
		]) {
			const child = spawn(program, [...options, ...command, ...netns()], {
				env,
				stdio: ['ignore', 'pipe', 'pipe'],
			});
			await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')]);
			child.kill('SIGKILL');
			await once(child, 'exit');
			expect(pinged(3)).toBe(3);
		}
		for (const milliseconds of [150, 300, 350, 400, 450]) {
			const child = spawn(program, [...options, 'up', '--config', file, ...netns()], {
				env,
				stdio: 'ignore',
			});
			await new Promise((resolve) => setTimeout(resolve, milliseconds));
			child.kill('SIGKILL');
			expect(pinged(5)).toBe(5);
		}
		expect(gateway.command('up', '--config', file, ...netns()).status).toBe(0);
		expect(pinged(3)).toBe(3);
	});

	test('status says in words what became of the packets', () => {
		const { stdout } = gateway.command('status', ...netns());
		expect(stdout).toMatch(
			/^The forwarder is up with 2 tunnels \(version [0-9.]+\)\.\n {2}in0: XDP \(native\), TC(?:X| \(clsact filter\))\n/,
		);
		expect(stdout).toMatch(new RegExp(`^${sender} +\\d+ +\\d+ {2}encapsulated, redirected$`, 'm'));
		const { stdout: json } = gateway.command('status', ...netns(), '--json');
		const { tunnels } = JSON.parse(json) as {
			tunnels: { count: number; list: { match: string; vni: number }[] };
		};
		expect(tunnels.count).toBe(2);
		expect(tunnels.list.map(({ match, vni }) => [match, vni])).toEqual([
			['10.9.0.0/24', 7],
			['fd09::/64', 7],
		]);
	});

	test('down leaves nothing, and may be repeated', () => {
		const { status, stdout } = gateway.command('down', ...netns());
		expect([status, stdout]).toEqual([0, `The forwarder is down.\n  in0: ${hooks}: removed\n`]);
		expect(existsSync(join(gateway.bpffs, 'encap-forward'))).toBe(false);
		expect(gateway.run(gateway.gateway, 'ip', 'link', 'show', 'in0')).not.toContain('xdp');
		expect(gateway.run(gateway.gateway, 'tc', 'qdisc', 'show', 'dev', 'in0')).not.toContain('clsact');
		expect(gateway.run(gateway.gateway, 'bpftool', 'net')).not.toContain('in0');
		expect(gateway.run(gateway.gateway, 'bpftool', 'link')).not.toContain('dev in0');
		expect(pinged(2)).toBe(0);
		const again = gateway.command('down', ...netns());
		expect([again.status, again.stdout]).toEqual([0, 'There was no forwarder: nothing to remove.\n']);
	});
});
