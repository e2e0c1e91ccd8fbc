/** `encap-forward trace` as its users run it: what it prints, how it is narrowed, how it ends, what it leaves. */
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFlood } from '../../bench/flood.ts';
import { inNamespace } from '../../src/kernel/namespace.ts';
import { requires } from '../needs.ts';
import { tsharkFields } from '../packet/tshark.ts';
import { inTunnels } from '../packet/tunnels.ts';
import {
	commandPath,
	type Ended,
	ended,
	errorCode,
	runCommand,
	runUnder,
	startCommand,
} from '../support/command.ts';
import { openGateway } from '../support/gateway.ts';
import { addressBytes } from '../support/journeys.ts';
import { type Network, openNetwork } from '../support/network.ts';
import { readdressed, udpFrame, udpPacket } from './frames.ts';

interface Line {
	readonly type: string;
	readonly packets: number;
	readonly reason: string;
	readonly cause: string;
	readonly where: string;
	readonly by: string;
	readonly device: string | null;
	readonly namespace: string;
	readonly ethertype: number | null;
	readonly outer: { source: string; destination: string; protocol: string } | null;
	readonly encapsulation: string | null;
	readonly inner: { source: string; destination: string; protocol: string } | null;
	readonly frame: string;
	readonly length: number;
	readonly tooMany: boolean;
	readonly explanation: string;
	readonly changes: readonly { change: string; commands: readonly string[]; affects: string }[];
	readonly notShown: number;
	readonly missed: number;
	readonly told: number;
}

interface Running {
	readonly child: ChildProcess;
	/** Send it a signal and wait for its end. */
	end(signal?: NodeJS.Signals): Promise<Ended>;
	readonly done: Promise<Ended>;
}

/** The command with these options, once it watches. */
async function started(...options: readonly string[]): Promise<Running> {
	const child = startCommand(['trace', ...options]);
	const end = ended(child);
	const watches = new Promise<void>((resolve) => {
		for (const stream of [child.stdout, child.stderr])
			stream?.on('data', (text: string) => /"watching"|Watching/.test(String(text)) && resolve());
	});
	await Promise.race([watches, end]);
	return {
		child,
		done: end,
		end: (signal = 'SIGINT') => {
			child.kill(signal);
			return end;
		},
	};
}

function linesOf({ stdout }: Ended): Line[] {
	return stdout
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => JSON.parse(line) as Line);
}

const payload = new Uint8Array(32).fill(7);

/** Three packets that are dropped for three reasons: in a tunnel, alone, and IPv6. */
const frames = {
	tunnelled: readdressed(
		inTunnels(udpPacket({ from: '192.0.2.1', to: '198.51.100.7', payload }), {
			source: addressBytes('10.11.2.2'),
			destination: addressBytes('10.11.2.1'),
		})['gre with a key'] ?? new Uint8Array(),
	),
	alone: udpFrame({ from: '10.11.1.9', to: '10.99.0.1', payload }),
	ipv6: udpFrame({ from: 'fc00:dead:cafe:1::9', to: 'fc00:dead:cafe:2::1', payload, ttl: 1 }),
} as const;

