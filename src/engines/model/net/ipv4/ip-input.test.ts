import { expect, test } from 'vitest';
import { addressBytes } from '../../../../../test/support/journeys.ts';
import { endOf, macBytes, routerMac, sendFrame } from '../../../../../test/support/router.ts';
import { encodeEthernet } from '../../../../packet/ethernet.ts';
import { encodeIpv4 } from '../../../../packet/ipv4.ts';
import { etherType, ipProtocol } from '../../../../packet/protocol.ts';

const ends = { source: addressBytes('10.0.0.1'), destination: addressBytes('10.0.0.2') };
const timeout = 'FRAG_REASM_TIMEOUT ip_expire reassembly-timeout';
const cutShort = 'NOT_SPECIFIED ip_defrag truncated';

/** A fragment to the router, and how much of it is kept until the others come. */
test.each([
	[0, 64, true, timeout, 64],
	[0, 61, true, timeout, 56],
	[8, 61, true, 'vanished', undefined],
	[8, 61, false, 'vanished', undefined],
	[0, 7, true, cutShort, undefined],
	[8, 7, true, cutShort, undefined],
	[8, 7, false, 'vanished', undefined],
	[8, 0, false, cutShort, undefined],
] as const)('a fragment at %i of %i bytes, more: %s', (fragmentOffset, bytes, moreFragments, end, kept) => {
	const packet = encodeIpv4(
		{ ttl: 64, protocol: ipProtocol.udp, ...ends, fragmentOffset, moreFragments },
		new Uint8Array(bytes).fill(0xa5),
	);
	const frame = encodeEthernet(
		{ destination: macBytes(routerMac.veth0), source: new Uint8Array(6), etherType: etherType.ipv4 },
		packet,
	);
	const journey = sendFrame(frame);
	expect(endOf(journey)).toBe(end);
	const last = journey.sightings.at(-1);
	if (kept !== undefined) expect(last?.frame).toHaveLength(14 + 20 + kept);
});
