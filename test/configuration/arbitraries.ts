/** Random configurations, for tests of src/configuration. */
import fc from 'fast-check';
import type { Configuration } from '../../src/configuration/configuration.ts';
import { formatIp, formatMac, formatPrefix, maskBytes } from '../../src/packet/address.ts';
import type { Decapsulation } from '../../src/tunnel/decapsulation.ts';
import { endpointProblem, macProblem } from '../../src/tunnel/text-problem.ts';
import type { Tunnel } from '../../src/tunnel/tunnel.ts';
import { ipv4Address, ipv6Address, mac } from '../packet/arbitraries.ts';

const device = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9._@-]{0,14}$/);
const devices = fc.uniqueArray(device, { minLength: 1, maxLength: 4 });
const end = (family: 'ipv4' | 'ipv6'): fc.Arbitrary<string> =>
	(family === 'ipv4' ? ipv4Address : ipv6Address)
		.map(formatIp)
		.filter((text) => endpointProblem(text) === undefined);
const match = fc
	.oneof(
		fc.tuple(ipv4Address, fc.nat(32), fc.constant('ipv4' as const)),
		fc.tuple(ipv6Address, fc.nat(128), fc.constant('ipv6' as const)),
	)
	.map(([bytes, length, family]) => formatPrefix({ family, bytes: maskBytes(bytes, length), length }));
const inheritable = (most: number): fc.Arbitrary<number | 'inherit'> =>
	fc.oneof(fc.constant('inherit' as const), fc.integer({ min: 1, max: most }));
const vni = fc.nat(0xff_ffff);
const port = fc.integer({ min: 1, max: 65_535 });
const key = fc.nat(0xffff_ffff);
const innerMac = (member: 'innerSource' | 'innerDestination'): fc.Arbitrary<string> =>
	mac.map(formatMac).filter((text) => macProblem(text, member) === undefined);

const own = {
	ip: fc.constant({}),
	gre: fc.record({ key }, { requiredKeys: [] }),
	gue: fc.record({ port }, { requiredKeys: [] }),
	...Object.fromEntries(
		['vxlan', 'geneve'].map((kind) => [
			kind,
			fc.record(
				{
					vni,
					port,
					innerSource: innerMac('innerSource'),
					innerDestination: innerMac('innerDestination'),
				},
				{ requiredKeys: ['vni'] },
			),
		]),
	),
};

/** Right in itself; its destination may be in its own match. */
const tunnel: fc.Arbitrary<Tunnel> = fc
	.tuple(fc.constantFrom('ipv4' as const, 'ipv6' as const), fc.constantFrom(...Object.keys(own)))
	.chain(([family, encapsulation]) =>
		fc
			.tuple(
				fc.record(
					{
						match,
						encapsulation: fc.constant(encapsulation),
						source: end(family),
						destination: end(family),
						ttl: inheritable(255),
						dscp: inheritable(63),
						...(family === 'ipv4' ? { dontFragment: fc.boolean() } : {}),
					},
					{ requiredKeys: ['match', 'encapsulation', 'source', 'destination'] },
				),
				own[encapsulation as keyof typeof own],
				fc.constantFrom(
					...(family === 'ipv6' && !/^(ip|gre)$/.test(encapsulation)
						? ['zero', 'computed', undefined]
						: [undefined]),
				),
			)
			.map(([common, members, udpChecksum]) => ({
				...common,
				...members,
				...(udpChecksum === undefined ? {} : { udpChecksum }),
			})),
	) as fc.Arbitrary<Tunnel>;

/** Of GRE: whatever its key, no two of one address are the same. */
const decapsulation: fc.Arbitrary<Decapsulation> = fc
	.tuple(fc.oneof(end('ipv4'), end('ipv6')), fc.option(key, { nil: undefined }))
	.map(([local, given]) => ({
		encapsulation: 'gre',
		local,
		...(given === undefined ? {} : { key: given }),
	}));

/** Valid but for a tunnel whose destination may be in its own match. */
export const configuration: fc.Arbitrary<Configuration> = fc.record(
	{
		interfaces: devices,
		hook: fc.constantFrom('xdp' as const, 'automatic' as const),
		xdpMode: fc.constantFrom('native' as const, 'generic' as const, 'automatic' as const),
		egress: devices,
		tunnels: fc.uniqueArray(tunnel, { maxLength: 6, selector: (each) => each.match }),
		tunnelFiles: fc.constant([]),
		decapsulate: fc.uniqueArray(decapsulation, { maxLength: 3, selector: (each) => each.local }),
	},
	{ requiredKeys: ['interfaces', 'hook', 'xdpMode', 'tunnels', 'tunnelFiles', 'decapsulate'] },
);
