/** What is found through the headers of every tunnel: the echo request inside, the addresses outside. */
import { describe, expect, test } from 'vitest';
import { inTunnels } from '../../test/packet/tunnels.ts';
import { parseIp } from './address.ts';
import { echoOf } from './echo.ts';
import { encodeIcmp } from './icmp.ts';
import { encodeIcmpv6 } from './icmpv6.ts';
import { encodeIpv4 } from './ipv4.ts';
import { encodeIpv6 } from './ipv6.ts';
import { outerAddresses } from './outer.ts';
import { ipProtocol } from './protocol.ts';

function ip(text: string): Uint8Array {
	return parseIp(text)?.bytes ?? new Uint8Array();
}

const four = { source: ip('10.0.0.1'), destination: ip('10.0.0.2') };
const six = { source: ip('fc00::1'), destination: ip('fc00::2') };
const near = {
	ipv4: { source: ip('192.0.2.1'), destination: ip('192.0.2.2') },
	ipv6: { source: ip('2001:db8::1'), destination: ip('2001:db8::2') },
};
const echo = { code: 0, identifier: 7, sequence: 9 };

function ping4(type: number): Uint8Array {
	const message = encodeIcmp({ type, ...echo }, new Uint8Array(8));
	return encodeIpv4({ ttl: 63, protocol: ipProtocol.icmp, ...four }, message);
}

function ping6(type: number): Uint8Array {
	const message = encodeIcmpv6({ type, ...echo }, new Uint8Array(8), six);
	return encodeIpv6({ hopLimit: 63, nextHeader: ipProtocol.icmpv6, ...six }, message);
}

const quote4 = encodeIpv4(
	{ ttl: 63, protocol: ipProtocol.icmp, ...four },
	encodeIcmp({ type: 3, code: 4, rest: 1400 }, ping4(8)),
);

describe.each(['ipv4', 'ipv6'] as const)('over %s', (outer) => {
	const names = Object.keys(inTunnels(ping4(8), near[outer]));

	test.each(names)('%s', (name) => {
		const frameOf = (packet: Uint8Array): Uint8Array =>
			inTunnels(packet, near[outer])[name] ?? new Uint8Array();
		for (const request of [ping4(8), ping6(128)]) {
			const frame = frameOf(request);
			expect(echoOf(frame)).toEqual({ identifier: 7, sequence: 9 });
			expect(outerAddresses(frame)).toEqual(near[outer]);
		}
		for (const other of [ping4(0), ping6(129), quote4]) expect(echoOf(frameOf(other))).toBeUndefined();
	});
});
