import fc from 'fast-check';
import { expect, test } from 'vitest';
import { configuration } from '../../test/configuration/arbitraries.ts';
import { parseTunnel, type Tunnel } from '../tunnel/tunnel.ts';
import { tableOf } from '../tunnel/tunnel-table.ts';
import { tunnelOf } from './tunnel-map.ts';
import { recordWords, tunnelRecords } from './tunnel-records.ts';
import { entryOf } from './tunnel-slots.ts';

function hexadecimal(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('hex');
}

/** A tunnel's entry, with template 0 and counter 0, and that template. */
function stored(tunnel: Tunnel): { entry: Uint8Array; template: Uint8Array } {
	const { write, templates } = tunnelRecords(tableOf([parseTunnel(tunnel)]));
	const record = new Uint32Array(recordWords);
	write(0, record, 0);
	return { entry: entryOf(record), template: templates[0] ?? new Uint8Array() };
}

/** Of both, what `value` below says. */
function written(tunnel: Tunnel): string {
	const { entry, template } = stored(tunnel);
	return [template, entry.slice(16, 20), entry.slice(20, 24)].map(hexadecimal).join(' ');
}

const ipv4 = { source: '10.11.2.2', destination: '10.11.2.1' };
const ipv6 = { source: 'fc00:dead:cafe:2::2', destination: 'fc00:dead:cafe:2::1' };

const zero4 = '0'.repeat(8);
const zero12 = '0'.repeat(24);
const zero16 = '0'.repeat(32);

/**
 * The template's bytes in the order of `struct tunnel`, bpf/tunnel.h; what is not given is zero. Behind them what
 * is the entry's: an IPv4 destination, and the key.
 */
function value(member: {
	source: string;
	destination: string;
	sourceHash?: string;
	key?: string;
	port?: string;
	innerDestination?: string;
	innerSource?: string;
	encapsulation?: string;
	family: '02' | '0a';
	ttl?: string;
	tos?: string;
	flags?: string;
}): string {
	const ipv4 = member.family === '02';
	const template = [
		member.source,
		ipv4 ? zero16 : member.destination,
		member.sourceHash ?? zero16,
		zero4,
		member.port ?? '0000',
		member.innerDestination ?? '000000000000',
		member.innerSource ?? '000000000000',
		member.encapsulation ?? '00',
		member.family,
		member.ttl ?? '40',
		member.tos ?? '00',
		member.flags ?? '01',
		'000000000000000000',
	].join('');
	return [template, ipv4 ? member.destination.slice(0, 8) : zero4, member.key ?? zero4].join(' ');
}

/** Source, destination and family of the two outer headers. */
const four = { source: `0a0b0202${zero12}`, destination: `0a0b0201${zero12}`, family: '02' } as const;
const six = {
	source: 'fc00deadcafe00020000000000000002',
	destination: 'fc00deadcafe00020000000000000001',
	family: '0a',
} as const;

/** Ethernet addresses of the tunnels' ends where none is given. */
const fourMacs = { innerDestination: '02000a0b0201', innerSource: '02000a0b0202' };
const sixMacs = { innerDestination: '020000000001', innerSource: '020000000002' };

test.each([
	['10.11.1.0/24', `0a0b0100${zero12}`, 129 + 24],
	['0.0.0.0/0', zero16, 129],
	['192.0.2.1/32', `c0000201${zero12}`, 129 + 32],
	['fc00:dead:cafe:1::/64', 'fc00deadcafe00010000000000000000', 64],
	['::/0', zero16, 0],
	['2001:db8::1/128', '20010db8000000000000000000000001', 128],
] as const)('the match %s', (match, address, prefix) => {
	const { entry } = stored({ match, encapsulation: 'ip', ...ipv4 });
	expect(hexadecimal(entry.slice(0, 16))).toBe(address);
	// Little-endian: template 0, the prefix's number, live.
	expect(new Uint32Array(entry.buffer)[7]).toBe((prefix << 2) | 1);
});

test('the value is of the outer family, whatever the inner is', () => {
	for (const match of ['10.11.1.0/24', 'fc00:dead:cafe:1::/64']) {
		expect(written({ match, encapsulation: 'ip', ...ipv4 })).toBe(value(four));
		const over6 = written({ match, encapsulation: 'ip', ...ipv6, ttl: 255 });
		expect(over6).toBe(value({ ...six, ttl: 'ff' }));
	}
});

type WithoutEnds<Each> = Each extends Tunnel ? Omit<Each, 'match' | 'source' | 'destination'> : never;
type Given = WithoutEnds<Tunnel>;

const innerMacs = { innerSource: '0a:00:00:00:00:01', innerDestination: '0a:00:00:00:00:02' };
const givenMacs = { innerDestination: '0a0000000002', innerSource: '0a0000000001' };

