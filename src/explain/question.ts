/** From what is asked to a state: the host of a snapshot, a packet on one of its devices, perhaps a datapath. */
import { EncapForwardError } from '../error.ts';
import {
	formatIp,
	type IpAddress,
	parseIp,
	parseMac,
	parsePrefix,
	prefixContains,
} from '../packet/address.ts';
import { decodeEthernet } from '../packet/ethernet.ts';
import { outerAddresses } from '../packet/outer.ts';
import type { Datapath, Forwarding, Hook } from '../scenario/scenario.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import type { FrameSource } from './frame-source.ts';
import { hostOf, isEthernet, portMaster } from './host.ts';
import type { PacketEthernet } from './packet.ts';
import { pruneDevices, pruneRoutes } from './prune.ts';
import type { Snapshot } from './snapshot.ts';
import { neighbourKnowledge, nextHopsTo, type State } from './state.ts';

export interface Question {
	readonly snapshot: Snapshot;
	/** The device that the packet comes in by. */
	readonly device: string;
	readonly frame: FrameSource;
	readonly mark?: number;
	/** Release of the kernel; the snapshot's if not given. */
	readonly kernel?: string;
	/** In place of what the snapshot's forwarder has. */
	readonly tunnels?: readonly Tunnel[];
	readonly hook?: Hook;
	readonly forwarding?: Forwarding;
}

export interface Asked {
	readonly state: State;
	/** What a reader has to know of how the question was taken. */
	readonly notes: readonly string[];
}

/** @throws EF_NO_DEVICE, EF_PACKET, EF_CONTRADICTION */
export function ask(question: Question): Asked {
	const { snapshot, kernel = snapshot.kernel, mark = 0 } = question;
	const notes: string[] = [];
	const device = ingressOf(snapshot, question, notes);
	const frame = question.frame(ethernetFor(snapshot, device));
	const addresses = addressesIn(frame);
	const datapath = datapathOf(question, device, addresses.destination);
	const ends = (datapath?.tunnels ?? []).flatMap(({ source, destination }) => [source, destination]);
	const texts = [addresses.source, addresses.destination].map(({ bytes }) => formatIp(bytes));
	const host = pruneDevices(hostOf(pruneRoutes(snapshot, [...texts, ...ends])), device);
	const targets = [
		addresses.destination,
		...(datapath?.tunnels ?? []).flatMap(({ destination }) => parseIp(destination) ?? []),
	];
	const answering = targets
		.flatMap((target) => nextHopsTo(host, target, formatIp(target.bytes)))
		.filter((nextHop) => neighbourKnowledge(host, nextHop) !== 'silent');
	return {
		state: {
			host,
			answering,
			kernel,
			packet: { device, frame, mark },
			...(datapath === undefined ? {} : { datapath }),
		},
		notes,
	};
}

function ingressOf(snapshot: Snapshot, { device, tunnels }: Question, notes: string[]): string {
	const link = snapshot.links.find(({ ifname }) => ifname === device);
	if (link === undefined) {
		const names = snapshot.links.map(({ ifname }) => ifname);
		const list =
			names.length > 12 ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more` : names.join(', ');
		throw new EncapForwardError('EF_NO_DEVICE', `--in: there is no device ${device}; there are ${list}`);
	}
	if (link.link_type === 'loopback') {
		throw new EncapForwardError(
			'EF_NO_DEVICE',
			`--in: no packet comes in from outside by ${device}; name the device it comes in by`,
		);
	}
	if (tunnels !== undefined && !isEthernet(link)) {
		throw new EncapForwardError(
			'EF_NO_DEVICE',
			`--in: the frames of ${device} have no Ethernet header, which the datapath needs; name a device of Ethernet's kind`,
		);
	}
	if (!link.flags.includes('UP')) {
		throw new EncapForwardError(
			'EF_NO_DEVICE',
			`--in: ${device} is down, and no packet comes in by it; bring it up: ip link set ${device} up`,
		);
	}
	const master = portMaster(snapshot, device);
	if (master === undefined) return device;
	if (tunnels !== undefined) {
		throw new EncapForwardError(
			'EF_CONTRADICTION',
			`--in: ${device} is a port of ${master}, and what becomes of a frame between them is not modelled; give --in ${master}`,
		);
	}
	notes.push(`${device} is a port of ${master}: its frames come to IP as those of ${master}`);
	return master;
}

const sender = '02:00:00:00:00:01';

function ethernetFor(snapshot: Snapshot, name: string): PacketEthernet {
	const link = snapshot.links.find(({ ifname }) => ifname === name);
	const known = snapshot.neighbours.find(
		({ dev, lladdr, state }) => dev === name && lladdr !== undefined && !state.includes('NOARP'),
	);
	return {
		destination: (link && isEthernet(link) ? parseMac(link.address ?? '') : undefined) ?? new Uint8Array(6),
		source: parseMac(known?.lladdr ?? sender) ?? new Uint8Array(6),
	};
}

function addressesIn(frame: Uint8Array): { readonly source: IpAddress; readonly destination: IpAddress } {
	const addresses = outerAddresses(frame);
	if (addresses === undefined) {
		const what = decodeEthernet(frame) === undefined ? 'shorter than an Ethernet header' : 'no IPv4 or IPv6';
		throw new EncapForwardError(
			'EF_PACKET',
			`the frame is ${what}: what becomes of other protocols is not modelled; give a frame with an IP packet`,
		);
	}
	const of = (bytes: Uint8Array): IpAddress => ({ family: bytes.length === 4 ? 'ipv4' : 'ipv6', bytes });
	return { source: of(addresses.source), destination: of(addresses.destination) };
}

/** Of the tunnels those that could match: the longest prefix among them is the longest of all. */
function datapathOf(
	{ snapshot, tunnels, hook, forwarding }: Question,
	device: string,
	destination: IpAddress,
): Datapath | undefined {
	const attached = snapshot.forwarder?.interfaces.find(({ name }) => name === device);
	const given = tunnels ?? (attached === undefined ? undefined : snapshot.forwarder?.tunnels);
	if (given === undefined) {
		if (hook === undefined && forwarding === undefined) return undefined;
		const option = hook === undefined ? '--forwarding' : '--hook';
		throw new EncapForwardError(
			'EF_CONTRADICTION',
			`${option} is about a datapath, and there is none on ${device}; give --tunnel or --config too`,
		);
	}
	return {
		hook: hook ?? (attached === undefined || attached.hooks.includes('xdp') ? 'xdp' : 'tc'),
		forwarding: forwarding ?? 'fib',
		device,
		tunnels: given.filter(({ match }) => {
			const prefix = parsePrefix(match);
			return prefix !== undefined && prefixContains(prefix, destination.bytes);
		}),
	};
}
