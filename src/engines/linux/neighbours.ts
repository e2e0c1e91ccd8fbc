/** A scenario's neighbour entries as rtnetlink requests. Pure. */
import { EncapForwardError } from '../../error.ts';
import { attribute, type Request, readAttributes } from '../../kernel/netlink.ts';
import { formatIp, parseIp, parseMac } from '../../packet/address.ts';
import { concatenate } from '../../packet/bytes.ts';
import type { Host, Neighbour } from '../../scenario/scenario.ts';
import { type DeviceNumbers, familyNumber, numberOf } from './devices.ts';

const newNeighbour = 28; // RTM_NEWNEIGH
const deleteNeighbour = 29; // RTM_DELNEIGH
const getNeighbour = 30; // RTM_GETNEIGH
const replace = 0x500; // NLM_F_CREATE | NLM_F_REPLACE
const attributes = { destination: 1, linkLayer: 2 } as const; // NDA_…
const loopbackNumber = 1;
const headerBytes = 12; // struct ndmsg

/** NUD_… of <linux/neighbour.h> */
const states = {
	reachable: 2,
	stale: 4,
	delay: 8,
	probe: 16,
	failed: 32,
	noarp: 64,
	permanent: 128,
} as const;

/** Ask for all neighbour entries. */
export const neighbourDump: Request = {
	type: getNeighbour,
	flags: 0,
	body: new Uint8Array(headerBytes),
	what: 'list the neighbours',
};

/** Delete the entries that a dump told of, but for those of the loopback. */
export function forgetRequests(dump: readonly Uint8Array[]): Request[] {
	return dump.flatMap((entry) => {
		const address = readAttributes(entry.subarray(headerBytes)).get(attributes.destination);
		const device = new DataView(entry.buffer, entry.byteOffset).getInt32(4, true);
		if (address === undefined || device === loopbackNumber) return [];
		const body = concatenate([entry.subarray(0, headerBytes), attribute(attributes.destination, address)]);
		return { type: deleteNeighbour, flags: 0, body, what: `delete the neighbour ${formatIp(address)}` };
	});
}

/**
 * Make a host's entries. One that is `incomplete` is none: the kernel makes it when it begins to ask, and
 * one made from outside would wait forever.
 */
export function neighbourRequests(host: Host, numbers: DeviceNumbers): Request[] {
	return host.neighbours.flatMap((neighbour) => {
		const { device, address, mac, state = 'permanent' } = neighbour;
		if (state === 'incomplete') return [];
		const ip = parseIp(address);
		const bytes = mac === undefined ? undefined : parseMac(mac);
		if (ip === undefined || (bytes === undefined && (mac !== undefined || state !== 'failed'))) {
			throw invalid(neighbour);
		}
		const header = new DataView(new ArrayBuffer(headerBytes));
		header.setUint8(0, familyNumber[ip.family]);
		header.setInt32(4, numberOf(numbers, device), true);
		header.setUint16(8, states[state], true);
		return {
			type: newNeighbour,
			flags: replace,
			body: concatenate([
				new Uint8Array(header.buffer),
				attribute(attributes.destination, ip.bytes),
				...(bytes === undefined ? [] : [attribute(attributes.linkLayer, bytes)]),
			]),
			what: `add the neighbour ${address} on ${device}`,
		};
	});
}

function invalid({ device, address, mac, state }: Neighbour): EncapForwardError {
	return new EncapForwardError(
		'EF_INPUT',
		`the neighbour ${address} on ${device}, ${state ?? 'permanent'}, with the Ethernet address ${mac ?? '(none)'} cannot be; give an IP address and, unless it has failed, aa:bb:cc:dd:ee:ff`,
	);
}
