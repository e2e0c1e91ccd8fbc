import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipv4Address, ipv6Address } from '../../test/packet/arbitraries.ts';
import { EncapForwardError } from '../error.ts';
import { formatIp } from '../packet/address.ts';
import { dissect, summarize } from '../packet/dissect.ts';
import { packetFrame } from './packet-frame.ts';
import { parsePacket } from './parse-packet.ts';

const ethernet = { source: Uint8Array.of(2, 0, 0, 0, 0, 1), destination: Uint8Array.of(2, 0, 0, 0, 0, 2) };

function frameOf(text: string): Uint8Array {
	return packetFrame(parsePacket(text), ethernet);
}

test.each([
	[
		'ipv4 198.51.100.7 > 10.0.2.2 icmp',
		98,
		'IPv4 198.51.100.7 > 10.0.2.2 ttl 64 | ICMP echo request id 1 seq 1',
	],
	[
		'ipv4 198.51.100.7>10.0.2.2 icmp reply',
		98,
		'IPv4 198.51.100.7 > 10.0.2.2 ttl 64 | ICMP echo reply id 1 seq 1',
	],
	['ipv6 2001:db8::7 > 2001:db8:2::2 hoplimit 3 icmp', 118, 'IPv6 2001:db8::7 > 2001:db8:2::2 hop limit 3'],
	['ipv4 10.0.0.1 > 10.0.0.2 ttl 3 df length 1500 tcp 40000 > 443', 1514, 'TCP 40000 > 443'],
	['ip 10.0.0.1 > 10.0.0.2 udp 53', 14 + 28 + 56, 'UDP 40000 > 53'],
	['ipv4 10.0.0.1 > 10.0.0.2 protocol 89', 14 + 20 + 56, 'IPv4 10.0.0.1 > 10.0.0.2 ttl 64'],
	[
		'ipv4 192.0.2.1 > 192.0.2.2 ipv4 10.0.0.1 > 10.0.1.1 icmp',
		118,
		'192.0.2.2 ttl 64 | IPv4 10.0.0.1 > 10.0.1.1',
	],
	[
		'ipv4 192.0.2.1 > 192.0.2.2 gre key 7 ipv6 fc00::1 > fc00::2 udp',
		14 + 28 + 48 + 56,
		'GRE key 0x00000007 | IPv6',
	],
	['ipv4 192.0.2.1 > 192.0.2.2 vxlan 42 ipv4 10.0.0.1 > 10.0.1.1 icmp', 148, 'VXLAN vni 42 | IPv4 10.0.0.1'],
	[
		'ipv6 fc00::1 > fc00::2 geneve 9 ipv4 10.0.0.1 > 10.0.1.1 tcp',
		14 + 40 + 16 + 14 + 40,
		'Geneve vni 9 | IPv4',
	],
	['ipv4 192.0.2.1 > 192.0.2.2 gue ipv4 10.0.0.1 > 10.0.1.1 icmp', 130, 'GUE | IPv4 10.0.0.1'],
])('%s', (text, length, summary) => {
	const frame = frameOf(text);
	expect(frame.length).toBe(length);
	expect(summarize(frame)).toContain(summary);
	const layers = dissect(frame);
	expect(layers.filter(({ checksum }) => checksum === 'bad')).toEqual([]);
	expect(layers.some(({ protocol }) => protocol === 'malformed')).toBe(false);
});

test('Ethernet addresses, DSCP, identification and flags come out as they were given', () => {
	const frame = frameOf(
		'ethernet 02:00:00:00:00:07 > 02:00:00:00:00:09 ipv4 10.0.0.1 > 10.0.0.2 dscp AF11 id 7 df tcp 1 > 2 ack fin',
	);
	expect([...frame.subarray(0, 12)]).toEqual([2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 7]);
	expect(frame[15]).toBe(0x28);
	expect([frame[18], frame[19], frame[20]]).toEqual([0, 7, 0x40]);
});

test.each([
	['', 1, 'ends too early'],
	['ipx 1 > 2', 1, 'ipx'],
	['ipv4 10.0.0.1 10.0.0.2 icmp', 15, '"10.0.0.2" is not known here'],
	['ipv4 10.0.0.1 > 10.0.0.2 imcp', 26, 'did you mean icmp?'],
	['ipv4 10.0.0.1 > 10.0.0.2', 25, 'ends too early'],
	['ipv4 10.0.0.300 > 10.0.0.2 icmp', 6, 'is no IP address'],
	['ipv4 fc00::1 > 10.0.0.2 icmp', 6, 'is not ipv4'],
	['ipv4 host.example > 10.0.0.2 icmp', 6, 'names are not looked up'],
	['ipv4 10.0.0.1 > 10.0.0.2 ttl 256 icmp', 30, 'from 0 to 255'],
	['ipv4 10.0.0.1 > 10.0.0.2 ttl', 29, 'it ends where TTL is to follow'],
	['ipv4 10.0.0.1 > 10.0.0.2 udp 5000 > 70000', 37, 'from 0 to 65535'],
	['ipv4 10.0.0.1 > 10.0.0.2 icmp now', 31, '"now" is not known here'],
	['ipv4 10.0.0.1 > 10.0.0.2 vxlan icmp', 32, '"icmp" is no VNI'],
	['ipv4 10.0.0.1 > 10.0.0.2 length 100 gre ipv4 1.1.1.1 > 2.2.2.2 icmp', 64, 'the innermost'],
	['ethernet 02:00 > 02:00:00:00:00:01 ipv4 1.1.1.1 > 2.2.2.2 icmp', 10, 'no Ethernet address'],
	['ipv6 fc00::1 > fc00::2 df icmp', 24, '"df" is not known here'],
	['ipv4 10.0.0.1 > 10.0.0.2 dscp AF99 icmp', 31, 'is no DSCP'],
])('%s: column %i', (text, column, words) => {
	const refused = (): unknown => parsePacket(text);
	expect(refused).toThrow(EncapForwardError);
	expect(refused).toThrow(words);
	expect(refused).toThrow(`column ${column}:`);
});

test('a length too short for its headers is refused', () => {
	expect(() => frameOf('ipv4 10.0.0.1 > 10.0.0.2 length 27 icmp')).toThrow('need 28 bytes');
});

test('whatever the words, there is a packet or an error of ours', () => {
	const word = fc.oneof(
		fc.constantFrom(
			'ipv4',
			'ipv6',
			'>',
			'icmp',
			'udp',
			'tcp',
			'gre',
			'vxlan',
			'ttl',
			'length',
			'64',
			'key',
			'df',
		),
		ipv4Address.map(formatIp),
		ipv6Address.map(formatIp),
		fc.string(),
	);
	fc.assert(
		fc.property(fc.array(word, { maxLength: 14 }), (words) => {
			try {
				expect(dissect(frameOf(words.join(' '))).some(({ checksum }) => checksum === 'bad')).toBe(false);
			} catch (error) {
				expect(error).toBeInstanceOf(EncapForwardError);
				expect((error as EncapForwardError).code).toBe('EF_PACKET');
			}
		}),
	);
});
