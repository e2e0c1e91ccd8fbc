import { expect, test } from 'vitest';
import { addressBytes } from '../../../../../test/support/journeys.ts';
import { endOf, macBytes, routerMac, sendFrame } from '../../../../../test/support/router.ts';
import { encodeEthernet } from '../../../../packet/ethernet.ts';
import { encodeIpv6 } from '../../../../packet/ipv6.ts';
import { encodeIpv6Extensions } from '../../../../packet/ipv6-extension.ts';
import { etherType, ipProtocol } from '../../../../packet/protocol.ts';

const ends = { source: addressBytes('fc00::1'), destination: addressBytes('fc00::2') };
const { tcp, udp, noNextHeader } = ipProtocol;
const timeout = 'FRAG_REASM_TIMEOUT ip6_frag_expire reassembly-timeout';
const uneven = 'NOT_SPECIFIED ipv6_frag_rcv header-invalid';
const cutShort = 'NOT_SPECIFIED ipv6_frag_rcv truncated';

/** A fragment to the router: what it is of, where it begins, how long it is and whether others follow. */
const fragments: readonly [
	protocol: number,
	offset: number,
	bytes: number,
	more: boolean,
	end: string,
	icmp: string,
][] = [
	[udp, 0, 64, true, timeout, '3/1'],
	[udp, 8, 64, true, 'vanished', ''],
	[udp, 8, 61, false, 'vanished', ''],
	[udp, 0, 61, true, uneven, '4/0'],
	[udp, 8, 60, true, uneven, '4/0'],
	[udp, 65528, 8, false, uneven, '4/0'],
	[udp, 24, 0, false, cutShort, ''],
	[udp, 0, 8, true, timeout, '3/1'],
	[udp, 0, 4, true, cutShort, '4/3'],
	[tcp, 0, 16, true, cutShort, '4/3'],
	[noNextHeader, 0, 8, true, timeout, '3/1'],
];

test.each(fragments)(
	'a fragment of %i at %i of %i bytes, more: %s',
	(protocol, offset, bytes, more, end, icmp) => {
		const chain = encodeIpv6Extensions({
			extensions: [{ type: 'fragment', offset, moreFragments: more, identification: 7 }],
			protocol,
			payload: new Uint8Array(bytes).fill(0xa5),
		});
		const frame = encodeEthernet(
			{ destination: macBytes(routerMac.veth0), source: new Uint8Array(6), etherType: etherType.ipv6 },
			encodeIpv6({ hopLimit: 64, nextHeader: chain.nextHeader, ...ends }, chain.payload),
		);
		const journey = sendFrame(frame);
		const { type, code } = journey.traces?.icmp ?? {};
		expect(endOf(journey)).toBe(end);
		expect(type === undefined ? '' : `${type}/${code}`).toBe(icmp);
	},
);
