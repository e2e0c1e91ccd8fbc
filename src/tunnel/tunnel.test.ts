import { expect, test } from 'vitest';
import { defaultTtl, parseTunnel, type Tunnel } from './tunnel.ts';

const tunnel: Tunnel = {
	match: '2001:db8:1::/48',
	encapsulation: 'ip',
	source: '192.0.2.1',
	destination: '192.0.2.2',
};

test('a valid tunnel', () => {
	expect(parseTunnel(tunnel)).toMatchObject({
		match: { family: 'ipv6', length: 48 },
		source: { family: 'ipv4', bytes: Uint8Array.of(192, 0, 2, 1) },
		destination: { family: 'ipv4', bytes: Uint8Array.of(192, 0, 2, 2) },
		ttl: defaultTtl,
	});
	expect(parseTunnel({ ...tunnel, ttl: 1 }).ttl).toBe(1);
	expect(parseTunnel({ ...tunnel, ttl: 255 }).ttl).toBe(255);
});

test.each<[Partial<Tunnel>, RegExp]>([
	[{ match: '2001:db8:1::1/48' }, /match: /],
	[{ match: '10.0.0.0/33' }, /match: /],
	[{ match: '' }, /match: /],
	[{ source: '192.0.2' }, /source: "192.0.2" is not an IP address/],
	[{ source: '192.0.2.1/32' }, /source: /],
	[{ destination: '' }, /destination: "" is not an IP address/],
	[{ destination: '2001:db8::1' }, /not of one family/],
	[{ ttl: 0 }, /ttl: 0 is not from 1 to 255/],
	[{ ttl: 256 }, /ttl: 256/],
	[{ ttl: 1.5 }, /ttl: 1.5/],
	[{ ttl: Number.NaN }, /ttl: NaN/],
])('%j is refused', (changed, message) => {
	const refused = { ...tunnel, ...changed };
	expect(() => parseTunnel(refused)).toThrow(expect.objectContaining({ code: 'EF_INPUT' }));
	expect(() => parseTunnel(refused)).toThrow(message);
	expect(() => parseTunnel(refused)).toThrow(`the tunnel for ${refused.match}: `);
});
