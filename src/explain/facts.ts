/** What of a state's packet the candidates for changes are made from. */
import type { Journey } from '../journey/journey.ts';
import { type Family, formatIp, type IpAddress } from '../packet/address.ts';
import { outerAddresses } from '../packet/outer.ts';
import { type Neighbourhood, nextHopsTo, routeCovers, type State, waysOf } from './state.ts';

/** The addresses of one IP header that the host routes by. */
export interface Ends {
	readonly family: Family;
	readonly source: IpAddress;
	readonly destination: IpAddress;
}

export interface Facts {
	/** The device that the packet comes in by. */
	readonly ingress: string;
	/** As it came, and as it was encapsulated, if it was. */
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
