/** A TCP stream from one namespace to another and back, both ends in this process: what came back. */
import { once } from 'node:events';
import { createServer, type Server, Socket } from 'node:net';
import { libc } from '../../src/kernel/libc.ts';
import { check } from '../../src/kernel/library.ts';
import { inNamespace, type Namespace } from '../../src/kernel/namespace.ts';
import { parseIp } from '../../src/packet/address.ts';

const port = 5001;
const flags = 0x80800; // SOCK_NONBLOCK | SOCK_CLOEXEC

const families = { ipv4: 2, ipv6: 10 } as const; // AF_INET, AF_INET6

/** A TCP socket is of the namespace that it was made in, whoever uses it. */
function openSocket(namespace: Namespace, address: string): number {
	const family = families[parseIp(address)?.family ?? 'ipv4'];
	return inNamespace(namespace, () => check(libc().socket(family, 1 | flags, 0), 'open a socket'));
}

/** struct sockaddr_in or sockaddr_in6 */
function socketAddress(address: string): Uint8Array {
	const { family = 'ipv4', bytes = new Uint8Array(4) } = parseIp(address) ?? {};
	const struct = new DataView(new ArrayBuffer(family === 'ipv4' ? 16 : 28));
	struct.setUint16(0, families[family], true);
	struct.setUint16(2, port);
	new Uint8Array(struct.buffer).set(bytes, family === 'ipv4' ? 4 : 8);
	return new Uint8Array(struct.buffer);
}

function listen(namespace: Namespace, address: string): Server {
	const fd = openSocket(namespace, address);
	const bound = socketAddress(address);
	check(libc().bind(fd, bound, bound.length), 'bind a socket');
	return createServer().listen({ fd });
}

/** Send bytes to an address of the server's namespace, which sends them back: resolves with what came. */
export async function echoed(
	client: Namespace,
	server: Namespace,
	address: string,
	bytes: Uint8Array,
): Promise<Uint8Array> {
	const listener = listen(server, address);
	listener.on('connection', (each) => each.pipe(each));
	const sender = new Socket({ fd: openSocket(client, address) });
	try {
		await once(sender.connect(port, address), 'connect');
		const received: Uint8Array[] = [];
		sender.on('data', (chunk: Uint8Array) => received.push(chunk));
		sender.end(bytes);
		await once(sender, 'end');
		return Buffer.concat(received);
	} finally {
		sender.destroy();
		listener.close();
	}
}
