/** Who on the host listens. */
import type { Net } from './net.ts';

/** Whether a socket of the host takes a segment or datagram, by its destination port. */
export function hasSocket({ host }: Net, protocol: number, segment: Uint8Array): boolean {
	const port = ((segment[2] ?? 0) << 8) | (segment[3] ?? 0);
	return host.sockets?.some((socket) => socket.protocol === protocol && socket.port === port) ?? false;
}
