/** Sends frames as they are out of a device: a packet(7) socket. */
import { closeSync } from 'node:fs';
import { libc } from './libc.ts';
import { check } from './library.ts';
import { inNamespace, type Namespace } from './namespace.ts';

const afPacket = 17;
const sockRaw = 3;

export interface PacketSocket {
	/** `frame` begins with its Ethernet header. */
	send(frame: Uint8Array): void;
	close(): void;
}

/** The socket stays in the namespace it was made in: sending needs no switch. */
export function openPacketSocket(namespace: Namespace, device: number): PacketSocket {
	// Protocol 0: it receives nothing.
	const fd = inNamespace(namespace, () => check(libc().socket(afPacket, sockRaw, 0), 'open a packet socket'));
	const address = new DataView(new ArrayBuffer(20)); // struct sockaddr_ll
	address.setUint16(0, afPacket, true);
	address.setInt32(4, device, true);
	const bytes = new Uint8Array(address.buffer);
	check(libc().bind(fd, bytes, bytes.length), 'bind a packet socket');
	return {
		send: (frame) => void check(libc().send(fd, frame, frame.length, 0), 'send a frame'),
		close: () => closeSync(fd),
	};
}
