/** `snapshot` and `explain` as a user runs them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pcapng } from '../../src/packet/pcapng.ts';
import { requires } from '../needs.ts';
import { errorCode, runCommand, runUnder } from '../support/command.ts';
import { ipFrame } from '../support/journeys.ts';

const cases = fileURLToPath(new URL('../explain/cases/', import.meta.url));
let folder = '';
let file = '';

function stored(name: string): string {
	return JSON.stringify(
		(JSON.parse(readFileSync(`${cases}${name}.json`, 'utf8')) as { snapshot: unknown }).snapshot,
	);
}

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'encap-forward-test-'));
	file = join(folder, 'router.json');
	writeFileSync(file, stored('kubernetes-124587'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const packet = 'ipv4 192.168.27.13 > 10.87.87.202 icmp';

function explain(...options: readonly string[]) {
	return runCommand(['explain', '--snapshot', file, '--in', 'ens5', '--packet', packet, ...options]);
}

test('an explanation for people says what happens, why, what is logged and what helps', async () => {
	const { status, stdout, stderr } = await explain();
	expect([status, stderr]).toEqual([0, '']);
	for (const part of [
		'IP_RPFILTER (reverse-path)',
		'__fib_validate_source  ens5',
		'TcpExtIPReversePathFilter (nstat)',
		'martian source 10.87.87.202 from 192.168.27.13, on dev ens5',
		'sysctl -w net.ipv4.conf.ens5.rp_filter=2',
		'affects whatever comes in by ens5',
	]) {
		expect(stdout).toContain(part);
	}
	expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
});

test('an explanation for programs', async () => {
	const { status, stdout, stderr } = await explain('--json');
	expect([status, stderr]).toEqual([0, '']);
	expect(JSON.parse(stdout)).toMatchObject({
		version: 1,
		kernel: '6.18.44',
		device: 'ens5',
		mark: 0,
		packet: { summary: expect.stringContaining('192.168.27.13 > 10.87.87.202') },
		outcome: 'dropped',
		reason: 'IP_RPFILTER',
		where: 'ip_rcv_finish_core',
		cause: 'reverse-path',
		egress: null,
		traces: { counters: expect.arrayContaining(['TcpExtIPReversePathFilter']) },
		solutions: expect.arrayContaining([
			{
				outcome: 'delivered',
				reason: null,
				where: null,
				cause: null,
				egress: null,
				changes: [
					{
						kind: 'device-sysctl',
						text: 'sysctl -w net.ipv4.conf.ens5.rp_filter=2',
						commands: ['sysctl -w net.ipv4.conf.ens5.rp_filter=2'],
						affects: expect.any(String),
					},
				],
			},
		]),
		unknown: expect.arrayContaining(['netfilter']),
	});
});

test('a kernel of another release gives its own reason', async () => {
	const { stdout } = await explain('--kernel', '5.10.0', '--json');
	expect(JSON.parse(stdout)).toMatchObject({
		kernel: '5.10.0',
		cause: 'reverse-path',
		reason: 'NOT_SPECIFIED',
	});
});

test.each([
	['dropped', 0],
	['reverse-path', 0],
	['delivered', 1],
	['no-route', 1],
])('--expect %s gives %i, and the explanation in any case', async (expected, status) => {
	const run = await explain('--expect', expected);
	expect(run.status).toBe(status);
	expect(run.stdout).toContain('IP_RPFILTER');
	if (status === 1) expect(run.stderr).toContain('[EF_EXPECTATION]');
});

test('a tunnel: up the stack its packet is dropped, by the FIB it is not', async () => {
	writeFileSync(file.replace('router', 'felix'), stored('felix-2491'));
	const common = [
		...['explain', '--snapshot', file.replace('router', 'felix'), '--in', 'eth0', '--json'],
		...['--packet', 'ipv4 198.51.100.9 > 10.96.7.7 tcp 40000 > 80'],
		...['--tunnel', 'vxlan 10.96.7.7/32 10.66.0.3 source=10.66.0.2 vni=4096'],
	];
	const stack = JSON.parse((await runCommand([...common, '--forwarding', 'stack'])).stdout);
	expect(stack).toMatchObject({ outcome: 'dropped', cause: 'source-is-local' });
	const all = stack.solutions.flatMap(({ changes }: { changes: { text: string }[] }) =>
		changes.map(({ text }) => text),
	);
	expect(all).toContainEqual(expect.stringContaining('--forwarding fib'));
	const fib = JSON.parse((await runCommand(common)).stdout);
	expect(fib).toMatchObject({ outcome: 'forwarded', egress: 'eth1' });
});

test('a packet from a capture, by its number', async () => {
	const capture = join(folder, 'capture.pcapng');
	const packets = ['198.51.100.1', '192.168.27.13'].map((from, index) => ({
		interface: 0,
		timestamp: BigInt(index),
		bytes: Buffer.concat([
			Buffer.from('020000000202020000000009', 'hex'),
			ipFrame(from, '10.87.87.202').subarray(12),
		]),
	}));
	writeFileSync(capture, pcapng({ application: 'test', interfaces: [{ name: 'ens5' }], packets }));
	const common = ['explain', '--snapshot', file, '--in', 'ens5', '--json', '--pcap', capture];
	const second = JSON.parse((await runCommand([...common, '--frame', '2'])).stdout);
	expect(second).toMatchObject({
		cause: 'reverse-path',
		packet: { summary: expect.stringContaining('192.168.27.13') },
	});
	const third = await runCommand([...common.filter((each) => each !== '--json'), '--frame', '3']);
	expect([third.status, errorCode(third)]).toEqual([2, 'EF_PACKET']);
	expect(third.stderr).toContain('it holds 2 frames');
});

test.each([
	[['--in', 'eth9', '--packet', packet], 'EF_NO_DEVICE', 'there is no device eth9; there are lo, ens3, ens5'],
	[['--in', 'lo', '--packet', packet], 'EF_NO_DEVICE', 'from outside'],
	[['--in', 'ens5', '--packet', 'ipv4 1.2.3.4 > 5.6.7.8 imcp'], 'EF_PACKET', 'column 24'],
	[['--in', 'ens5'], 'EF_USAGE', 'there is no packet'],
	[['--packet', packet], 'EF_USAGE', 'in'],
	[['--in', 'ens5', '--packet', packet, '--pcap', 'x'], 'EF_CONTRADICTION', '--pcap'],
	[['--in', 'ens5', '--pcap', '/nowhere'], 'EF_FILE', 'ENOENT'],
	[['--in', 'ens5', '--pcap', commandFile()], 'EF_PACKET', 'is no capture'],
	[['--in', 'ens5', '--packet', packet, '--netns', 'blue'], 'EF_CONTRADICTION', '--netns'],
	[['--in', 'ens5', '--packet', packet, '--forwarding', 'fib'], 'EF_CONTRADICTION', 'give --tunnel'],
	[['--in', 'ens5', '--packet', packet, '--tunnel', 'ip 10.0.0.0/8'], 'EF_USAGE', 'is too short'],
	[
		['--in', 'ens5', '--packet', packet, '--tunnel', 'ipp 10.0.0.0/8 192.0.2.1 source=192.0.2.2'],
		'EF_USAGE',
		'did you mean',
	],
	[
		['--in', 'ens5', '--packet', packet, '--tunnel', 'vxlan 10.0.0.0/8 192.0.2.1 source=192.0.2.2'],
		'EF_USAGE',
		'vni is missing',
	],
	[
		['--in', 'ens5', '--packet', packet, '--tunnel', 'ip 10.0.0.0/8 192.0.2.1 source=fc00::1'],
		'EF_USAGE',
		'one family',
	],
	[['--in', 'ens5', '--packet', packet, '--mark', '-1'], 'EF_USAGE', '--mark'],
	[['--in', 'ens5', '--packet', packet, '--kernel', '4.19'], 'EF_INPUT', '5.10'],
	[['--in', 'ens5', '--packet', packet, '--expect', 'lost'], 'EF_USAGE', 'reverse-path'],
	[['--in', 'ens5', '--packet', packet, '--config', '/nowhere.yaml'], 'EF_FILE', 'ENOENT'],
])('%j is refused', async (options, code, part) => {
	const run = await runCommand(['explain', '--snapshot', file, ...options]);
	expect(errorCode(run)).toBe(code);
	expect(run.stderr).toContain(part);
	expect(run.status).toBe(code === 'EF_FILE' || code === 'EF_INPUT' ? 1 : 2);
});

function commandFile(): string {
	return fileURLToPath(import.meta.url);
}

test('a snapshot that is none, or contradicts itself, is refused with its place', async () => {
	const other = join(folder, 'other.json');
	const broken = JSON.parse(readFileSync(file, 'utf8'));
	broken.routes.ipv4[0].dev = 'eth7';
	for (const [text, part] of [
		['no JSON', 'this is not JSON'],
		[JSON.stringify(broken), 'routes.ipv4[0].dev: eth7 is not among the links'],
		['{"version": 2}', 'it is of version 2'],
	] as const) {
		writeFileSync(other, text);
		const run = await runCommand(['explain', '--in', 'ens5', '--packet', packet, '--snapshot', other]);
		expect([run.status, errorCode(run)]).toEqual([2, 'EF_SNAPSHOT']);
		expect(run.stderr).toContain(part);
	}
});

describe('on this host', requires('root', 'ip'), () => {
	test('anybody can take a snapshot of the own namespace; of another one only root', async () => {
		const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
		const own = await runUnder(nobody, ['snapshot']);
		expect([own.status, own.stderr]).toEqual([0, '']);
		expect(JSON.parse(own.stdout)).toMatchObject({
			version: 1,
			unknown: expect.arrayContaining(['forwarder']),
		});
		const other = await runUnder(nobody, ['snapshot', '--netns', 'blue']);
		expect([other.status, errorCode(other)]).toEqual([1, 'EF_PERMISSION']);
		const missing = await runCommand(['snapshot', '--netns', 'no-such-namespace']);
		expect([missing.status, errorCode(missing)]).toEqual([2, 'EF_USAGE']);
	});

	test('a snapshot as a file is whole or not there', async () => {
		const path = join(folder, 'taken.json');
		const taken = await runCommand(['snapshot', '--output', path]);
		expect([taken.status, taken.stdout, taken.stderr]).toEqual([0, '', '']);
		const devices = JSON.parse(execFileSync('ip', ['-json', 'link'], { encoding: 'utf8' })) as {
			ifname: string;
		}[];
		const { links } = JSON.parse(readFileSync(path, 'utf8')) as { links: { ifname: string }[] };
		expect(links.map(({ ifname }) => ifname)).toEqual(devices.map(({ ifname }) => ifname));
		const nowhere = await runCommand(['snapshot', '--output', join(folder, 'no', 'where.json')]);
		expect([nowhere.status, errorCode(nowhere)]).toEqual([1, 'EF_FILE']);
		expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
	});
});
