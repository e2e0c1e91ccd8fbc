/** Takes a frame apart, layer by layer. What is known of a protocol is in its own file; the table here joins them. */
import { dissectArp } from './arp.ts';
import { dissectEthernet, dissectVlan } from './ethernet.ts';
import { dissectGeneve } from './geneve.ts';
import { dissectGre } from './gre.ts';
import { dissectGue } from './gue.ts';
import { dissectIcmp } from './icmp.ts';
import { dissectIcmpv6 } from './icmpv6.ts';
import { dissectIpv4 } from './ipv4.ts';
import { dissectIpv6 } from './ipv6.ts';
import {
	dissectDestinationOptions,
	dissectFragment,
	dissectHopByHop,
	dissectRouting,
} from './ipv6-extension.ts';
import type { Carrier, Dissection, Dissector, Layer, NumberSpace } from './layer.ts';
import { etherType, etherTypeName, ipProtocol, ipProtocolName, udpPort } from './protocol.ts';
import { dissectTcp } from './tcp.ts';
import { dissectUdp } from './udp.ts';
import { dissectVxlan } from './vxlan.ts';

/** What the first byte of a frame belongs to. */
export type Start = 'ethernet' | 'ipv4' | 'ipv6';

const starts: Readonly<Record<Start, Dissector>> = {
	ethernet: dissectEthernet,
	ipv4: dissectIpv4,
	ipv6: dissectIpv6,
};

const overEitherIp: Readonly<Record<number, Dissector>> = {
	[ipProtocol.ipv4]: dissectIpv4,
	[ipProtocol.tcp]: dissectTcp,
	[ipProtocol.udp]: dissectUdp,
	[ipProtocol.ipv6]: dissectIpv6,
	[ipProtocol.gre]: dissectGre,
};

/** Every protocol is in this table once for each kind of number that can announce it. */
const dissectors: Readonly<Record<NumberSpace, Readonly<Record<number, Dissector>>>> = {
	ethertype: {
		[etherType.ipv4]: dissectIpv4,
		[etherType.arp]: dissectArp,
		[etherType.transparentEthernet]: dissectEthernet,
		[etherType.vlan]: dissectVlan,
		[etherType.ipv6]: dissectIpv6,
	},
	ipv4: {
		...overEitherIp,
		[ipProtocol.icmp]: dissectIcmp,
	},
	ipv6: {
		...overEitherIp,
		[ipProtocol.hopByHop]: dissectHopByHop,
		[ipProtocol.routing]: dissectRouting,
		[ipProtocol.fragment]: dissectFragment,
		[ipProtocol.icmpv6]: dissectIcmpv6,
		[ipProtocol.destinationOptions]: dissectDestinationOptions,
	},
	udp: {
		[udpPort.vxlan]: dissectVxlan,
		[udpPort.gue]: dissectGue,
		[udpPort.geneve]: dissectGeneve,
	},
};

/** A layer and its share of the one-line summary. */
interface Step extends Layer {
	readonly brief: string;
}

/** What a payload is that no dissector knows; empty when there is nothing to say. */
function payloadName(next: Dissection['next']): string {
	if (next === undefined || next.space === 'udp') return '';
	return next.space === 'ethertype'
		? `ethertype ${etherTypeName(next.number)}`
		: `protocol ${ipProtocolName(next.number)}`;
}

function walk(frame: Uint8Array, start: Start): readonly Step[] {
	const steps: Step[] = [];
	let offset = 0;
	let end = frame.length;
	let dissector: Dissector | undefined = starts[start];
	let carrier: Carrier = { cut: false };
	let payload = '';
	let cutShort = false;
	let problem: string | undefined;

	while (dissector !== undefined) {
		const result: Dissection | string = dissector(frame.subarray(offset, end), carrier);
		if (typeof result === 'string') {
			// Of a fragment or a quoted packet not every header need be there; else the first problem is the cause.
			cutShort = carrier.cut;
			if (cutShort) payload = `cut short: ${result}`;
			else problem = result;
			break;
		}
		const { protocol, length, fields, checksum } = result;
		const next: Dissection['next'] = result.next;
		const note = checksum === 'bad' ? 'bad checksum' : '';
		steps.push({
			protocol,
			offset,
			length,
			summary: note ? `${result.summary}, ${note}` : result.summary,
			brief: [result.brief, note].filter(Boolean).join(' '),
			fields,
			...(checksum === undefined ? {} : { checksum }),
		});
		problem ??= result.truncated;
		end = offset + result.end;
		offset += length;
		dissector = next && dissectors[next.space][next.number];
		carrier = next?.carrier ?? carrier;
		payload = dissector ? '' : payloadName(next);
	}

	if (problem !== undefined) {
		const summary = `Malformed: ${problem}`;
		const length = frame.length - offset;
		steps.push({ protocol: 'malformed', offset, length, summary, brief: summary, fields: [] });
		return steps;
	}
	if (offset < end) {
		const length = end - offset;
		const summary = `Payload ${length} bytes${payload && `, ${payload}`}`;
		const brief = cutShort ? 'cut short' : payload && `${payload} ${length} bytes`;
		steps.push({ protocol: 'payload', offset, length, summary, brief, fields: [] });
	}
	if (end < frame.length) {
		const length = frame.length - end;
		steps.push({
			protocol: 'padding',
			offset: end,
			length,
			summary: `Padding ${length} bytes`,
			brief: '',
			fields: [],
		});
	}
	return steps;
}

/**
 * The layers of a frame, outermost first. They cover it without gap or overlap: what no protocol claims is
 * `payload`, what lies behind a packet's own end is `padding`. Never throws: what is truncated or malformed is the
 * last layer, `malformed`, and its summary says why.
 */
export function dissect(frame: Uint8Array, start: Start = 'ethernet'): Layer[] {
	return walk(frame, start).map(({ brief, ...layer }) => layer);
}

/** One line for the whole frame, the headers separated by ` | `; addresses of Ethernet, payload and padding left out. */
export function summarize(frame: Uint8Array, start: Start = 'ethernet'): string {
	const steps = walk(frame, start);
	const briefs = steps.map((step) => step.brief).filter(Boolean);
	return briefs.join(' | ') || (steps[0]?.summary ?? '');
}
