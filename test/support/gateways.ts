/**
 * Two gateways with a tunnel between them, as two sites have: client - near === far - server, each a namespace
 * of its own, with strict sysctls. Inner networks are 10.1.0.0/24 and 10.9.0.0/24, fd01::/64 and fd09::/64; the
 * gateways' own link is 10.2.0.0/24 and fd02::/64, and nothing on it knows the inner ones.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Datapath, loadDatapath } from '../../src/datapath/datapath.ts';
import type { DatapathDevice } from '../../src/datapath/device-map.ts';
import { attachTc, attachXdp } from '../../src/kernel/attach.ts';
import { libc } from '../../src/kernel/libc.ts';
import {
	anonymousNamespace,
	closeNamespace,
	inNamespace,
	type Namespace,
} from '../../src/kernel/namespace.ts';
import { loadObject } from '../../src/kernel/object.ts';
import type { Family } from '../../src/packet/address.ts';
import { parseMac } from '../../src/packet/address.ts';
import type { Hook } from '../../src/scenario/scenario.ts';
import type { Decapsulation } from '../../src/tunnel/decapsulation.ts';
import type { Tunnel } from '../../src/tunnel/tunnel.ts';
import { ended } from './command.ts';
import { addressBytes } from './journeys.ts';
import { outliveMemory } from './programs.ts';

const hosts = ['client', 'near', 'far', 'server'] as const;
export type HostName = (typeof hosts)[number];

/** Outer addresses of the two gateways. */
export const outerEnds: Readonly<Record<Family, Readonly<Record<'near' | 'far', string>>>> = {
	ipv4: { near: '10.2.0.1', far: '10.2.0.2' },
	ipv6: { near: 'fd02::1', far: 'fd02::2' },
};

/** Inner addresses of the two hosts. */
export const innerEnds: Readonly<Record<Family, Readonly<Record<'client' | 'server', string>>>> = {
	ipv4: { client: '10.1.0.2', server: '10.9.0.2' },
	ipv6: { client: 'fd01::2', server: 'fd09::2' },
};

type WithoutEnds<Each> = Each extends Tunnel ? Omit<Each, 'match' | 'source' | 'destination'> : never;
export type Kind = WithoutEnds<Tunnel>;

export interface Gateways {
	readonly datapaths: Readonly<Record<'near' | 'far', Datapath>>;
	/** Have both gateways tunnel in such a way, and the hosts forget what they learnt of others. */
	tunnel(kind: Kind, outer: Family): void;
	/** Run a program on a host to its end: its output. Throws when it fails. */
	run(host: HostName, ...command: readonly string[]): string;
	/** Run one without waiting: its output, however it ends. */
	watch(host: HostName, ...command: readonly string[]): Promise<string>;
	/** Tell the datapath of a device's new Ethernet address, as a forwarder is told by a reload. */
	setAddress(host: 'near' | 'far', device: string, address: string): void;
	/** Start one that goes on until `close`. */
	start(host: HostName, ...command: readonly string[]): ChildProcess;
	/** Set a sysctl of a host's, by the path below /proc/sys/net. */
	sysctl(host: HostName, path: string, value: number): void;
	close(): void;
}

const links = [
	{ left: 'client', right: 'near', number: 1 },
	{ left: 'near', right: 'far', number: 2 },
	{ left: 'server', right: 'far', number: 9 },
] as const;

/** Both ends of a link have the name of its number: net1, net2, net9. The gateway or near end is .1. */
function addressesOf(number: number, host: HostName): [string, string] {
	const last = number === 2 ? (host === 'near' ? 1 : 2) : host === 'near' || host === 'far' ? 1 : 2;
	return [`10.${number}.0.${last}`, `fd0${number}::${last}`];
}

function macOf(number: number, host: HostName): string {
	return `02:00:00:00:0${number}:0${hosts.indexOf(host) + 1}`;
}

