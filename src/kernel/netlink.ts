/**
 * rtnetlink(7): links, addresses, routes, rules, next hops and neighbours of a network namespace, as `ip` sets
 * them, but without a process for each time: many requests go in one system call.
 */
import { closeSync } from 'node:fs';
import { EncapForwardError } from '../error.ts';
import { concatenate } from '../packet/bytes.ts';
import { libc } from './libc.ts';
import { check, errorName, koffi } from './library.ts';
import { inNamespace, type Namespace } from './namespace.ts';

export interface Request {
	/** RTM_… of <linux/rtnetlink.h> */
	readonly type: number;
	/** NLM_F_… of <linux/netlink.h>; NLM_F_REQUEST is understood. */
	readonly flags: number;
	/** What follows the netlink header. */
	readonly body: Uint8Array;
	/** What it asks for, for the error: `add the route 10.0.0.0/8 dev veth1`. */
	readonly what: string;
}

export interface Netlink {
	/**
	 * Have all requests carried out, in order.
	 * @param tolerate errnos that are no error, such as ESRCH where what is to go has gone already
	 * @throws EF_KERNEL with the kernel's own words for the first that it refused; EF_KERNEL_FEATURE where it
	 * has not got what is asked for
	 */
	ask(requests: readonly Request[], tolerate?: readonly number[]): void;
	/** The messages that answer a request for a dump: what follows the netlink header of each. */
	dump(request: Request): Uint8Array[];
	close(): void;
}

const afNetlink = 16;
const sockRaw = 3 | 0x80000; // SOCK_RAW | SOCK_CLOEXEC
const solNetlink = 270;
const netlinkCapAck = 10;
const netlinkExtAck = 11;

const headerBytes = 16;
const flag = { request: 1, ack: 4, dump: 0x300 } as const;
const answer = { error: 2, done: 3 } as const;
const attributeMessage = 1; // NLMSGERR_ATTR_MSG
/** Requests of one send: that many errors with their texts fit into the socket's buffer. */
const batch = 64;

const eopnotsupp = 95;

/**
 * The socket stays in the namespace it was made in: asking needs no switch.
 * @param protocol NETLINK_… of <linux/netlink.h>; rtnetlink's if not given
 */
export function openNetlink(namespace: Namespace, protocol = 0): Netlink {
	const fd = inNamespace(namespace, () =>
		check(libc().socket(afNetlink, sockRaw, protocol), 'open a netlink socket'),
	);
	const on = new Uint8Array(Int32Array.of(1).buffer);
	for (const option of [netlinkCapAck, netlinkExtAck]) {
		check(libc().setsockopt(fd, solNetlink, option, on, on.length), 'set a netlink option');
	}
	const buffer = new Uint8Array(1 << 16);
	let sequence = 0;

	const send = (messages: readonly Uint8Array[]): void => {
		const bytes = concatenate(messages);
		check(libc().send(fd, bytes, bytes.length, 0), 'send a netlink request');
	};
	const receive = (): Message[] => receiveMessages(fd, buffer, 'answer a netlink request');

	const askBatch = (requests: readonly Request[], tolerate: readonly number[]): void => {
		const first = sequence + 1;
		send(
			requests.map((request, index) => {
				sequence++;
				// Errors are reported anyway: only the end needs to be told.
				const last = index === requests.length - 1 ? flag.ack : 0;
				return encode(request, request.flags | flag.request | last, sequence);
			}),
		);
		let failed: EncapForwardError | undefined;
		for (let ended = false; !ended; ) {
			for (const message of receive()) {
				if (message.type !== answer.error || message.sequence < first) continue;
				if (message.sequence === sequence) ended = true;
				const errno = -message.view.getInt32(headerBytes, true);
				const request = requests[message.sequence - first];
				if (errno === 0 || tolerate.includes(errno) || request === undefined) continue;
				failed ??= refusal(request, errno, message);
			}
		}
		if (failed !== undefined) throw failed;
	};

	return {
		ask: (requests, tolerate = []) => {
			for (let at = 0; at < requests.length; at += batch) askBatch(requests.slice(at, at + batch), tolerate);
		},
		dump: (request) => {
			send([encode(request, request.flags | flag.request | flag.dump, ++sequence)]);
			const bodies: Uint8Array[] = [];
			for (;;) {
				for (const message of receive()) {
					if (message.sequence !== sequence) continue;
					if (message.type === answer.done) return bodies;
					if (message.type === answer.error) {
						throw refusal(request, -message.view.getInt32(headerBytes, true), message);
					}
					bodies.push(message.bytes.slice(headerBytes));
				}
			}
		},
		close: () => closeSync(fd),
	};
}

/** Reports of links of a namespace, from when this is called on. */
export interface LinkReports {
	/**
	 * Wait until each of these devices has been reported as in operation: then its queues are, too. With its
	 * first carrier a device gets both a little later than it is up.
	 * @throws EF_KERNEL after 5 s without a report
	 */
	untilOperating(devices: readonly number[]): void;
	close(): void;
}

const linkGroup = 1; // RTMGRP_LINK
const newLink = 16; // RTM_NEWLINK
const linkHeaderBytes = 16; // struct ifinfomsg
const operationalState = 16; // IFLA_OPERSTATE
const inOperation = 6; // IF_OPER_UP
const receiveTimeout = 20; // SO_RCVTIMEO
const solSocket = 1;