test.each<[Given, string, string]>([
	[{ encapsulation: 'ip' }, value(four), value(six)],
	[{ encapsulation: 'ip', ttl: 'inherit' }, value({ ...four, ttl: '00' }), value({ ...six, ttl: '00' })],
	[{ encapsulation: 'ip', ttl: 1 }, value({ ...four, ttl: '01' }), value({ ...six, ttl: '01' })],
	[{ encapsulation: 'ip', dscp: 0 }, value({ ...four, flags: '00' }), value({ ...six, flags: '00' })],
	[
		{ encapsulation: 'ip', dscp: 63 },
		value({ ...four, tos: 'fc', flags: '00' }),
		value({ ...six, tos: 'fc', flags: '00' }),
	],
	[{ encapsulation: 'ip', dscp: 'inherit' }, value(four), value(six)],
	[{ encapsulation: 'gre' }, value({ ...four, encapsulation: '01' }), value({ ...six, encapsulation: '01' })],
	[
		{ encapsulation: 'gre', key: 0 },
		value({ ...four, encapsulation: '01', flags: '05' }),
		value({ ...six, encapsulation: '01', flags: '05' }),
	],
	[
		{ encapsulation: 'gre', key: 0xff020304 },
		value({ ...four, encapsulation: '01', flags: '05', key: 'ff020304' }),
		value({ ...six, encapsulation: '01', flags: '05', key: 'ff020304' }),
	],
	[
		{ encapsulation: 'gue' },
		value({ ...four, encapsulation: '02', port: '17c0' }),
		value({ ...six, encapsulation: '02', port: '17c0', flags: '09' }),
	],
	[
		{ encapsulation: 'gue', port: 0xfffe },
		value({ ...four, encapsulation: '02', port: 'fffe' }),
		value({ ...six, encapsulation: '02', port: 'fffe', flags: '09' }),
	],
	[
		{ encapsulation: 'vxlan', vni: 0x123456 },
		value({ ...four, encapsulation: '03', port: '12b5', key: '12345600', ...fourMacs }),
		value({ ...six, encapsulation: '03', port: '12b5', key: '12345600', ...sixMacs, flags: '09' }),
	],
	[
		{ encapsulation: 'vxlan', vni: 0xffffff, ...innerMacs, dscp: 46 },
		value({
			...four,
			encapsulation: '03',
			port: '12b5',
			key: 'ffffff00',
			...givenMacs,
			tos: 'b8',
			flags: '00',
		}),
		value({
			...six,
			encapsulation: '03',
			port: '12b5',
			key: 'ffffff00',
			...givenMacs,
			tos: 'b8',
			flags: '08',
		}),
	],
	[
		{ encapsulation: 'geneve', vni: 0, port: 1 },
		value({ ...four, encapsulation: '04', port: '0001', ...fourMacs }),
		value({ ...six, encapsulation: '04', port: '0001', ...sixMacs, flags: '09' }),
	],
])('the value of %j', (given, over4, over6) => {
	const match = '10.11.1.0/24';
	expect(written({ match, ...ipv4, ...given })).toBe(over4);
	expect(written({ match, ...ipv6, ...given })).toBe(over6);
});

test.each(['gue', 'vxlan', 'geneve'] as const)(
	'%s: the UDP checksum is a choice over IPv6',
	(encapsulation) => {
		const flags = (changed: object): number => {
			const tunnel = { match: '::/0', encapsulation, vni: 1, ...ipv6, ...changed } as Tunnel;
			return stored(tunnel).template[70] ?? 0;
		};
		expect(flags({})).toBe(9);
		expect(flags({ udpChecksum: 'computed' })).toBe(9);
		expect(flags({ udpChecksum: 'zero' })).toBe(1);
		expect(flags({ ...ipv4 })).toBe(1);
	},
);

test('routers may fragment an outer IPv4 header that says so', () => {
	const flags = (dontFragment: boolean): number =>
		stored({ match: '::/0', encapsulation: 'ip', ...ipv4, dontFragment }).template[70] ?? 0;
	expect(flags(true)).toBe(1);
	expect(flags(false)).toBe(3);
});

test.each([
	['10.11.2.0/24', '10.11.2.1', `0a0b0200${zero12}`, `000000ff${zero12}`],
	['10.11.0.0/19', '10.11.2.1', `0a0b0000${zero12}`, `00001fff${zero12}`],
	['10.11.2.2/31', '10.11.2.1', `0a0b0202${zero12}`, `00000001${zero12}`],
	['10.11.2.2/32', '10.11.2.1', `0a0b0202${zero12}`, zero16],
	[
		'fc00:dead:cafe:2::/64',
		'fc00::1',
		'fc00deadcafe00020000000000000000',
		'0000000000000000ffffffffffffffff',
	],
	[
		'fc00:dead:cafe:2::/125',
		'fc00::1',
		'fc00deadcafe00020000000000000000',
		'00000000000000000000000000000007',
	],
])('the source %s: the bits behind its length are the hash’s', (source, destination, address, hash) => {
	const bytes = stored({ match: '::/0', encapsulation: 'ip', source, destination }).template;
	expect(hexadecimal(bytes.subarray(0, 16))).toBe(address);
	expect(hexadecimal(bytes.subarray(32, 48))).toBe(hash);
});

test('a tunnel that cannot be is refused before there is an entry', () => {
	const refused = { match: '10.11.1.0/24', encapsulation: 'ip', ...ipv4, ttl: 0 } as const;
	expect(() => stored(refused)).toThrow(expect.objectContaining({ code: 'EF_INPUT' }));
});

test('the tunnel of an entry is the tunnel again: the same entry, and the same member for member', () => {
	fc.assert(
		fc.property(configuration, ({ tunnels }) => {
			for (const tunnel of tunnels) {
				const entry = stored(tunnel);
				const back = tunnelOf(entry.entry, entry.template);
				expect(stored(back)).toEqual(entry);
				expect(back).toMatchObject({
					match: tunnel.match.includes('/') ? tunnel.match : expect.stringContaining(tunnel.match),
					encapsulation: tunnel.encapsulation,
					destination: tunnel.destination,
				});
				for (const member of ['ttl', 'dscp', 'key', 'vni', 'port', 'udpChecksum'] as const) {
					const given = (tunnel as unknown as Record<string, unknown>)[member];
					if (given !== undefined) expect(back).toHaveProperty(member, given);
				}
			}
		}),
	);
});
