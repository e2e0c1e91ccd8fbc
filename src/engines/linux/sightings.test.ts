import { expect, test } from 'vitest';
import { inTunnels } from '../../../test/packet/tunnels.ts';
import { addressBytes, cellOf, decided, ipFrame, sighting } from '../../../test/support/journeys.ts';
import type { Event } from '../../datapath/event.ts';
import { outcomes } from '../../datapath/layout.ts';
import { describeOutcome } from '../../journey/hops.ts';
import { parseMac } from '../../packet/address.ts';
import { concatenate } from '../../packet/bytes.ts';
import { encodeEthernet } from '../../packet/ethernet.ts';
import { encodeIcmp } from '../../packet/icmp.ts';
import { encodeIcmpv6 } from '../../packet/icmpv6.ts';
import { encodeIpv4 } from '../../packet/ipv4.ts';
import { encodeIpv6 } from '../../packet/ipv6.ts';
import { etherType, ipProtocol } from '../../packet/protocol.ts';
import { exampleScenario } from '../../scenario/example.ts';
import { carries, endOf, isHousekeeping, type Names, sightingOf } from './sightings.ts';

const payload = Uint8Array.from({ length: 32 }, (_, index) => 0xa0 + index);
const { router, packet } = exampleScenario(cellOf(), payload);
const inner = packet.frame.subarray(14);
const isPacket = carries(packet.frame);

const macs = { destination: new Uint8Array(6), source: new Uint8Array(6) };
const near = { source: addressBytes('10.11.2.2'), destination: addressBytes('10.11.2.1') };
const near6 = { source: addressBytes('fc00::1'), destination: addressBytes('fc00::2') };

function ipv4(protocol: number, content: Uint8Array): Uint8Array {
	const bytes = encodeIpv4({ ttl: 64, protocol, ...near }, content);
	return encodeEthernet({ ...macs, etherType: etherType.ipv4 }, bytes);
}

function ipv6(protocol: number, content: Uint8Array): Uint8Array {
	const bytes = encodeIpv6({ hopLimit: 64, nextHeader: protocol, ...near6 }, content);
	return encodeEthernet({ ...macs, etherType: etherType.ipv6 }, bytes);
}

test('the packet is told as it came, encapsulated, and with padding behind it', () => {
	expect(isPacket(packet.frame)).toBe(true);
	expect(isPacket(ipv4(ipProtocol.ipv6, inner))).toBe(true);
	expect(isPacket(ipv6(ipProtocol.ipv6, inner))).toBe(true);
	expect(isPacket(concatenate([packet.frame, new Uint8Array(6)]))).toBe(true);
});

test.each([near, near6])(
	'the packet is told in every tunnel; an ICMP error that quotes it there is not it',
	(ends) => {
		for (const [name, frame] of Object.entries(inTunnels(inner, ends))) {
			expect(isPacket(frame), name).toBe(true);
			const quoted = frame.subarray(14);
			const error =
				ends === near
					? ipv4(ipProtocol.icmp, encodeIcmp({ type: 3, code: 1, rest: 0 }, quoted))
					: ipv6(ipProtocol.icmpv6, encodeIcmpv6({ type: 1, code: 3, rest: 0 }, quoted, near6));
			expect(isPacket(error), name).toBe(false);
		}
	},
);

test('the last of its fragments is told by as little as 8 bytes; what lies behind its own end does not tell it', () => {
	expect(isPacket(ipv4(253, payload.subarray(-8)))).toBe(true);
	expect(isPacket(ipv4(253, payload.subarray(-7)))).toBe(false);
	const trailed = concatenate([packet.frame, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9)]);
	expect(carries(trailed)(packet.frame)).toBe(true);
});

