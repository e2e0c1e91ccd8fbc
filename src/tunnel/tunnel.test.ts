import { expect, test } from 'vitest';
import { defaultTtl } from './limits.ts';
import { parseTunnel, type Tunnel } from './tunnel.ts';

const ends = { match: '2001:db8:1::/48', source: '192.0.2.1', destination: '192.0.2.2' };
const ends6 = { ...ends, source: '2001:db8::1', destination: '2001:db8::2' };
const tunnel: Tunnel = { ...ends, encapsulation: 'ip' };

test('a valid tunnel', () => {
	expect(parseTunnel(tunnel)).toEqual({
		encapsulation: 'ip',
		match: {
			family: 'ipv6',
			bytes: Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 1, ...new Array(10).fill(0)),
			length: 48,
		},
		source: { family: 'ipv4', bytes: Uint8Array.of(192, 0, 2, 1), length: 32 },
		destination: { family: 'ipv4', bytes: Uint8Array.of(192, 0, 2, 2) },
		ttl: defaultTtl,
		dscp: 'inherit',
		dontFragment: true,
	});
	expect(parseTunnel({ ...tunnel, ttl: 1 }).ttl).toBe(1);
	expect(parseTunnel({ ...tunnel, ttl: 255 }).ttl).toBe(255);
	expect(parseTunnel({ ...tunnel, ttl: 'inherit', dscp: 46, dontFragment: false })).toMatchObject({
		ttl: 'inherit',
		dscp: 46,
		dontFragment: false,
	});
	expect(parseTunnel({ ...tunnel, source: '192.0.2.0/24' }).source).toMatchObject({ length: 24 });
	expect(parseTunnel({ ...ends6, encapsulation: 'ip' }).dontFragment).toBe(false);
});

const macs = {
	innerSource: Uint8Array.of(2, 0, 192, 0, 2, 1),
	innerDestination: Uint8Array.of(2, 0, 192, 0, 2, 2),
};

test.each<[Tunnel, object]>([
	[{ ...ends, encapsulation: 'gre' }, { key: undefined }],
	[
		{ ...ends, encapsulation: 'gre', key: 0xffff_ffff },
		{ encapsulation: 'gre', key: 0xffff_ffff },
	],
	[
		{ ...ends, encapsulation: 'gue' },
		{ port: 6080, udpChecksum: 'zero' },
	],
	[
		{ ...ends, encapsulation: 'vxlan', vni: 7 },
		{ vni: 7, port: 4789, udpChecksum: 'zero', ...macs },
	],
	[
		{ ...ends, encapsulation: 'geneve', vni: 0 },
		{ vni: 0, port: 6081, ...macs },
	],
	[
		{ ...ends6, encapsulation: 'geneve', vni: 0xff_ffff, port: 1 },
		{ port: 1, udpChecksum: 'computed', innerSource: Uint8Array.of(2, 0, 0, 0, 0, 1) },
	],
	[{ ...ends6, encapsulation: 'gue', udpChecksum: 'zero' }, { udpChecksum: 'zero' }],
	[
		{ ...ends, encapsulation: 'vxlan', vni: 7, innerSource: '0a:00:00:00:00:01' },
		{ innerSource: Uint8Array.of(10, 0, 0, 0, 0, 1), innerDestination: macs.innerDestination },
	],
])('the members of %j', (given, expected) => {
	expect(parseTunnel(given)).toMatchObject(expected);
});

const vxlan = { encapsulation: 'vxlan', vni: 1 };

test.each<[object, string]>([
	[{ match: '2001:db8:1::1/48' }, 'match: has bits set behind its length'],
	[{ match: '10.0.0.0/33' }, 'match: has the length "33"; give 0 to 32'],
	[{ match: '' }, 'match: is empty'],
	[{ source: '192.0.2' }, 'source: has 3 numbers where an IPv4 address has 4'],
	[{ source: '192.0.2.1/24' }, 'source: has bits set behind its length; the network is 192.0.2.0/24'],
	[{ destination: '' }, 'destination: is empty'],
	[{ destination: '192.0.2.2/32' }, 'destination: is a prefix; give one address, without /32'],
	[{ destination: '2001:db8::1' }, 'source: it is IPv4 and the destination IPv6; give both of one family'],
	[{ ttl: 0 }, 'ttl: 0 is not from 1 to 255'],
	[{ ttl: 256 }, 'ttl: 256 is not from 1 to 255'],
	[{ ttl: 1.5 }, 'ttl: 1.5'],
	[{ ttl: Number.NaN }, 'ttl: NaN'],
	[{ dscp: 64 }, 'dscp: 64 is not from 0 to 63'],
	[{ encapsulation: 'gre', key: 2 ** 32 }, 'key: 4294967296 is not from 0 to 4294967295'],
	[{ encapsulation: 'gue', port: 0 }, 'port: 0 is not from 1 to 65535'],
	[{ ...vxlan, vni: 2 ** 24 }, 'vni: 16777216 is not from 0 to 16777215'],
	[{ ...vxlan, vni: undefined }, 'vni: undefined'],
	[{ ...vxlan, innerSource: 'x' }, 'innerSource: is not an Ethernet address'],
	[{ ...vxlan, innerSource: '01:00:00:00:00:00' }, 'innerSource: is a group’s address'],
	[{ ...vxlan, innerDestination: '00:00:00:00:00:00' }, 'innerDestination: is no device’s address'],
	[{ ...vxlan, udpChecksum: 'zero' }, 'udpChecksum: it is a choice over IPv6 only'],
	[{ ...ends6, dontFragment: true }, 'dontFragment: an outer IPv6 header has no such bit'],
	[{ encapsulation: 'ipip' }, 'encapsulation: "ipip" is none of ip, gre, gue, vxlan, geneve'],
])('%j is refused', (changed, message) => {
	const refused = { ...tunnel, ...changed } as Tunnel;
	expect(() => parseTunnel(refused)).toThrow(expect.objectContaining({ code: 'EF_INPUT' }));
	expect(() => parseTunnel(refused)).toThrow(`the tunnel for ${refused.match}: ${message}`);
});
