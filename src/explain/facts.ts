/** What of a state's packet the candidates for changes are made from. */
import type { Journey } from '../journey/journey.ts';
import { type Family, formatIp, type IpAddress, parseIp, parsePrefix } from '../packet/address.ts';
import { outerAddresses } from '../packet/outer.ts';
import { type Neighbourhood, nextHopsTo, routeCovers, type State, sameBits, waysOf } from './state.ts';

/** The addresses of one IP header that the host routes by. */
export interface Ends {
	readonly family: Family;
	readonly source: IpAddress;
	readonly destination: IpAddress;
}

export interface Facts {
	/** The device that the packet comes in by. */
	readonly ingress: string;
	/** As it came, and as it was encapsulated or would be. */
	readonly headers: readonly Ends[];
	readonly families: readonly Family[];
	/** Devices that a route to one of the destinations leads out of, in any table. */
	readonly egress: readonly string[];
	/** Whom it might be sent to on their links. */
	readonly nextHops: readonly Neighbourhood[];
	/** The longest IP packet that was seen of it, in bytes. */
	readonly length: number;
	/** How it ended as things are. */
	readonly journey: Journey;
}

const ethernetHeader = 14;

export function factsOf(state: State, journey: Journey): Facts {
	const frames = [
		state.packet.frame,
		...journey.sightings.filter((each) => each.packet).map(({ frame }) => frame),
	];
	const headers = new Map<string, Ends>();
	for (const frame of frames) {
		const ends = endsOf(frame);
		if (ends !== undefined)
			headers.set(`${formatIp(ends.source.bytes)} ${formatIp(ends.destination.bytes)}`, ends);
	}
	for (const ends of tunnelEnds(state, [...headers.values()])) {
		const name = `${formatIp(ends.source.bytes)} ${formatIp(ends.destination.bytes)}`;
		// Where the source is hashed, the header that was seen has the right one.
		const seen = [...headers.values()].some((each) => sameAddress(each.destination, ends.destination));
		if (!seen) headers.set(name, ends);
	}
	const all = [...headers.values()];
	const nextHops = all.flatMap(({ destination }) =>
		nextHopsTo(state.host, destination, formatIp(destination.bytes)),
	);
	const egress = (state.host.routes ?? [])
		.filter((route) => all.some(({ destination }) => routeCovers(route, destination)))
		.flatMap((route) => waysOf(state.host, route).map(({ device }) => device));
	const lengths = journey.sightings.filter((each) => each.packet).map(({ length }) => length);
	return {
		ingress: state.packet.device,
		headers: all,
		families: [...new Set(all.map(({ family }) => family))],
		egress: [...new Set(egress)].filter((device) => device !== 'lo'),
		nextHops,
		length: Math.max(state.packet.frame.length, ...lengths) - ethernetHeader,
		journey,
	};
}

/** The outer headers of the tunnels that are there for one of these headers' destinations. */
function tunnelEnds({ datapath }: State, headers: readonly Ends[]): Ends[] {
	return (datapath?.tunnels ?? []).flatMap(({ match, source, destination }) => {
		const prefix = parsePrefix(match);
		const [from, to] = [parsePrefix(source), parseIp(destination)];
		if (prefix === undefined || from === undefined || to === undefined) return [];
		const { family, bytes, length } = prefix;
		const isFor = headers.some(
			(each) => each.family === family && sameBits(bytes, each.destination.bytes, length),
		);
		return isFor ? [{ family: to.family, source: from, destination: to }] : [];
	});
}

function sameAddress(a: IpAddress, b: IpAddress): boolean {
	return a.family === b.family && sameBits(a.bytes, b.bytes, a.bytes.length * 8);
}

function endsOf(frame: Uint8Array): Ends | undefined {
	const addresses = outerAddresses(frame);
	if (addresses === undefined) return undefined;
	const family = addresses.source.length === 4 ? 'ipv4' : 'ipv6';
	return {
		family,
		source: { family, bytes: addresses.source },
		destination: { family, bytes: addresses.destination },
	};
}
