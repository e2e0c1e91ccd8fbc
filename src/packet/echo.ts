/** Which echo request a frame carries. */
import { dissect } from './dissect.ts';

const requests: Readonly<Record<string, number>> = { icmp: 8, icmpv6: 128 };

/** The innermost echo request's identifier and sequence number; undefined if there is none, or an error quotes it. */
export function echoOf(
	frame: Uint8Array,
): { readonly identifier: number; readonly sequence: number } | undefined {
	const messages = dissect(frame).filter(({ protocol }) => protocol in requests);
	const [message] = messages;
	if (message === undefined || messages.length > 1 || message.length < 8) return undefined;
	if (frame[message.offset] !== requests[message.protocol]) return undefined;
	const view = new DataView(frame.buffer, frame.byteOffset + message.offset, 8);
	return { identifier: view.getUint16(4), sequence: view.getUint16(6) };
}
