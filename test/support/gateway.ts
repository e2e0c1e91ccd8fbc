/**
 * A gateway to try the forwarder on: client - in0 gateway out0 - server, three named namespaces with strict
 * sysctls, and a BPF file system of its own. The server takes VXLAN apart by the kernel's own device, vx0.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attachXdp } from '../../src/kernel/attach.ts';
import { ipJson } from '../../src/kernel/ip.ts';
import { libc } from '../../src/kernel/libc.ts';
import { closeNamespace, inNamespace, namedNamespace } from '../../src/kernel/namespace.ts';
import { loadObject } from '../../src/kernel/object.ts';

export interface Gateway {
	readonly client: string;
	readonly gateway: string;
	readonly server: string;
	/** Holds BPF file system and configuration files. */
	readonly folder: string;
	readonly bpffs: string;
	/** Run a program in a namespace: its output. Throws when it fails. */
	run(namespace: string, ...command: readonly string[]): string;
	/** Write a configuration file: its path. */
	configure(text: string): string;
	/** The command of this package, in a process of its own, on the host's side. */
	command(...options: readonly string[]): Ran;
	close(): void;
}

/** Of the server's VXLAN device. */
const innerMac = '02:00:00:00:00:07';

/** A tunnel to the server for this inner destination. */
export function tunnelTo(match: string): string {
	return `  - { match: '${match}', encapsulation: vxlan, vni: 7, source: 10.2.0.1, destination: 10.2.0.2, innerDestination: '${innerMac}' }`;
}

export interface Ran {
	readonly status: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** How to run the command without a build, or one that is built: COMMAND_UNDER_TEST, a file for node. */
export const commandLine: readonly string[] =
	process.env.COMMAND_UNDER_TEST === undefined
		? [process.execPath, '--import', 'tsx', fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))]
		: [process.execPath, process.env.COMMAND_UNDER_TEST];

let opened = 0;

export function openGateway(): Gateway {
	const name = `eft${process.pid}x${++opened}`;
	const [client, gateway, server] = [`${name}-client`, `${name}-gateway`, `${name}-server`];
	const folder = mkdtempSync(join(tmpdir(), 'encap-forward-test-'));
	const bpffs = join(folder, 'bpf');
	const ip = (...words: readonly string[]): string =>
		execFileSync('ip', words, { encoding: 'utf8', stdio: 'pipe' });
	const batch = (namespace: string, lines: readonly string[]): void => {
		execFileSync('ip', ['-n', namespace, '-batch', '-'], { input: lines.join('\n'), stdio: 'pipe' });
	};
	const run = (namespace: string, ...command: readonly string[]): string =>
		execFileSync('ip', ['netns', 'exec', namespace, ...command], { encoding: 'utf8', stdio: 'pipe' });
	const close = (): void => {
		for (const each of [client, gateway, server]) spawnSync('ip', ['netns', 'delete', each]);
		spawnSync('umount', [bpffs]);
		rmSync(folder, { recursive: true, force: true });
	};
	try {
		for (const each of [client, gateway, server]) {
			ip('netns', 'add', each);
			run(each, 'sh', '-c', 'echo 0 > /proc/sys/net/ipv6/conf/default/router_solicitations');
		}
		batch(gateway, [
			'link set lo up',
			`link add in0 type veth peer name eth0 netns ${client}`,
			`link add out0 type veth peer name eth0 netns ${server}`,
			'address add 10.1.0.1/24 dev in0',
			'address add fd01::1/64 dev in0 nodad',
			'address add 10.2.0.1/24 dev out0',
			'address add fd02::1/64 dev out0 nodad',
			'link set in0 up',
			'link set out0 up',
		]);
		for (const sysctl of [
			...['all', 'default', 'in0', 'out0'].flatMap((at) => [
				`ipv4/conf/${at}/rp_filter=1`,
				`ipv4/conf/${at}/accept_local=0`,
				`ipv4/conf/${at}/forwarding=1`,
				`ipv6/conf/${at}/forwarding=1`,
			]),
		]) {
			const [path, value] = sysctl.split('=');
			run(gateway, 'sh', '-c', `echo ${value} > /proc/sys/net/${path}`);
		}
		batch(client, [
			'link set lo up',
			'address add 10.1.0.2/24 dev eth0',
			'address add fd01::2/64 dev eth0 nodad',
			'link set eth0 up',
			'route add default via 10.1.0.1',
			'route add default via fd01::1',
		]);
		batch(server, [
			'link set lo up',
			'address add 10.2.0.2/24 dev eth0',
			'address add fd02::2/64 dev eth0 nodad',
			'link set eth0 up',
			'route add default via 10.2.0.1',
			'route add default via fd02::1',
			'address add 10.9.0.1/32 dev lo',
			'address add fd09::1/128 dev lo nodad',
			`link add vx0 address ${innerMac} type vxlan id 7 local 10.2.0.2 dstport 4789`,
			'link set vx0 up',
		]);
		execFileSync('mkdir', [bpffs]);
		execFileSync('mount', ['-t', 'bpf', 'bpf', bpffs]);
		// A veth takes what XDP redirects to its peer only if it has an XDP program itself.
		attachForeignXdp(server, 'eth0');
	} catch (error) {
		close();
		throw error;
	}
	let files = 0;
	return {
		client,
		gateway,
		server,
		folder,
		bpffs,
		run,
		configure: (text) => {
			const path = join(folder, `${++files}.yaml`);
			writeFileSync(path, text);
			return path;
		},
		command: (...options) => {
			const [program = '', ...before] = commandLine;
			const { status, stdout, stderr } = spawnSync(program, [...before, ...options], {
				encoding: 'utf8',
				env: { ...process.env, ENCAP_FORWARD_BPFFS: bpffs },
			});
			return { status, stdout, stderr };
		},
		close,
	};
}

/** Attach a program that passes everything, as somebody else would: its number. */
export function attachForeignXdp(namespace: string, device: string): number {
	const found = namedNamespace(namespace);
	if (found === undefined) throw new Error(`no namespace ${namespace}`);
	const object = loadObject(fileURLToPath(new URL('../../bench/rate.o', import.meta.url)));
	try {
		return inNamespace(found, () => {
			attachXdp(libc().if_nametoindex(device), object.program('pass'));
			const [link] = ipJson<{ xdp: { prog: { id: number } } }[]>('link', 'show', device);
			return link?.xdp.prog.id ?? 0;
		});
	} finally {
		object.close();
		closeNamespace(found);
	}
}
