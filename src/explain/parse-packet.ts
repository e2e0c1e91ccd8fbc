/**
 * The packet language, close to what tcpdump and iproute2 write:
 *
 *     ipv4 198.51.100.7 > 10.0.2.2 icmp
 *     ipv4 198.51.100.7 > 10.0.2.2 ttl 3 df dscp AF11 length 1500 tcp 40000 > 443
 *     ipv6 2001:db8::7 > 2001:db8:2::2 udp 5000 > 53
 *     ipv4 192.0.2.1 > 192.0.2.2 vxlan 42 ipv4 10.0.0.1 > 10.0.1.1 icmp
 *     ethernet 02:00:00:00:00:07 > 02:00:00:00:01:02 ipv4 …
 */
import { type Family, parseIp, parseMac } from '../packet/address.ts';
import { icmpType } from '../packet/icmp.ts';
import { icmpv6Type } from '../packet/icmpv6.ts';
import { ipProtocol, udpPort } from '../packet/protocol.ts';
import { tcpFlag } from '../packet/tcp.ts';
import { dsField } from './ip-words.ts';
import type { Packet, PacketEthernet, PacketIp, PacketPayload } from './packet.ts';
import { readWords, type Words } from './packet-words.ts';

/** @throws EF_PACKET with the column of the first mistake, from 1 */
export function parsePacket(text: string): Packet {
	const words = readWords(text);
	const ethernet = words.take('ethernet') ? readEthernet(words) : undefined;
	const family = readFamily(words);
	if (family === undefined) {
		throw words.unexpected(ethernet === undefined ? ['ipv4', 'ipv6', 'ethernet'] : ['ipv4', 'ipv6']);
	}
	const ip = readIp(words, family);
	if (words.peek() !== undefined) throw words.unexpected([]);
	return { ethernet, ip };
}

function readEthernet(words: Words): PacketEthernet {
	const mac = (): Uint8Array => {
		const word = words.next('an Ethernet address');
		const bytes = parseMac(word);
		if (bytes === undefined) throw words.wrong(`"${word}" is no Ethernet address such as 02:00:00:00:00:01`);
		return bytes;
	};
	const source = mac();
	if (!words.take('>')) throw words.unexpected(['>']);
	return { source, destination: mac() };
}

function readFamily(words: Words): Family | undefined {
	if (words.take('ipv4') || words.take('ip')) return 'ipv4';
	return words.take('ipv6') || words.take('ip6') ? 'ipv6' : undefined;
}

function readAddress(words: Words, family: Family): Uint8Array {
	const word = words.next(`an ${family} address`);
	const ip = parseIp(word);
	if (ip?.family === family) return ip.bytes;
	const what = ip === undefined ? 'is no IP address; names are not looked up' : `is not ${family}`;
	throw words.wrong(`"${word}" ${what}`);
}

const options = {
	ipv4: ['ttl', 'df', 'tos', 'dscp', 'id', 'length'],
	ipv6: ['hoplimit', 'ttl', 'tos', 'dscp', 'length'],
} as const;

const payloads = ['icmp', 'tcp', 'udp', 'protocol', 'ipv4', 'ipv6', 'gre', 'gue', 'vxlan', 'geneve'] as const;

function readIp(words: Words, family: Family): PacketIp {
	const source = readAddress(words, family);
	if (!words.take('>')) throw words.unexpected(['>']);
	const destination = readAddress(words, family);
	let [ttl, trafficClass, dontFragment, identification] = [64, 0, false, 0];
	let length: number | undefined;
	const known: readonly string[] = options[family];
	for (;;) {
		const word = words.peek();
		if (word === undefined || !known.includes(word)) break;
		words.next('');
		if (word === 'ttl' || word === 'hoplimit') ttl = words.number('TTL', 0, 255);
		else if (word === 'tos') trafficClass = words.number('TOS', 0, 255);
		else if (word === 'dscp') trafficClass = readDscp(words);
		else if (word === 'id') identification = words.number('identification', 0, 0xffff);
		else if (word === 'length') length = words.number('length in bytes', 20, 65535);
		else dontFragment = true;
	}
	const payload = readPayload(words, family);
	if (length !== undefined && 'inner' in payload) {
		throw words.wrong('the length is given with an outer header; give it with the innermost packet');
	}
	return { family, source, destination, ttl, trafficClass, dontFragment, identification, length, payload };
}

