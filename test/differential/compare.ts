/** Whether two engines agree on what became of a packet. */
import type { Journey, Outcome } from '../../src/journey/journey.ts';
import { formatIp } from '../../src/packet/address.ts';
import { viewOf } from '../../src/packet/bytes.ts';
import { updateChecksum } from '../../src/packet/checksum.ts';
import { dissect } from '../../src/packet/dissect.ts';
import { ethernetLength } from '../../src/packet/ethernet.ts';
import { ipv4Length } from '../../src/packet/ipv4.ts';
import type { Layer } from '../../src/packet/layer.ts';
import { outerAddresses } from '../../src/packet/outer.ts';
import { etherType } from '../../src/packet/protocol.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';

/** An outcome as one text: everything that must agree. */
export function outcomeText(outcome: Outcome): string {
	switch (outcome.kind) {
		case 'forwarded':
		case 'delivered':
			return `${outcome.kind} ${outcome.device} ${Buffer.from(outcome.frame).toString('hex')}`;
		case 'dropped':
			return `${outcome.kind} by ${outcome.by}: ${outcome.reason} at ${outcome.where}: ${outcome.cause}`;
		case 'vanished':
			return outcome.kind;
	}
}

/** An outcome but for its bytes. */
export function outcomeKind(outcome: Outcome): string {
	return 'frame' in outcome ? `${outcome.kind} ${outcome.device}` : outcomeText(outcome);
}

/**
 * Whether the kernel's outcome is the model's, or one of those where the kernel chooses by chance. Where
 * nothing that is seen of the kernel tells the cause, the model's is one of those it can be.
 */
export function agree({ datapath }: Scenario, linux: Journey, model: Journey): boolean {
	const comparable = (outcome: Outcome): Outcome =>
		datapath !== undefined && 'frame' in outcome
			? { ...outcome, frame: withoutIdentification(outcome.frame) }
			: outcome;
	const seen = comparable(linux.outcome);
	return [model.outcome, ...(model.alternatives ?? [])].some((outcome) => {
		const known = comparable(outcome);
		const unknown = seen.kind === 'dropped' && known.kind === 'dropped' && seen.cause === 'unknown';
		return outcomeText(unknown ? { ...known, cause: 'unknown' } : known) === outcomeText(seen);
	});
}

/** The datapath draws the identification of an outer IPv4 header: it becomes 0, and the checksum follows. */
function withoutIdentification(frame: Uint8Array): Uint8Array {
	if (frame.length < ethernetLength + ipv4Length || viewOf(frame).getUint16(12) !== etherType.ipv4)
		return frame;
	const changed = frame.slice();
	const view = viewOf(changed);
	const [identification, checksum] = [ethernetLength + 4, ethernetLength + 10];
	const sum = updateChecksum(view.getUint16(checksum), view.getUint16(identification), 0);
	// Zero and its complement are the same sum.
	view.setUint16(checksum, sum === 0xffff ? 0 : sum);
	view.setUint16(identification, 0);
	return changed;
}

/** The ICMP error about the packet that was seen to leave the router, but for redirects. */
function icmpOf({ sightings }: Journey): NonNullable<Journey['traces']>['icmp'] {
	const forms = sightings.filter(({ packet }) => packet).map(({ frame }) => endsOf(dissect(frame), frame));
	for (const { place, namespace, packet, frame } of sightings) {
		if (place !== 'transmit' || namespace !== 'router' || packet) continue;
		const [, ip, icmp, ...quoted] = dissect(frame);
		const type = frame[icmp?.offset ?? 0] ?? 0;
		const isError = icmp?.protocol === 'icmp' ? [3, 11, 12].includes(type) : type < 128;
		if (ip === undefined || icmp === undefined || !icmp.protocol.startsWith('icmp') || !isError) continue;
		const destination = outerAddresses(frame)?.destination;
		// It may be about another packet, such as a redirect that found no way.
		if (destination === undefined || !forms.includes(endsOf(quoted, frame))) continue;
		return { type, code: frame[icmp.offset + 1] ?? 0, to: formatIp(destination) };
	}
	return undefined;
}

/** Source and destination of the first IP header among these, as one text. */
function endsOf(layers: readonly Layer[], frame: Uint8Array): string {
	const ip = layers.find(({ protocol }) => protocol === 'ipv4' || protocol === 'ipv6');
	if (ip === undefined) return '';
	const [at, bytes] = ip.protocol === 'ipv4' ? [12, 8] : [8, 32];
	return frame.subarray(ip.offset + at, ip.offset + at + bytes).join();
}

/**
 * What the kernel left for an operator to see and the model says otherwise: counters that did not rise, another
 * ICMP error. (One that is not seen may wait for its next hop.)
 */
export function traceDifferences(linux: Journey, model: Journey): string[] {
	const rose = new Set(linux.traces?.counters);
	const counters = (model.traces?.counters ?? []).filter((name) => !rose.has(name));
	const sent = icmpOf(linux);
	const said = model.traces?.icmp;
	const other = sent !== undefined && JSON.stringify(sent) !== JSON.stringify(said);
	return [
		...counters.map((name) => `${name} did not rise`),
		...(other ? [`ICMP ${JSON.stringify(sent)}, not ${JSON.stringify(said)}`] : []),
	];
}
