import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requires } from '../needs.ts';
import {
	attachForeignXdp,
	commandLine,
	type Gateway,
	openGateway,
	type Ran,
	tunnelTo,
} from '../support/gateway.ts';

describe('up refuses, and touches nothing', requires('root', 'ip'), () => {
	let gateway: Gateway;
	beforeAll(() => {
		gateway = openGateway();
	});
	afterAll(() => gateway?.close());

	const configuration = (interfaces: string, more = ''): string =>
		gateway.configure(`interfaces: [${interfaces}]\n${more}tunnels:\n${tunnelTo('fd09::/64')}\n`);
	const withBpffs = (path: string | undefined, ...command: readonly string[]): Ran => {
		const { ENCAP_FORWARD_BPFFS: _, ...env } = process.env;
		const [program = '', ...rest] = command;
		const { status, stdout, stderr } = spawnSync(program, rest, {
			encoding: 'utf8',
			env: path === undefined ? env : { ...env, ENCAP_FORWARD_BPFFS: path },
		});
		return { status, stdout, stderr };
	};
	const untouched = (): void => {
		expect(existsSync(join(gateway.bpffs, 'encap-forward'))).toBe(false);
		for (const device of ['in0', 'out0']) {
			expect(gateway.run(gateway.gateway, 'ip', 'link', 'show', device)).not.toContain('xdp');
			expect(gateway.run(gateway.gateway, 'tc', 'qdisc', 'show', 'dev', device)).not.toContain('clsact');
		}
		expect(gateway.run(gateway.gateway, 'bpftool', 'link')).not.toMatch(/dev (in0|out0)/);
	};
	const up = (file: string): Ran => gateway.command('up', '--config', file, '--netns', gateway.gateway);

	test('a second interface that does not exist', () => {
		const { status, stderr } = up(configuration('in0, in1'));
		expect(status).toBe(2);
		expect(stderr).toContain(
			`interfaces: there is no device in1 in the network namespace ${gateway.gateway}`,
		);
		untouched();
	});

	test('a second interface whose XDP hook is taken, when XDP is asked for: the program is named and stays', () => {
		const identifier = attachForeignXdp(gateway.gateway, 'out0');
		const { status, stderr } = up(configuration('in0, out0', 'hook: xdp\n'));
		expect([status, stderr]).toEqual([
			1,
			`encap-forward: XDP of out0 is taken: the program pass (number ${identifier}) of somebody else is attached there and stays; remove it, or say hook: tc [EF_BUSY]\n`,
		]);
		expect(gateway.run(gateway.gateway, 'ip', 'link', 'show', 'out0')).toContain(`id ${identifier} `);
		gateway.run(gateway.gateway, 'ip', 'link', 'set', 'out0', 'xdp', 'off');
		untouched();
	});

	test('an egress device that does not exist', () => {
		const { status, stderr } = up(configuration('in0', 'egress: [out0, out1]\n'));
		expect(status).toBe(2);
		expect(stderr).toContain(
			`egress: there is no device out1 in the network namespace ${gateway.gateway}; "ip link" shows those there are [EF_CONFIGURATION]`,
		);
		untouched();
	});

	test('more decapsulations than there is room for', () => {
		const many = Array.from(
			{ length: 16_385 },
			(_, vni) => `  - { encapsulation: vxlan, local: 10.2.0.1, vni: ${vni} }`,
		);
		const { status, stderr } = up(configuration('in0', `decapsulate:\n${many.join('\n')}\n`));
		expect(status).toBe(2);
		expect(stderr).toContain('decapsulate: 16385 decapsulations at 2 addresses and ports are too many');
		untouched();
	});

	test('a namespace that does not exist', () => {
		const { status, stderr } = gateway.command(
			'up',
			'--config',
			configuration('in0'),
			'--netns',
			'nowhere-at-all',
		);
		expect([status, stderr]).toEqual([
			2,
			expect.stringContaining('there is no network namespace nowhere-at-all'),
		]);
	});

	test('no BPF file system, with the command that mounts one', () => {
		const folder = join(gateway.folder, 'plain');
		mkdirSync(folder);
		const { status, stderr } = withBpffs(
			folder,
			...commandLine,
			...['up', '--config', configuration('in0'), '--netns', gateway.gateway],
		);
		expect(status).toBe(1);
		expect(stderr).toContain(
			`${folder} is no BPF file system; mount one: mount -t bpf bpf ${folder} [EF_NO_BPFFS]`,
		);
		expect(existsSync(join(folder, 'encap-forward'))).toBe(false);
		untouched();
	});

	test('one that is read-only', () => {
		execFileSync('mount', ['-o', 'remount,ro', gateway.bpffs]);
		try {
			const { status, stderr } = up(configuration('in0'));
			expect(status).toBe(1);
			expect(stderr).toContain('it is mounted read-only; make it writable: mount -o remount,rw');
		} finally {
			execFileSync('mount', ['-o', 'remount,rw', gateway.bpffs]);
		}
		untouched();
	});

	test('mounts of its own, where pins would vanish', () => {
		const { status, stderr } = withBpffs(
			undefined,
			...['ip', 'netns', 'exec', gateway.gateway, ...commandLine, 'up', '--config', configuration('in0')],
		);
		expect(status).toBe(1);
		expect(stderr).toMatch(/"ip netns exec".*--netns NAME.*\[EF_PRIVATE_MOUNTS\]/);
		untouched();
	});

	test('while another command changes the same forwarder', () => {
		const claim = `import socket, sys, subprocess
s = socket.socket(socket.AF_UNIX)
s.bind('\\0encap-forward')
r = subprocess.run(sys.argv[1:], capture_output=True, text=True)
print(r.returncode, r.stderr)`;
		const command = [...commandLine, 'up', '--config', configuration('in0')];
		const text = execFileSync(
			'nsenter',
			[`--net=/run/netns/${gateway.gateway}`, 'python3', '-c', claim, ...command],
			{
				encoding: 'utf8',
				env: { ...process.env, ENCAP_FORWARD_BPFFS: gateway.bpffs },
			},
		);
		expect(text).toMatch(/^1 .*another "encap-forward" is changing the forwarder.*\[EF_BUSY\]/);
		untouched();
	});
});
