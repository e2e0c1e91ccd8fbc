/** Cases that users reported: the files they are kept in, and their hosts rebuilt in network namespaces. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Datapath as LoadedDatapath, loadDatapath } from '../../src/datapath/datapath.ts';
import { endOf, type Names, sightingOf } from '../../src/engines/linux/sightings.ts';
import type { Watch } from '../../src/engines/linux/watch.ts';
import type { Snapshot } from '../../src/explain/snapshot.ts';
import type { Cause } from '../../src/journey/cause.ts';
import type { Outcome } from '../../src/journey/journey.ts';
import { attachTc, attachXdp } from '../../src/kernel/attach.ts';
import { libc } from '../../src/kernel/libc.ts';
import { updateMap } from '../../src/kernel/map.ts';
import { closeNamespace, inNamespace, type Namespace, namedNamespace } from '../../src/kernel/namespace.ts';
import { loadObject } from '../../src/kernel/object.ts';
import { openPacketSocket } from '../../src/kernel/packet-socket.ts';
import { writeSysctl } from '../../src/kernel/sysctl.ts';
import type { Datapath, Host } from '../../src/scenario/scenario.ts';
import { counter } from '../support/network.ts';

/** One file of test/explain/cases. */
export interface Reported {
	readonly title: string;
	/** Where it was reported: a repository on GitHub, and the number of the issue or pull request. */
	readonly project: string;
	readonly number: number;
	readonly url: string;
	/** What happened to the reporter, in our words. */
	readonly symptom: string;
	/** Ethernet devices of the host, each with a far end of the same name. */
	readonly devices: readonly string[];
	/** What makes the host what it is: commands for `ip` and `sysctl -w`. */
	readonly setup: readonly string[];
	/** The same for the far ends; what takes a link down comes last. */
	readonly far: readonly string[];
	readonly asked: {
		readonly in: string;
		readonly packet: string;
		readonly mark?: number;
		readonly tunnel?: string;
		readonly hook?: 'xdp' | 'tc';
		readonly forwarding?: 'stack' | 'fib';
	};
	/** Why it is dropped, by our own name; none where it is not. */
	readonly cause?: Cause;
	/** The smallest change, as explain words it; none where the host is not what drops the packet. */
	readonly smallest: readonly string[];
	/** What becomes of the packet with it. */
	readonly then: 'forwarded' | 'delivered';
	/** What a real kernel made of it, and which. */
	readonly kernel: KernelVerdict;
	readonly snapshot: Snapshot;
}

export interface KernelVerdict {
	readonly release: string;
	readonly outcome: Outcome['kind'];
	readonly reason?: string;
	readonly where?: string;
	/** The device it left by. */
	readonly device?: string;
}

/** Of the running kernel, without what its builder added to the name. */
export const kernelVersion: string = /^[0-9.]*[0-9]/.exec(release())?.[0] ?? release();

const folder = fileURLToPath(new URL('./cases/', import.meta.url));

export const caseNames: readonly string[] = readdirSync(folder)
	.filter((name) => name.endsWith('.json'))
	.map((name) => name.slice(0, -'.json'.length));

export function readCase(name: string): Reported {
	return JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')) as Reported;
}

/** One entry of a list on a line, so that a file can be read and compared. */
export function writeCase(name: string, { snapshot, ...rest }: Reported): void {
	const head = JSON.stringify(rest, undefined, '\t').slice(0, -2);
	writeFileSync(`${folder}${name}.json`, `${head},\n\t"snapshot": ${layOut(snapshot, '\t', 3)}\n}\n`);
}

