/** A journey in one sentence: what the kernel did with the packet, and what of the scenario decided it. */
import { formatIp } from '../packet/address.ts';
import { outerAddresses } from '../packet/outer.ts';
import { onLinkDevice, ownerOf } from '../scenario/addresses.ts';
import type { Host, Scenario } from '../scenario/scenario.ts';
import { causes } from './cause.ts';
import type { Journey, Outcome, Sighting } from './journey.ts';

export function explainJourney(scenario: Scenario, journey: Journey): string {
	const { outcome } = journey;
	switch (outcome.kind) {
		case 'forwarded':
			return explainForwarded(scenario, journey);
		case 'delivered':
			return `The packet is for the router itself, which took it in by ${outcome.device}.`;
		case 'dropped':
			return outcome.by === 'datapath' ? explainDecision(outcome) : explainDrop(scenario, journey, outcome);
		case 'vanished':
			return `Nothing was seen of the packet for ${outcome.afterMilliseconds} ms: it neither arrived nor did the kernel report a drop.`;
	}
}

type Dropped = Extract<Outcome, { kind: 'dropped' }>;

function explainDecision({ reason, cause, where }: Dropped): string {
	return `The datapath at ${where} dropped the packet (${reason}): ${causes[cause]}.`;
}

function explainDrop({ router }: Scenario, { sightings }: Journey, { cause, where }: Dropped): string {
	const drop = sightings.findLast(({ place }) => place === 'drop');
	const source = drop && outerAddresses(drop.frame)?.source;
	if (drop === undefined || source === undefined) return `${where} dropped the packet: ${causes[cause]}.`;
	const { device } = drop;
	const from = formatIp(source);
	if (cause === 'source-is-local') {
		return `${where} takes ${from} for a forged source: it is the router's own address, on ${ownerOf(router, source)}, and accept_local is 0 on ${device}.`;
	}
	if (cause === 'reverse-path') {
		const strict = effective(router, device, 'rp_filter') === 1;
		const back = wayBack(router, source);
		return strict
			? `With rp_filter=1 on ${device}, the way back to ${from} must lead out of ${device}: ${back}.`
			: `With rp_filter=2 on ${device}, there must be some way back to ${from}: ${back}.`;
	}
	return `${where} dropped the packet from ${from}: ${causes[cause]}.`;
}

function explainForwarded({ router, datapath }: Scenario, { sightings }: Journey): string {
	const decided = sightings.flatMap(({ decision }) => decision ?? []);
	const last = decided.at(-1);
	const out = last?.fib?.device ?? 'another device';
	switch (last?.outcome) {
		case 'forwarded':
			return `The FIB named ${out} and the datapath redirected the packet there: it never entered the IP input path, where rp_filter and accept_local are asked.`;
		case 'forwarded-neighbour': {
			const handed = decided.some(({ outcome }) => outcome === 'handed-over');
			const who = handed ? 'XDP left the packet to TC, which' : 'TC';
			return `The FIB named ${out} but its next hop was unknown: ${who} had the kernel resolve it and send the packet, and neither rp_filter nor accept_local was asked.`;
		}
		case 'to-stack':
			return explainAccepted(router, datapath?.device ?? '', sightings);
		default:
			return 'The kernel forwarded the packet as it came.';
	}
}

/** Why source validation (fib_validate_source) let an encapsulated packet pass. */
function explainAccepted(router: Host, device: string, sightings: readonly Sighting[]): string {
	const frame = sightings.findLast(({ place }) => place === 'xdp-out' || place === 'tc-out')?.frame;
	const source = frame && outerAddresses(frame)?.source;
	if (source === undefined) return 'The kernel forwarded the packet.';
	if (source.length === 16) {
		return 'IPv6 has no source validation: the kernel forwarded the packet whatever rp_filter and accept_local say.';
	}
	const from = formatIp(source);
	const rpFilter = effective(router, device, 'rp_filter');
	const asks = [
		'rp_filter=0 asks for no way back',
		`rp_filter=1 finds the way back out of ${device}`,
		`rp_filter=2 is content with any way back: ${wayBack(router, source)}`,
	][rpFilter];
	return ownerOf(router, source) === undefined
		? `${from} is not an address of the router's own, and ${asks}.`
		: `accept_local=1 lets ${from} in though it is the router's own address, and ${asks}.`;
}

/** The value that counts for a device (Documentation/networking/ip-sysctl.rst). */
function effective({ sysctls }: Host, device: string, name: 'rp_filter'): number {
	const value = (of: string): number => sysctls[`net.ipv4.conf.${of}.${name}`] ?? 0;
	return Math.max(value('all'), value(device));
}

/** Where the host's routes lead to an address, in words. */
function wayBack(host: Host, address: Uint8Array): string {
	const owner = ownerOf(host, address);
	if (owner !== undefined) return `the address is on ${owner}`;
	const device = onLinkDevice(host, address);
	return device === undefined ? 'there is none' : `it leads out of ${device}`;
}