test('a fragment that others follow is told with its last bytes and without: whole eights are kept of it', () => {
	const fragment = (bytes: number, moreFragments: boolean): Uint8Array => {
		const header = { ttl: 64, protocol: 253, ...near, moreFragments, fragmentOffset: 8 };
		const data = Uint8Array.from({ length: bytes }, (_, index) => index);
		return encodeEthernet({ ...macs, etherType: etherType.ipv4 }, encodeIpv4(header, data));
	};
	const isFragment = carries(fragment(60, true));
	expect(isFragment(fragment(60, true))).toBe(true);
	expect(isFragment(fragment(60, true).subarray(0, -4))).toBe(true);
	expect(isFragment(fragment(60, true).subarray(0, -8))).toBe(false);
	expect(carries(fragment(60, false))(fragment(60, false).subarray(0, -4))).toBe(false);
	// Forwarded in parts, the last ends as it does.
	expect(isFragment(ipv4(253, fragment(60, true).subarray(-12)))).toBe(true);
});

test('an answer is told where it is what was sent', () => {
	const reply = ipv4(ipProtocol.icmp, encodeIcmp({ type: 0, code: 0, identifier: 1, sequence: 1 }, payload));
	expect(isPacket(reply)).toBe(false);
	expect(carries(reply)(reply)).toBe(true);
	const redirect = ipv6(ipProtocol.icmpv6, encodeIcmpv6({ type: 137, code: 0, rest: 0 }, inner, near6));
	expect(isPacket(redirect)).toBe(false);
});

test('another packet, or a part of it, is not the packet', () => {
	expect(isPacket(exampleScenario(cellOf(), new Uint8Array(32)).packet.frame)).toBe(false);
	expect(isPacket(packet.frame.subarray(0, -1))).toBe(false);
	expect(isPacket(new Uint8Array())).toBe(false);
});

test.each([3, 4, 5, 11, 12])('an ICMP error of type %i quotes the packet and is not it', (type) => {
	const error = encodeIcmp({ type, code: 0, rest: 0 }, ipv4(ipProtocol.ipv6, inner).subarray(14));
	expect(isPacket(ipv4(ipProtocol.icmp, error))).toBe(false);
});

test.each([1, 2, 3, 4])('an ICMPv6 error of type %i quotes the packet and is not it', (type) => {
	const error = encodeIcmpv6({ type, code: 0, rest: 0 }, inner, near6);
	expect(isPacket(ipv6(ipProtocol.icmpv6, error))).toBe(false);
});

test('housekeeping is what a kernel sends of its own accord, and nothing that a packet causes', () => {
	const message = (type: number): Uint8Array =>
		ipv6(ipProtocol.icmpv6, encodeIcmpv6({ type, code: 0, rest: 0 }, new Uint8Array(16), near6));
	for (const type of [130, 131, 132, 133, 134, 143])
		expect(isHousekeeping(message(type)), `${type}`).toBe(true);
	for (const type of [1, 2, 3, 128, 129, 135, 136, 137]) {
		expect(isHousekeeping(message(type)), `${type}`).toBe(false);
	}
	expect(isHousekeeping(packet.frame)).toBe(false);
	expect(isHousekeeping(new Uint8Array(60))).toBe(false);
});

const names: Names = {
	hostNamespace: 77,
	device: (namespace, index) => `${namespace}-${index}`,
	reason: (number) => `REASON_${number}`,
	where: (address) => `function_${address}`,
	namesConsumed: true,
};

const event: Event = {
	time: 1500n,
	place: 'receive',
	namespace: 5,
	device: 2,
	length: 100,
	frame: packet.frame,
	reason: 9,
	location: 4n,
	routeError: 113,
	outcome: 'forwarded',
	verdict: 4,
	fib: { result: 'success', device: 3, mtu: 1500 },
};
const sent = { time: 1000n, carries: (frame: Uint8Array) => frame === packet.frame };