export function openLinkReports(namespace: Namespace): LinkReports {
	const fd = inNamespace(namespace, () =>
		check(libc().socket(afNetlink, sockRaw, 0), 'open a netlink socket'),
	);
	const address = new Uint8Array(12); // struct sockaddr_nl
	new DataView(address.buffer).setUint16(0, afNetlink, true);
	new DataView(address.buffer).setUint32(8, linkGroup, true);
	check(libc().bind(fd, address, address.length), 'listen to reports of links');
	const patience = new Uint8Array(BigInt64Array.of(5n, 0n).buffer); // struct timeval
	check(libc().setsockopt(fd, solSocket, receiveTimeout, patience, patience.length), 'limit a wait');
	const buffer = new Uint8Array(1 << 16);
	return {
		untilOperating: (devices) => {
			const left = new Set(devices);
			while (left.size > 0) {
				const messages = receiveMessages(fd, buffer, 'say that a link has a carrier');
				for (const { type, view, bytes } of messages) {
					if (type !== newLink) continue;
					const attributes = readAttributes(bytes.subarray(headerBytes + linkHeaderBytes));
					const operating = attributes.get(operationalState)?.[0] === inOperation;
					if (operating) left.delete(view.getInt32(headerBytes + 4, true));
				}
			}
		},
		close: () => closeSync(fd),
	};
}

function encode({ type, body }: Request, flags: number, sequence: number): Uint8Array {
	const bytes = new Uint8Array((headerBytes + body.length + 3) & ~3);
	const view = new DataView(bytes.buffer);
	view.setUint32(0, headerBytes + body.length, true);
	view.setUint16(4, type, true);
	view.setUint16(6, flags, true);
	view.setUint32(8, sequence, true);
	bytes.set(body, headerBytes);
	return bytes;
}

interface Message {
	readonly type: number;
	readonly sequence: number;
	/** The whole message, netlink header included. */
	readonly bytes: Uint8Array;
	readonly view: DataView;
}

const eintr = 4;

/** The messages of the next datagram, waited for; a signal does not end the wait. */
function receiveMessages(fd: number, buffer: Uint8Array, doing: string): Message[] {
	for (;;) {
		const length = libc().recv(fd, buffer, buffer.length, 0);
		if (length < 0 && koffi().errno() === eintr) continue;
		return messagesOf(buffer.subarray(0, check(length, doing)));
	}
}

function messagesOf(datagram: Uint8Array): Message[] {
	const messages: Message[] = [];
	for (let at = 0; at + headerBytes <= datagram.length; ) {
		const view = new DataView(datagram.buffer, datagram.byteOffset + at);
		const length = view.getUint32(0, true);
		const bytes = datagram.subarray(at, at + length);
		messages.push({ type: view.getUint16(4, true), sequence: view.getUint32(8, true), bytes, view });
		at += (length + 3) & ~3;
	}
	return messages;
}

function refusal({ what }: Request, errno: number, { bytes }: Message): EncapForwardError {
	// The header, the errno, the header of the request (NETLINK_CAP_ACK), then attributes.
	const said = readAttributes(bytes.subarray(headerBytes + 4 + headerBytes)).get(attributeMessage);
	const words = said === undefined ? '' : `: ${new TextDecoder().decode(said).replaceAll('\0', '')}`;
	return errno === eopnotsupp
		? new EncapForwardError('EF_KERNEL_FEATURE', `the running kernel cannot ${what}${words}`)
		: new EncapForwardError('EF_KERNEL', `the kernel refused to ${what}: ${errorName(errno)}${words}`);
}

/** The payloads of attributes by type, the last of each. */
export function readAttributes(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
	const attributes = new Map<number, Uint8Array>();
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	for (let at = 0; at + 4 <= bytes.length; ) {
		const length = view.getUint16(at, true);
		if (length < 4) break;
		attributes.set(view.getUint16(at + 2, true) & 0x3fff, bytes.subarray(at + 4, at + length));
		at += (length + 3) & ~3;
	}
	return attributes;
}

/** An attribute: its length and type, its payload, and what fills it up to 4 bytes. */
export function attribute(type: number, payload: Uint8Array): Uint8Array {
	const bytes = new Uint8Array((4 + payload.length + 3) & ~3);
	const view = new DataView(bytes.buffer);
	view.setUint16(0, 4 + payload.length, true);
	view.setUint16(2, type, true);
	bytes.set(payload, 4);
	return bytes;
}

/** An attribute that holds others. */
export function nested(type: number, attributes: readonly Uint8Array[]): Uint8Array {
	return attribute(type | 0x8000, concatenate(attributes)); // NLA_F_NESTED
}

/** Numbers as attributes hold them, in the machine's byte order. */
export function u8(value: number): Uint8Array {
	return Uint8Array.of(value);
}

export function u16(value: number): Uint8Array {
	return new Uint8Array(Uint16Array.of(value).buffer);
}

export function u32(value: number): Uint8Array {
	return new Uint8Array(Uint32Array.of(value).buffer);
}

/** A text with the zero that ends it in C. */
export function text(value: string): Uint8Array {
	return new TextEncoder().encode(`${value}\0`);
}