describe('trace', requires('root', 'ip'), () => {
	let network: Network;
	let namespace: string;
	let folder: string;
	beforeAll(() => {
		network = openNetwork();
		namespace = `inode:${network.router.inode}`;
		folder = mkdtempSync(join(tmpdir(), 'trace-'));
	});
	afterAll(() => {
		network.close();
		rmSync(folder, { recursive: true });
	});

	/** All three, so often. */
	function sendAll(times = 1): void {
		for (let i = 0; i < times; i++) for (const frame of Object.values(frames)) network.send(frame);
	}

	/** What of the three a run with these options tells of, by reason. */
	async function toldOf(...options: readonly string[]): Promise<string[]> {
		const { end } = await started('--netns', namespace, '--json', ...options);
		sendAll();
		const run = await end();
		expect([run.status, run.stderr]).toEqual([0, '']);
		return linesOf(run)
			.filter(({ type }) => type === 'drops')
			.map(({ reason }) => reason)
			.filter((reason) => all.includes(reason))
			.sort();
	}

	const [local, route, ttl] = ['IP_LOCAL_SOURCE', 'IP_INNOROUTES', 'IP_INHDR'];
	const all = [ttl, route, local] as string[];

	test('a table for people when it ends with Ctrl-C', async () => {
		const { end } = await started('--netns', namespace);
		sendAll(3);
		const run = await end();
		expect([run.status, run.stderr]).toEqual([0, 'Watching; Ctrl-C ends it.\n']);
		expect(run.stdout).toMatch(/^In \d+\.\d s \d+ packets dropped, in \d+ places(, [\d,]+ a second)?\n/);
		expect(run.stdout).toContain(
			[
				`✗ ${local} at ip_rcv_finish_core: source-is-local`,
				`  3 packets at veth0 in ${namespace}`,
				"  ip_rcv_finish_core dropped the packets: the source address is one of the receiving host's own.",
				'  3  10.11.2.2 > 10.11.2.1 gre | 192.0.2.1 > 198.51.100.7 udp',
			].join('\n'),
		);
		expect(run.stdout).toContain('  3  10.11.1.9 > 10.99.0.1 udp\n');
		expect(run.stdout).toContain('  3  fc00:dead:cafe:1::9 > fc00:dead:cafe:2::1 udp\n');
		for (const line of run.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
	});

	test('the same for programs, and the sum of it', async () => {
		const { end } = await started('--netns', namespace, '--json');
		sendAll(5);
		const lines = linesOf(await end());
		expect(lines[0]).toMatchObject({ type: 'watching' });
		expect(lines.find(({ reason }) => reason === local)).toEqual({
			type: 'drops',
			packets: 5,
			by: 'kernel',
			reason: local,
			cause: 'source-is-local',
			where: 'ip_rcv_finish_core',
			namespace,
			device: 'veth0',
			ethertype: 0x0800,
			outer: { source: '10.11.2.2', destination: '10.11.2.1', protocol: 'gre' },
			encapsulation: 'gre',
			inner: { source: '192.0.2.1', destination: '198.51.100.7', protocol: 'udp' },
			tooMany: false,
			explanation: expect.stringContaining('ip_rcv_finish_core'),
			changes: [],
		});
		const drops = lines.filter(({ type }) => type === 'drops');
		expect(lines.at(-1)).toMatchObject({
			type: 'summary',
			packets: drops.reduce((sum, { packets }) => sum + packets, 0),
			notShown: 0,
		});
	});

	test.each([
		[[], all],
		[['--cause', 'source-is-local'], [local]],
		[
			['--cause', 'source-is-local', '--cause', 'ttl-expired'],
			[ttl, local],
		],
		[['--reason', 'IP_INNOROUTES'], [route]],
		[
			['--reason', 'SKB_DROP_REASON_IP_INNOROUTES', '--reason', 'ip_inhdr'],
			[ttl, route],
		],
		[['--device', 'veth0'], all],
		[['--device', 'veth1'], []],
		[['--device', 'veth', '--device', 'veth00'], []],
		[['--outer', '10.11.2.0/24'], [local]],
		[['--outer', '10.99.0.1'], [route]],
		[['--outer', '10.0.0.0/8', '--outer', 'fc00::/8'], all],
		[
			['--outer', '0.0.0.0/0'],
			[route, local],
		],
		[['--outer', '::/0'], [ttl]],
		[['--inner', '198.51.100.0/24'], [local]],
		[['--inner', '10.0.0.0/8'], []],
		[['--inner', '::/0'], []],
		[['--outer', '10.11.2.1', '--inner', '192.0.2.1', '--cause', 'no-route'], []],
		[['--netns', 'inode:1'], all],
	] as const)('%j', async (options, expected) => {
		expect(await toldOf(...options)).toEqual(expected);
	});

	test('a device that is not there is told of, and waited for', async () => {
		const say = async (...options: readonly string[]): Promise<string> => {
			const run = await runCommand(['trace', '--seconds', '0.1', ...options]);
			expect(run.status).toBe(0);
			return run.stderr;
		};
		const told = /no device veth9nine is there now; one that is made later is watched/;
		expect(await say('--device', 'veth9nine')).toMatch(told);
		expect(await say('--device', 'lo', '--device', 'veth9nine')).toMatch(told);
		expect(await say('--device', 'lo')).not.toContain('no device');
		expect(await say('--netns', namespace, '--device', 'veth0')).not.toContain('no device');
		expect(await say('--netns', 'host', '--device', 'veth9nine')).toMatch(told);
	});

	test('another namespace is left out', async () => {
		const { end } = await started('--netns', 'inode:1', '--json');
		sendAll();
		expect(linesOf(await end()).map(({ type, packets }) => [type, packets])).toEqual([
			['watching', undefined],
			['summary', 0],
		]);
	});

	test('--each: every packet with its bytes, in order', async () => {
		const { end } = await started(
			...['--netns', namespace, '--each', '--json'],
			...['--outer', '10.0.0.0/8', '--reason', local, '--reason', route],
		);
		sendAll(2);
		const lines = linesOf(await end());
		const told = lines.filter(({ type }) => type === 'drop');
		expect(told.map(({ reason, frame }) => [reason, frame])).toEqual(
			[frames.tunnelled, frames.alone, frames.tunnelled, frames.alone].map((frame, index) => [
				index % 2 === 0 ? local : route,
				Buffer.from(frame).toString('hex'),
			]),
		);
		expect(lines.at(-1)).toMatchObject({ type: 'summary', packets: 4, told: 4, notShown: 0 });
		const run = await started('--netns', namespace, '--each', '--count', '1', '--reason', route);
		network.send(frames.alone);
		const { stdout, status } = await run.done;
		expect(status).toBe(0);
		expect(stdout).toMatch(
			/^\d\d:\d\d:\d\d\.\d{6} veth0 in inode:\d+: IP_INNOROUTES at ip_error: no-route: IPv4 10\.11\.1\.9 > 10\.99\.0\.1/,
		);
	});

	test('--count ends it after so many, no more and no less', async () => {
		const { done } = await started('--netns', namespace, '--json', '--count', '7', '--reason', route);
		sendAll(30);
		const lines = linesOf(await done);
		expect(lines.at(-1)).toMatchObject({ type: 'summary', packets: 7, told: 7 });
		expect(lines.filter(({ type }) => type === 'drops')).toMatchObject([{ packets: 7, reason: route }]);
	});

	test('--seconds ends it, --interval tells of each, and together they tell of all', async () => {
		const { done } = await started('--netns', namespace, '--json', '--seconds', '3', '--interval', '0.4');
		sendAll(4);
		const run = await done;
		const lines = linesOf(run);
		expect(run.status).toBe(0);
		const intervals = lines.filter(({ type }) => type === 'interval');
		expect(intervals.length).toBeGreaterThanOrEqual(2);
		const summary = lines.at(-1);
		expect(summary).toMatchObject({ type: 'summary' });
		expect(summary?.packets).toBe(intervals.reduce((sum, { packets }) => sum + packets, 0));
		expect(summary?.packets).toBeGreaterThanOrEqual(12);
	});

	test('a closed pipe ends it', async () => {
		const { child, done } = await started('--netns', namespace, '--each');
		child.stdout?.destroy();
		sendAll(3);
		const { status, stderr } = await done;
		expect(status).toBe(1);
		expect(stderr).toContain('[EF_OUTPUT]');
	});

	test('the table is renewed on a terminal', async () => {
		const words = [process.execPath, commandPath, 'trace', '--netns', namespace, '--seconds', '8'].join(' ');
		const child = spawn('script', ['-qec', words, '/dev/null'], { stdio: ['ignore', 'pipe', 'pipe'] });
		const end = ended(child);
		await once(child.stdout, 'data');
		sendAll(2);
		const { stdout, status } = await end;
		expect(status).toBe(0);
		expect(stdout.split('A\r\x1b[J').length).toBeGreaterThan(2);
		expect(stdout.match(/Ctrl-C ends it/g)?.length).toBeGreaterThanOrEqual(2);
		const last = stdout.slice(stdout.lastIndexOf('\x1b[J'));
		expect(last).toContain('10.11.2.2 > 10.11.2.1 gre | 192.0.2.1 > 198.51.100.7 udp');
		expect(last).not.toContain('Ctrl-C');
	});

	test(
		'--pcap: tshark reads every packet, with reason and place',
		requires('tshark', 'capinfos'),
		async () => {
			const file = join(folder, 'drops.pcapng');
			network.sysctl('ipv4/neigh/veth1/mcast_solicit', 1);
			network.sysctl('ipv4/neigh/veth1/retrans_time_ms', 50);
			const { end, child } = await started('--netns', namespace, '--pcap', file, '--each', '--json');
			sendAll();
			// Sent by the router itself: it has no Ethernet header when its next hop fails.
			inNamespace(network.router, () => {
				spawnPing('10.11.2.77');
			});
			await new Promise<void>((resolve) => {
				child.stdout?.on('data', (text) => String(text).includes('neighbour-failed') && resolve());
			});
			const told = linesOf(await end()).filter(({ type }) => type === 'drop');
			const packets = tsharkFields(readFileSync(file), [
				...([
					'frame.comment',
					'frame.interface_name',
					'frame.len',
					'frame.cap_len',
					'ip.src',
					'ip.dst',
				] as const),
				...(['ipv6.src', '_ws.malformed', 'frame.protocols', 'frame.time_epoch'] as const),
			]);
			expect(packets).toHaveLength(told.length);
			for (const [index, { reason, where, cause, device, length, frame, outer, inner }] of told.entries()) {
				const packet = packets[index];
				expect(packet?.['frame.comment']).toBe(
					`dropped at ${device} in ${namespace}: ${reason} at ${where}: ${cause}`,
				);
				expect(packet?.['frame.interface_name']).toBe(device);
				expect(Number(packet?.['frame.len'])).toBe(length);
				expect(Number(packet?.['frame.cap_len'])).toBeGreaterThanOrEqual(Math.min(length, frame.length / 2));
				expect(packet?.['_ws.malformed']).toBe('');
				const sources = [outer, inner].flatMap((header) => header?.source ?? []);
				const read = `${packet?.['ip.src']},${packet?.['ipv6.src']}`.split(',');
				for (const source of sources) expect(read).toContain(source);
			}
			const protocols = packets.map((packet) => packet['frame.protocols']);
			expect(protocols.some((text) => text.startsWith('eth:ethertype:ip:gre:ip:udp'))).toBe(true);
			expect(protocols.some((text) => text.startsWith('raw:ip:icmp'))).toBe(true);
			expect(execFileSync('capinfos', ['-M', file], { encoding: 'utf8' })).toMatch(
				/Capture application: +encap-forward/,
			);
		},
	);

	test.each([
		[['--cause', 'reverse-pth'], /--cause: "reverse-pth" is no cause; did you mean reverse-path\?/],
		[['--reason', 'IP_RPFILTERS'], /no reason "IP_RPFILTERS"; did you mean IP_RPFILTER\?/],
		[['--reason', 'NONSENSE_OF_MINE'], /give one by its name in the kernel/],
		[['--device', 'a/b'], /--device: "a\/b" has a \//],
		[['--netns', 'nowhere'], /no network namespace nowhere/],
		[['--netns', 'pid:999999999'], /no process 999999999/],
		[['--outer', '10.0.0.1/8'], /--outer: '10.0.0.1\/8' has bits set behind its prefix length/],
		[['--inner', 'banana'], /--inner: 'banana' is not an IP address/],
		[Array.from({ length: 9 }, () => ['--outer', '10.0.0.0/8']).flat(), /--outer is given 9 times/],
		[['--count', '0'], /"0" is not a number from 1 on/],
		[['--seconds', '-1'], /--seconds/],
		[['--interval', '0'], /"0" is no time in seconds/],
	] as const)('%j is refused', async (options, says) => {
		const run = await runCommand(['trace', ...options]);
		expect([run.status, errorCode(run)]).toEqual([2, 'EF_USAGE']);
		expect(run.stderr).toMatch(says);
	});

	test('a file that cannot be written is told before anything is watched', async () => {
		const run = await runCommand(['trace', '--pcap', '/nonexistent/x.pcapng']);
		expect([run.status, errorCode(run)]).toEqual([1, 'EF_FILE']);
	});

	test('what it lacks is named', async () => {
		const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'];
		const run = await runUnder(nobody, ['trace', '--seconds', '1']);
		expect([run.status, errorCode(run)]).toEqual([1, 'EF_PERMISSION']);
		expect(run.stderr).toMatch(/CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON/);
		const hidden = ['unshare', '-m', '--', 'sh', '-c', 'mount -t tmpfs none /sys/kernel/btf; exec "$0" "$@"'];
		expect(errorCode(await runUnder(hidden, ['trace', '--seconds', '1']))).toBe('EF_NO_BTF');
	});

	test('CAP_BPF and CAP_PERFMON are enough', async () => {
		const only = ['setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin', '--'];
		const run = await runUnder(only, ['trace', '--netns', namespace, '--seconds', '0.2', '--json']);
		expect([run.status, run.stderr]).toEqual([0, '']);
	});

	test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('%s leaves nothing in the kernel', async (signal) => {
		const { child, end } = await started('--netns', namespace);
		const ids = programsOf(child.pid ?? 0);
		expect(ids.length).toBeGreaterThanOrEqual(4);
		await end(signal);
		for (const deadline = performance.now() + 5000; ; ) {
			const left = allPrograms().filter((id) => ids.includes(id));
			if (left.length === 0) break;
			expect(performance.now()).toBeLessThan(deadline);
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	});

	test('of a flood, every packet is shown or counted as not shown', async () => {
		const flood = openFlood(100_000);
		try {
			const { end } = await started('--netns', `inode:${flood.namespace}`, '--reason', local, '--json');
			for (let i = 0; i < 20; i++) flood.drop(20_000);
			const lines = linesOf(await end());
			const summary = lines.at(-1);
			expect((summary?.packets ?? 0) + (summary?.notShown ?? 0) + (summary?.missed ?? 0)).toBe(400_000);
			const rows = lines.filter(({ type }) => type === 'drops');
			expect(rows.reduce((sum, { packets }) => sum + packets, 0)).toBe(summary?.packets);
			expect(rows.find(({ tooMany }) => tooMany)).toMatchObject({
				outer: null,
				inner: null,
				device: 'flood0',
			});
			expect(rows.filter(({ tooMany }) => !tooMany).length).toBeGreaterThanOrEqual(128);
		} finally {
			flood.close();
		}
	});

	test('a flood packet by packet: what comes too fast is counted', async () => {
		const flood = openFlood(10);
		try {
			const { end } = await started(
				'--netns',
				`inode:${flood.namespace}`,
				'--reason',
				local,
				'--json',
				'--each',
			);
			flood.drop(200_000);
			const lines = linesOf(await end());
			const summary = lines.at(-1);
			expect(lines.filter(({ type }) => type === 'drop').length).toBe(summary?.told);
			expect((summary?.packets ?? 0) + (summary?.notShown ?? 0) + (summary?.missed ?? 0)).toBe(200_000);
		} finally {
			flood.close();
		}
	});
});

function spawnPing(address: string): void {
	const child = spawn('ping', ['-c', '1', '-W', '1', address], { stdio: 'ignore' });
	child.unref();
}

/** The numbers of BPF programs that a process holds (proc(5), fdinfo). */
function programsOf(pid: number): number[] {
	const text = execFileSync('sh', ['-c', `cat /proc/${pid}/fdinfo/*`], { encoding: 'utf8' });
	return [...text.matchAll(/^prog_id:\s*(\d+)$/gm)].map(([, id]) => Number(id));
}

function allPrograms(): number[] {
	const text = execFileSync('bpftool', ['-j', 'prog'], { encoding: 'utf8' });
	return (JSON.parse(text) as { id: number }[]).map(({ id }) => id);
}

describe('trace beside a forwarder', requires('root', 'ip', 'ping'), () => {
	test('what the datapath drops at XDP is told from its counters', async () => {
		const gateway = openGateway();
		try {
			const lost = "{ match: 'fd0a::/64', encapsulation: ip, source: 10.2.0.1, destination: 192.0.2.77 }";
			const file = gateway.configure(`interfaces: [in0]\ntunnels:\n  - ${lost}\n`);
			expect(gateway.command('up', '--config', file, '--netns', gateway.gateway)).toMatchObject({
				status: 0,
			});
			const child = startCommand(['trace', '--netns', gateway.gateway, '--json'], {
				env: { ...process.env, ENCAP_FORWARD_BPFFS: gateway.bpffs },
			});
			const end = ended(child);
			await once(child.stdout ?? process.stdin, 'data');
			try {
				gateway.run(gateway.client, 'ping', '-c', '3', '-i', '0.05', '-W', '1', 'fd0a::1');
			} catch {
				// Nobody answers.
			}
			child.kill('SIGINT');
			const lines = linesOf(await end);
			expect(lines.find(({ by }) => by === 'datapath')).toMatchObject({
				packets: 3,
				reason: 'not-forwarded',
				cause: 'no-route',
				where: 'xdp',
				namespace: gateway.gateway,
			});
			gateway.command('down', '--netns', gateway.gateway);
		} finally {
			gateway.close();
		}
	});

	test('the smallest change is told, and it is one', async () => {
		const gateway = openGateway();
		const { run, client, gateway: router } = gateway;
		/** What a ping from an address whose way back is another is dropped for. */
		const dropped = async (): Promise<Line | undefined> => {
			const { end } = await started(
				'--netns',
				router,
				'--device',
				'in0',
				'--reason',
				'IP_RPFILTER',
				'--json',
			);
			try {
				run(client, 'ping', '-c', '1', '-W', '1', '-I', '10.2.0.99', '10.2.0.2');
			} catch {
				// The answer goes elsewhere.
			}
			return linesOf(await end()).find(({ type }) => type === 'drops');
		};
		try {
			run(client, 'ping', '-c', '1', '-W', '2', '10.1.0.1'); // asked from the other address, ARP is refused too
			run(client, 'ip', 'address', 'add', '10.2.0.99/32', 'dev', 'eth0');
			const line = await dropped();
			expect(line).toMatchObject({ cause: 'reverse-path', device: 'in0', packets: 1 });
			expect(line?.explanation).toMatch(
				/^With rp_filter=1 on in0, the way back to 10\.2\.0\.99 must lead out of in0/,
			);
			expect(line?.changes).not.toEqual([]);
			for (const command of line?.changes.flatMap(({ commands }) => commands) ?? [])
				run(router, 'sh', '-c', command);
			expect(await dropped()).toBeUndefined();
		} finally {
			gateway.close();
		}
	});
});