function readDscp(words: Words): number {
	const word = words.next('a DSCP');
	if (/^[0-9]+$/.test(word) && Number(word) < 64) return Number(word) << 2;
	const byName = /^[0-9]/.test(word) ? undefined : dsField(word);
	if (byName === undefined) throw words.wrong(`"${word}" is no DSCP; give 0 to 63, CS0 to CS7, AF11 or EF`);
	return byName;
}

function readPayload(words: Words, family: Family): PacketPayload {
	const inner = readFamily(words);
	if (inner !== undefined) return { kind: 'ip', inner: readIp(words, inner) };
	const word = words.peek();
	switch (word) {
		case 'icmp':
		case 'icmpv6':
			words.next('');
			return readIcmp(words, family);
		case 'tcp':
			words.next('');
			return { kind: 'tcp', ...readPorts(words, 40000, 80), flags: readFlags(words) };
		case 'udp':
			words.next('');
			return { kind: 'udp', ...readPorts(words, 40000, 9) };
		case 'protocol':
			words.next('');
			return { kind: 'protocol', protocol: words.number('IP protocol', 0, 255) };
		case 'gre': {
			words.next('');
			const key = words.take('key') ? words.number('GRE key', 0, 0xffffffff) : undefined;
			return { kind: 'gre', key, inner: readInner(words) };
		}
		case 'gue':
			words.next('');
			return { kind: 'gue', port: readPort(words, udpPort.gue), inner: readInner(words) };
		case 'vxlan':
		case 'geneve': {
			words.next('');
			const vni = words.number('VNI', 0, 0xffffff);
			return { kind: word, vni, port: readPort(words, udpPort[word]), inner: readInner(words) };
		}
		default:
			throw words.unexpected([...options[family], ...payloads]);
	}
}

function readInner(words: Words): PacketIp {
	const family = readFamily(words);
	if (family === undefined) throw words.unexpected(['ipv4', 'ipv6']);
	return readIp(words, family);
}

function readIcmp(words: Words, family: Family): PacketPayload {
	const types = family === 'ipv4' ? icmpType : icmpv6Type;
	if (words.take('reply')) return { kind: 'icmp', type: types.echoReply, code: 0 };
	if (!words.take('type')) {
		words.take('request');
		return { kind: 'icmp', type: types.echoRequest, code: 0 };
	}
	const type = words.number('ICMP type', 0, 255);
	return { kind: 'icmp', type, code: words.take('code') ? words.number('ICMP code', 0, 255) : 0 };
}

function readPort(words: Words, usual: number): number {
	return words.take('port') ? words.number('port', 1, 0xffff) : usual;
}

function readPorts(words: Words, source: number, destination: number) {
	if (!/^[0-9]/.test(words.peek() ?? '')) return { sourcePort: source, destinationPort: destination };
	const first = words.number('port', 0, 0xffff);
	// One port alone is the destination's.
	if (!words.take('>')) return { sourcePort: source, destinationPort: first };
	return { sourcePort: first, destinationPort: words.number('port', 0, 0xffff) };
}

function readFlags(words: Words): number {
	let flags = 0;
	for (;;) {
		const name = words.peek() ?? '';
		if (!Object.hasOwn(tcpFlag, name)) return flags === 0 ? tcpFlag.syn : flags;
		flags |= tcpFlag[name as keyof typeof tcpFlag];
		words.next('');
	}
}

/** The number that an IP header has for its payload. */
export function payloadProtocol(payload: PacketPayload, family: Family): number {
	switch (payload.kind) {
		case 'icmp':
			return family === 'ipv4' ? ipProtocol.icmp : ipProtocol.icmpv6;
		case 'tcp':
		case 'gre':
			return ipProtocol[payload.kind];
		case 'ip':
			return payload.inner.family === 'ipv4' ? ipProtocol.ipv4 : ipProtocol.ipv6;
		case 'protocol':
			return payload.protocol;
		default:
			return ipProtocol.udp;
	}
}