export function openGateways(hook: Hook): Gateways {
	const namespaces = {} as Record<HostName, Namespace>;
	const children: ChildProcess[] = [];
	const closers: (() => void)[] = [];
	const close = (): void => {
		for (const child of children) child.kill('SIGKILL');
		for (const each of closers.toReversed()) each();
	};
	const run = (host: HostName, program: string, ...words: readonly string[]): string =>
		inNamespace(namespaces[host], () => execFileSync(program, words, { encoding: 'utf8', stdio: 'pipe' }));
	const batch = (host: HostName, lines: readonly string[]): void =>
		inNamespace(
			namespaces[host],
			() => void execFileSync('ip', ['-batch', '-'], { input: lines.join('\n'), stdio: 'pipe' }),
		);
	const sysctl = (host: HostName, path: string, value: number): void =>
		inNamespace(namespaces[host], () => writeFileSync(`/proc/sys/net/${path}`, String(value)));
	const index = (host: HostName, name: string): number =>
		inNamespace(namespaces[host], () => libc().if_nametoindex(name));
	try {
		for (const host of hosts) {
			const namespace = anonymousNamespace();
			namespaces[host] = namespace;
			closers.push(() => closeNamespace(namespace));
			batch(host, ['link set lo up']);
			sysctl(host, 'ipv6/conf/default/router_solicitations', 0);
			for (const name of ['all', 'default']) {
				sysctl(host, `ipv4/conf/${name}/rp_filter`, 1);
				sysctl(host, `ipv4/conf/${name}/accept_local`, 0);
			}
			const forwards = host === 'near' || host === 'far' ? 1 : 0;
			for (const family of ['ipv4', 'ipv6'])
				for (const name of ['all', 'default']) sysctl(host, `${family}/conf/${name}/forwarding`, forwards);
		}
		for (const { left, right, number } of links) {
			const far = `/proc/${process.pid}/fd/${namespaces[right].fd}`;
			batch(left, [
				`link add net${number} address ${macOf(number, left)} type veth peer name net${number} address ${macOf(number, right)} netns ${far}`,
			]);
			for (const host of [left, right]) {
				const [ipv4, ipv6] = addressesOf(number, host);
				batch(host, [
					`link set net${number} up`,
					`address add ${ipv4}/24 dev net${number}`,
					`address add ${ipv6}/64 dev net${number} nodad`,
				]);
			}
		}
		for (const host of ['near', 'far'] as const) {
			// So that no test has to wait: a neighbour that was quiet is asked for within a second or two.
			sysctl(host, 'ipv4/neigh/net2/base_reachable_time_ms', 1000);
			sysctl(host, 'ipv4/neigh/net2/delay_first_probe_time', 1);
			sysctl(host, 'ipv4/neigh/net2/retrans_time_ms', 200);
			sysctl(host, 'ipv6/conf/net2/keep_addr_on_down', 1);
		}
		for (const [host, number] of [
			['client', 1],
			['server', 9],
		] as const)
			batch(host, [`route add default via 10.${number}.0.1`, `route add default via fd0${number}::1`]);
		// What XDP redirects to a veth arrives only if its peer has a program, too.
		const pass = loadObject(fileURLToPath(new URL('../../bench/rate.o', import.meta.url)));
		closers.push(() => pass.close());
		if (hook === 'xdp')
			for (const [host, name] of [
				['client', 'net1'],
				['server', 'net9'],
			] as const)
				inNamespace(namespaces[host], () => attachXdp(libc().if_nametoindex(name), pass.program('pass')));
		const datapaths = {} as Record<'near' | 'far', Datapath>;
		const devices = {} as Record<'near' | 'far', DatapathDevice[]>;
		for (const host of ['near', 'far'] as const) {
			const datapath = loadDatapath({ hook, forwarding: 'fib' });
			datapaths[host] = datapath;
			closers.push(() => datapath.close());
			const numbers = host === 'near' ? [1, 2] : [9, 2];
			devices[host] = numbers.map((number) => ({
				index: index(host, `net${number}`),
				address: parseMac(macOf(number, host)) ?? new Uint8Array(6),
				xdp: true,
				egress: true,
				unfinished: true,
				ipv4: addressBytes(addressesOf(number, host)[0]),
				ipv6: addressBytes(addressesOf(number, host)[1]),
			}));
			datapath.setDevices(devices[host]);
			inNamespace(namespaces[host], () => {
				for (const { hook: at, program } of datapath.programs)
					for (const number of numbers)
						(at === 'xdp' ? attachXdp : attachTc)(libc().if_nametoindex(`net${number}`), program);
			});
		}
		return {
			datapaths,
			tunnel: (kind, outer) => {
				const ends = outerEnds[outer];
				const set = (host: 'near' | 'far', own: string, other: string, inner: readonly string[]): void => {
					datapaths[host].setTunnels(
						inner.map((match) => ({ match, ...kind, source: own, destination: other }) as Tunnel),
					);
					const { encapsulation, ...rest } = kind;
					const wanted = ['key', 'vni', 'port'].filter((name) => name in rest);
					const members = wanted.map((name) => [name, rest[name as keyof typeof rest]]);
					datapaths[host].setDecapsulations([
						{ encapsulation, local: own, ...Object.fromEntries(members) } as Decapsulation,
					]);
				};
				set('near', ends.near, ends.far, ['10.9.0.0/24', 'fd09::/64']);
				set('far', ends.far, ends.near, ['10.1.0.0/24', 'fd01::/64']);
				for (const host of ['client', 'server'] as const)
					for (const family of ['-4', '-6']) run(host, 'ip', family, 'route', 'flush', 'cache');
				outliveMemory();
			},
			run,
			watch: (host, program, ...words) => {
				const { child } = inNamespace(namespaces[host], () => ({ child: spawn(program, words) }));
				children.push(child);
				return ended(child).then(({ stdout }) => stdout);
			},
			setAddress: (host, name, address) => {
				const bytes = parseMac(address) ?? new Uint8Array(6);
				devices[host] = devices[host].map((each) =>
					each.index === index(host, name) ? { ...each, address: bytes } : each,
				);
				datapaths[host].setDevices(devices[host]);
			},
			start: (host, program, ...words) => {
				const child = inNamespace(namespaces[host], () => ({
					child: spawn(program, words, { stdio: 'ignore' }),
				})).child;
				children.push(child);
				return child;
			},
			sysctl,
			close,
		};
	} catch (error) {
		close();
		throw error;
	}
}
