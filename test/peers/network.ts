/**
 * client eth0 - in0 gateway out0 - eth0 server, three namespaces that go with this process. The gateway is
 * ours, with strict sysctls; the server is the kernel's alone.
 */
import { execFileSync, type StdioOptions } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { attachXdp } from '../../src/kernel/attach.ts';
import { libc } from '../../src/kernel/libc.ts';
import {
	anonymousNamespace,
	closeNamespace,
	inNamespace,
	type Namespace,
} from '../../src/kernel/namespace.ts';
import { loadObject } from '../../src/kernel/object.ts';

export const ends = {
	ipv4: { client: '10.1.0.2', gateway: '10.2.0.1', server: '10.2.0.2', inner: '10.9.0.1' },
	ipv6: { client: 'fd01::2', gateway: 'fd02::1', server: 'fd02::2', inner: 'fd09::1' },
} as const;

/** What a tunnel's headers leave of 1500 bytes, with room to spare: the client knows it beforehand. */
const innerMtu = 1400;

export interface Network {
	readonly client: Namespace;
	readonly gateway: Namespace;
	readonly server: Namespace;
	/** The number of the gateway's device. */
	device(name: 'in0' | 'out0'): number;
	close(): void;
}

const pipes: StdioOptions = ['pipe', 'pipe', 'pipe'];

/** Run a program in a namespace: its output. Throws when it fails. */
export function runIn(namespace: Namespace, program: string, words: readonly string[], input = ''): string {
	return inNamespace(namespace, () =>
		execFileSync(program, words, { input, encoding: 'utf8', stdio: pipes }),
	);
}

/** Commands for `ip`, a line each. */
export function batch(namespace: Namespace, lines: readonly string[]): void {
	runIn(namespace, 'ip', ['-batch', '-'], lines.join('\n'));
}

function setSysctls(namespace: Namespace, values: Readonly<Record<string, number>>): void {
	inNamespace(namespace, () => {
		for (const [path, value] of Object.entries(values)) writeFileSync(`/proc/sys/net/${path}`, `${value}`);
	});
}

/** No packet of the kernel's own accord. */
const quiet = {
	'ipv6/conf/default/accept_dad': 0,
	'ipv6/conf/default/router_solicitations': 0,
	'ipv4/conf/all/rp_filter': 0,
	'ipv4/conf/default/rp_filter': 0,
} as const;

const strict = Object.fromEntries(
	['all', 'in0', 'out0'].flatMap((at) => [
		[`ipv4/conf/${at}/rp_filter`, 1],
		[`ipv4/conf/${at}/forwarding`, 1],
		[`ipv6/conf/${at}/forwarding`, 1],
	]),
);

export function openNetwork(): Network {
	const [client, gateway, server] = [anonymousNamespace(), anonymousNamespace(), anonymousNamespace()];
	const far = (namespace: Namespace): string => `/proc/${process.pid}/fd/${namespace.fd}`;
	const address = (device: string, ...addresses: readonly string[]): string[] =>
		addresses.map((each) => `address add ${each} dev ${device}${each.includes(':') ? ' nodad' : ''}`);
	const close = (): void => {
		for (const each of [client, gateway, server]) closeNamespace(each);
	};
	try {
		for (const each of [client, gateway, server]) setSysctls(each, quiet);
		batch(gateway, [
			`link add in0 type veth peer name eth0 netns ${far(client)}`,
			`link add out0 type veth peer name eth0 netns ${far(server)}`,
			'link set lo up',
			'link set in0 up',
			'link set out0 up',
		]);
		batch(client, [
			'link set lo up',
			'link set eth0 up',
			...address('eth0', '10.1.0.2/24', 'fd01::2/64'),
			`route add default via 10.1.0.1 mtu ${innerMtu}`,
			`route add default via fd01::1 mtu ${innerMtu}`,
		]);
		batch(server, [
			'link set lo up',
			'link set eth0 up',
			...address('eth0', '10.2.0.2/24', 'fd02::2/64'),
			...address('lo', '10.9.0.1/32', 'fd09::1/128'),
			'route add default via 10.2.0.1',
			'route add default via fd02::1',
		]);
		batch(gateway, [
			...address('in0', '10.1.0.1/24', 'fd01::1/64'),
			...address('out0', '10.2.0.1/24', 'fd02::1/64'),
			// For answers that come in without a tunnel: rp_filter stays strict.
			'route add 10.9.0.0/24 via 10.2.0.2',
			'route add fd09::/64 via fd02::2',
		]);
		setSysctls(gateway, strict);
		// A veth takes what XDP redirects to its peer only if it has an XDP program itself.
		const object = loadObject(fileURLToPath(new URL('../../bench/rate.o', import.meta.url)));
		for (const end of [client, server]) {
			inNamespace(end, () => attachXdp(libc().if_nametoindex('eth0'), object.program('pass')));
		}
		object.close();
	} catch (error) {
		close();
		throw error;
	}
	return {
		client,
		gateway,
		server,
		device: (name) => inNamespace(gateway, () => libc().if_nametoindex(name)),
		close,
	};
}
