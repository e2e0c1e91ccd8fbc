/** Two namespaces and two links, made with `ip` alone: host0 - veth0 router veth1 - host1. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { libc } from '../../src/kernel/libc.ts';
import {
	anonymousNamespace,
	closeNamespace,
	inNamespace,
	type Namespace,
} from '../../src/kernel/namespace.ts';
import { openPacketSocket } from '../../src/kernel/packet-socket.ts';

export const macs = {
	veth0: '02:00:00:00:01:02',
	host0: '02:00:00:00:01:01',
	veth1: '02:00:00:00:02:02',
	host1: '02:00:00:00:02:01',
} as const;

export interface Network {
	readonly router: Namespace;
	readonly host: Namespace;
	/** `ip` with these words in the router's namespace. */
	ip(command: string): string;
	/** The same in the host's. */
	hostIp(command: string): string;
	/** Set a sysctl of the router's, by the path below /proc/sys/net. */
	sysctl(path: string, value: number): void;
	/** The number of a router's device. */
	device(name: 'veth0' | 'veth1'): number;
	/** Send a frame out of host0. */
	send(frame: Uint8Array): void;
	close(): void;
}

/**
 * Made here and moved, so that no two devices have one number: the kernel gives a namespace's number to another
 * soon after it has gone.
 * @param far a path of the namespace that the far ends go to
 */
const near = (far: string): string[] => [
	...['veth0', 'veth1'].flatMap((name, index) => [
		`link add ${name} address ${macs[name as 'veth0']} type veth peer host${index} address ${macs[`host${index}` as 'host0']}`,
		`link set ${name} up`,
		`link set host${index} netns ${far}`,
	]),
	'link set lo up',
	'address add 10.11.1.2/24 dev veth0',
	'address add fc00:dead:cafe:1::2/64 dev veth0 nodad',
	'address add 10.11.2.2/24 dev veth1',
	'address add fc00:dead:cafe:2::2/64 dev veth1 nodad',
];

function ipIn(namespace: Namespace, words: readonly string[], input = ''): string {
	return inNamespace(namespace, () =>
		execFileSync('ip', words, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }),
	);
}

/** Forwarding is on, rp_filter off; the host says nothing of its own accord. */
export function openNetwork(): Network {
	const router = anonymousNamespace();
	const host = anonymousNamespace();
	const sysctl = (namespace: Namespace, path: string, value: number): void =>
		inNamespace(namespace, () => writeFileSync(`/proc/sys/net/${path}`, String(value)));
	sysctl(host, 'ipv6/conf/default/disable_ipv6', 1);
	sysctl(router, 'ipv6/conf/default/router_solicitations', 0);
	const commands = near(`/proc/${process.pid}/fd/${host.fd}`);
	ipIn(router, ['-batch', '-'], `${commands.join('\n')}\n`);
	ipIn(host, ['-batch', '-'], 'link set host0 up\nlink set host1 up\naddress add 10.11.2.1/24 dev host1\n');
	for (const name of ['all', 'veth0', 'veth1']) {
		sysctl(router, `ipv4/conf/${name}/rp_filter`, 0);
		sysctl(router, `ipv4/conf/${name}/forwarding`, 1);
		sysctl(router, `ipv6/conf/${name}/forwarding`, 1);
	}
	const device = (namespace: Namespace, name: string): number =>
		inNamespace(namespace, () => libc().if_nametoindex(name));
	const socket = openPacketSocket(host, device(host, 'host0'));
	return {
		router,
		host,
		ip: (command) => ipIn(router, command.split(' ')),
		hostIp: (command) => ipIn(host, command.split(' ')),
		sysctl: (path, value) => sysctl(router, path, value),
		device: (name) => device(router, name),
		send: (frame) => socket.send(frame),
		close: () => {
			socket.close();
			closeNamespace(router);
			closeNamespace(host);
		},
	};
}

/** A counter of the namespace's, such as IPReversePathFilter, from /proc/net/netstat or /proc/net/snmp. */
export function counter(namespace: Namespace, name: string): number {
	const text = inNamespace(namespace, () =>
		['netstat', 'snmp'].map((file) => readFileSync(`/proc/thread-self/net/${file}`, 'utf8')).join(''),
	);
	const lines = text.split('\n').map((line) => line.split(' '));
	for (const [index, names] of lines.entries()) {
		const at = names.indexOf(name);
		if (at > 0) return Number(lines[index + 1]?.[at]);
	}
	throw new Error(`no counter ${name}`);
}