test("an event's numbers become names; only what belongs to its place is kept", () => {
	expect(sightingOf(event, sent, names)).toEqual({
		place: 'receive',
		after: 500,
		namespace: 'router',
		device: 'router-2',
		frame: packet.frame,
		length: 100,
		packet: true,
	});
	expect(sightingOf({ ...event, place: 'drop', namespace: 77 }, sent, names)).toMatchObject({
		namespace: 'host',
		device: 'host-2',
		drop: { reason: 'REASON_9', where: 'function_4', routeError: 113 },
	});
	expect(sightingOf({ ...event, place: 'tc-out' }, sent, names).decision).toEqual({
		outcome: 'forwarded',
		verdict: 4,
		fib: { result: 'success', device: 'router-3', mtu: 1500 },
	});
	expect(sightingOf({ ...event, place: 'xdp-out', fib: undefined }, sent, names).decision).toEqual({
		outcome: 'forwarded',
		verdict: 4,
	});
	// The observer does not know its namespace; it stands only at far ends.
	expect(sightingOf({ ...event, place: 'arrived', namespace: 0 }, sent, names).device).toBe('host-2');
	expect(sightingOf({ ...event, frame: new Uint8Array(3) }, sent, names).packet).toBe(false);
});

test('it ends where it arrives', () => {
	const arrived = sighting({ place: 'arrived', namespace: 'host', device: 'host1', frame: packet.frame });
	expect(endOf(arrived, router)).toEqual({ kind: 'forwarded', device: 'host1', frame: packet.frame });
});

test('it ends where the router drops it, and the cause may depend on its source', () => {
	const drop = { reason: 'NOT_SPECIFIED', where: 'ip_rcv_finish_core' };
	const local = sighting({ place: 'drop', drop, frame: ipFrame('10.11.2.2', '10.11.2.1') });
	expect(endOf(local, router)).toEqual({ kind: 'dropped', by: 'kernel', ...drop, cause: 'source-is-local' });
	for (const frame of Object.values(inTunnels(inner, near)))
		expect(endOf(sighting({ place: 'drop', drop, frame }), router)).toMatchObject({
			cause: 'source-is-local',
		});
	const foreign = sighting({ place: 'drop', drop, frame: ipFrame('10.11.2.77', '10.11.2.1') });
	expect(endOf(foreign, router)).toMatchObject({ cause: 'unknown' });
});

/** What a kernel without reasons drops of a frame that came in by veth0, whose address is 02:…:01. */
function unnamed(where: string, frame: Uint8Array, host = router): unknown {
	const drop = { reason: 'NOT_SPECIFIED', where };
	const at = { place: 'drop', device: 'veth0', length: frame.length, drop, frame } as const;
	const end = endOf(sighting(at), host);
	return end?.kind === 'dropped' ? end.cause : end?.kind;
}

/** A frame with some of its bytes written over, for the address of veth0 unless that is written over too. */
function written(frame: Uint8Array, bytes: Readonly<Record<number, number>> = {}): Uint8Array {
	const changed = frame.slice();
	changed.set(parseMac(router.devices.veth0?.mac ?? '') ?? [], 0);
	for (const [at, value] of Object.entries(bytes)) changed[Number(at)] = value;
	return changed;
}

const four = ipFrame('10.11.1.1', '10.11.2.1');
const six = ipFrame('fc00::1', 'fc00::2');