function layOut(value: unknown, indent: string, depth: number): string {
	if (depth === 0 || typeof value !== 'object' || value === null) return JSON.stringify(value);
	const inner = `${indent}\t`;
	const list = Array.isArray(value);
	const parts = list
		? value.map((each) => JSON.stringify(each))
		: Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${layOut(each, inner, depth - 1)}`);
	if (parts.length === 0) return list ? '[]' : '{}';
	const [open, close] = list ? '[]' : '{}';
	return `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`;
}

export interface Rebuilt {
	/** The name of the host's namespace. */
	readonly name: string;
	/** Carry out commands for `ip` and `sysctl -w` on the host. */
	run(commands: readonly string[]): void;
	/** Send a frame into a device, and wait for what the kernel makes of it. */
	send(device: string, frame: Uint8Array, host: Host): Promise<Outcome>;
	/** Give the packets that come in by a device a mark, as a firewall rule would. */
	mark(device: string, mark: number): void;
	attach(datapath: Datapath): void;
	farMac(device: string): string;
	close(): void;
}

let opened = 0;
const patienceMilliseconds = 5000;

function mac(index: number, end: 1 | 2): string {
	return `02:00:00:00:${(index + 1).toString(16).padStart(2, '0')}:0${end}`;
}

/** Set before any device is there: nothing is sent of the kernel's own accord. */
const quiet = {
	'net.ipv6.conf.default.accept_dad': 0,
	'net.ipv6.conf.default.router_solicitations': 0,
	'net.ipv6.conf.default.disable_ipv6': 0,
	'net.ipv6.conf.all.disable_ipv6': 0,
} as const;

/** As a new namespace has them, whatever it may have inherited (net.core.devconf_inherit_init_net). */
const plain = { 'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.default.rp_filter': 0 } as const;

/** @param watch sees what the kernel does; it stays open */
export function rebuild({ devices, setup, far }: Reported, watch: Watch): Rebuilt {
	const name = `eft${process.pid}c${++opened}`;
	const names = { near: `${name}-host`, far: `${name}-far` };
	const closers: (() => void)[] = [];
	const close = (): void => {
		for (const each of closers.toReversed()) each();
		for (const each of Object.values(names)) spawnSync('ip', ['netns', 'delete', each]);
	};
	try {
		for (const each of Object.values(names)) execFileSync('ip', ['netns', 'add', each]);
		const near = open(names.near);
		const other = open(names.far);
		closers.push(
			() => closeNamespace(near),
			() => closeNamespace(other),
		);
		const runIn = (namespace: Namespace, commands: readonly string[]): void =>
			inNamespace(namespace, () => {
				for (const command of commands) runCommand(command);
			});
		for (const namespace of [near, other]) {
			inNamespace(namespace, () => {
				for (const [sysctl, value] of Object.entries({ ...quiet, ...plain })) writeSysctl(sysctl, value);
			});
		}
		runIn(near, [
			'ip link set lo up',
			...devices.flatMap((device, index) => [
				`ip link add ${device} address ${mac(index, 2)} type veth peer ${device} address ${mac(index, 1)} netns ${names.far}`,
				`ip link set ${device} up`,
			]),
		]);
		runIn(
			other,
			devices.map((device) => `ip link set ${device} up`),
		);
		const last = (command: string): boolean => command.endsWith(' down');
		runIn(
			other,
			far.filter((command) => !last(command)),
		);
		runIn(near, setup);
		runIn(other, far.filter(last));
		watch.namespace(near);
		closers.push(() => watch.forget(near));
		const indices = { near: numbers(near, devices), far: numbers(other, devices) };
		for (const index of indices.far.values()) watch.farEnd(other, index);
		const nameOf = (side: 'near' | 'far', index: number): string =>
			[...indices[side]].find(([, each]) => each === index)?.[0] ?? `device ${index}`;
		const namesOf: Names = {
			hostNamespace: other.inode,
			device: (side, index) => nameOf(side === 'router' ? 'near' : 'far', index),
			...watch.names,
		};
		let loaded: LoadedDatapath | undefined;
		return {
			name: names.near,
			run: (commands) => runIn(near, commands),
			farMac: (device) => mac(devices.indexOf(device), 1),
			send: async (device, frame, host) => {
				const socket = openPacketSocket(other, indices.far.get(device) ?? 0);
				try {
					watch.take();
					const before = echoes(near);
					const tail = frame.subarray(-24);
					const carries = (seen: Uint8Array): boolean => isSame(seen, frame, tail);
					socket.send(frame);
					const deadline = performance.now() + patienceMilliseconds;
					for (let left = patienceMilliseconds; left > 0; left = deadline - performance.now()) {
						for (const event of watch.take()) {
							const outcome = endOf(sightingOf(event, { time: event.time, carries }, namesOf), host);
							if (outcome !== undefined) return outcome;
						}
						// The kernel's own counters say that it was taken in.
						if (echoes(near) > before) return { kind: 'delivered', device, frame };
						await watch.wait(Math.ceil(left));
					}
					return { kind: 'vanished', afterMilliseconds: patienceMilliseconds };
				} finally {
					socket.close();
				}
			},
			mark: (device, value) => {
				const marker = loadObject(fileURLToPath(new URL('../../bpf/objects/marker.o', import.meta.url)));
				closers.push(() => marker.close());
				updateMap(marker.map('marks'), new Uint8Array(4), new Uint8Array(new Uint32Array([value]).buffer));
				inNamespace(near, () => attachTc(indices.near.get(device) ?? 0, marker.program('mark')));
			},
			attach: ({ hook, forwarding, device, tunnels }) => {
				loaded = loadDatapath({ hook, forwarding, sightings: watch.sightings });
				closers.push(() => loaded?.close());
				loaded.setTunnels(tunnels);
				const index = indices.near.get(device) ?? 0;
				inNamespace(near, () => {
					for (const each of loaded?.programs ?? []) {
						if (each.hook === 'xdp') attachXdp(index, each.program);
						else attachTc(index, each.program);
					}
				});
			},
			close,
		};
	} catch (error) {
		close();
		throw error;
	}
}

function open(name: string): Namespace {
	const namespace = namedNamespace(name);
	if (namespace === undefined) throw new Error(`no namespace ${name}`);
	return namespace;
}

function numbers(namespace: Namespace, devices: readonly string[]): Map<string, number> {
	return inNamespace(namespace, () => new Map(devices.map((each) => [each, libc().if_nametoindex(each)])));
}

function runCommand(command: string): void {
	const [program = '', ...words] = command.split(' ');
	if (program === 'sysctl') {
		const [name = '', value = ''] = (words[1] ?? '').split('=');
		writeSysctl(name, value);
	} else execFileSync(program, words, { stdio: 'pipe' });
}

function echoes(namespace: Namespace): number {
	return counter(namespace, 'InEchos') + counter6(namespace, 'Icmp6InEchos');
}

function counter6(namespace: Namespace, name: string): number {
	const text = inNamespace(namespace, () => readFileSync('/proc/thread-self/net/snmp6', 'utf8'));
	return Number(new RegExp(`^${name}\\s+(\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** The packet itself, forwarded or encapsulated: not an answer, nor an error that quotes it. */
function isSame(seen: Uint8Array, sent: Uint8Array, tail: Uint8Array): boolean {
	if (Buffer.from(seen.buffer, seen.byteOffset, seen.length).lastIndexOf(tail) < 0) return false;
	const addresses = (frame: Uint8Array): string => Buffer.from(frame).toString('hex');
	const ipv4 = sent[12] === 8 && sent[13] === 0;
	const ends = sent.subarray(ipv4 ? 26 : 22, ipv4 ? 34 : 54);
	return addresses(seen).includes(addresses(ends)) && !isError(seen, ipv4);
}

function isError(frame: Uint8Array, ipv4: boolean): boolean {
	const protocol = frame[ipv4 ? 23 : 20];
	const type = frame[ipv4 ? 34 : 54] ?? 0;
	return ipv4 ? protocol === 1 && [3, 11].includes(type) : protocol === 58 && type < 128;
}