test.each<[string, string, Uint8Array, string]>([
	['another host', 'ip_rcv_core', written(four, { 5: 0x99 }), 'wrong-mac'],
	['its version', 'ip_rcv_core', written(four, { 14: 0x55 }), 'header-invalid'],
	['its header', 'ip_rcv_core', written(four).subarray(0, 20), 'header-invalid'],
	['its checksum', 'ip_rcv_core', written(four, { 22: 9 }), 'bad-checksum'],
	['its length', 'ip_rcv_core', written(four).subarray(0, -1), 'truncated'],
	['nothing', 'ip_rcv_core', written(four), 'unknown'],
	['another host', 'ip6_rcv_core', written(six, { 5: 0x99 }), 'wrong-mac'],
	['its version', 'ip6_rcv_core', written(six, { 14: 0x40 }), 'header-invalid'],
	['its header', 'ip6_rcv_core', written(six).subarray(0, 40), 'header-invalid'],
	['its source', 'ip6_rcv_core', written(six, { 22: 0xff }), 'source-invalid'],
	['its destination', 'ip6_rcv_core', written(six, { 38: 0xff, 39: 1 }), 'destination-invalid'],
	['its length', 'ip6_rcv_core', written(six).subarray(0, -1), 'truncated'],
])('without reasons, what is wrong with %s at %s is told by the frame', (_what, where, frame, cause) => {
	expect(unnamed(where, frame)).toBe(cause);
});

test('without reasons, what is off is told by the sysctls', () => {
	const set = (name: string, value: number) => ({ ...router, sysctls: { ...router.sysctls, [name]: value } });
	expect(unnamed('ip6_rcv_core', written(six), set('net.ipv6.conf.all.disable_ipv6', 1))).toBe(
		'ipv6-disabled',
	);
	const off = { ...set('net.ipv4.conf.veth0.forwarding', 0), routes: [] };
	expect(unnamed('ip_error', written(four), off)).toBe('forwarding-off');
	expect(unnamed('ip_error', written(four), set('net.ipv4.conf.veth0.forwarding', 1))).toBe('unknown');
});

test('before Linux 6.3 a whole ICMPv6 message that is freed was taken', () => {
	const request = encodeIcmpv6({ type: 128, code: 0, rest: 0 }, payload, near6);
	const at = { ...event, place: 'drop', frame: ipv6(ipProtocol.icmpv6, request) } as const;
	const old = { ...names, namesConsumed: false, reason: () => 'NOT_SPECIFIED', where: () => 'icmpv6_rcv' };
	expect(sightingOf(at, sent, old)).toMatchObject({ place: 'delivered' });
	expect(sightingOf(at, sent, { ...old, namesConsumed: true })).toMatchObject({ place: 'drop' });
	expect(sightingOf(at, sent, { ...old, reason: () => 'ICMP_CSUM' })).toMatchObject({ place: 'drop' });
	const wrong = written(at.frame, { 56: 0x55, 57: 0x55 });
	expect(sightingOf({ ...at, frame: wrong }, sent, old)).toMatchObject({ place: 'drop' });
});

test('what the host frees, and what is not the packet, ends nothing', () => {
	const drop = { reason: 'NO_SOCKET', where: 'x' };
	expect(endOf(sighting({ place: 'drop', drop, namespace: 'host' }), router)).toBeUndefined();
	expect(endOf(sighting({ place: 'drop', drop, packet: false }), router)).toBeUndefined();
	expect(endOf(sighting({ place: 'arrived', packet: false }), router)).toBeUndefined();
	for (const place of ['sent', 'receive', 'transmit', 'xdp-in', 'tc-in'] as const) {
		expect(endOf(sighting({ place }), router)).toBeUndefined();
	}
});

test.each(outcomes)('the outcome %s ends it exactly where the datapath drops', (outcome) => {
	const drops = describeOutcome(outcome).startsWith('dropped');
	// XDP_DROP is 1 and XDP_PASS 2; TC_ACT_UNSPEC is -1 and TC_ACT_SHOT 2.
	const ends = [
		endOf(decided('xdp', { outcome, verdict: drops ? 1 : 2 }), router),
		endOf(decided('tc', { outcome, verdict: drops ? 2 : -1 }), router),
	];
	for (const [index, end] of ends.entries()) {
		if (!drops) expect(end).toBeUndefined();
		else {
			const where = index === 0 ? 'xdp' : 'tc';
			expect(end).toMatchObject({ kind: 'dropped', by: 'datapath', reason: outcome, where });
			expect(end).not.toMatchObject({ cause: 'unknown' });
		}
	}
});
