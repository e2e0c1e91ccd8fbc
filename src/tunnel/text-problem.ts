/** In words, why a text is no address, prefix or Ethernet address that a tunnel can have: what; what to do. */
import {
	type IpAddress,
	maskBytes,
	parseIp,
	parseIpv4,
	parseMac,
	parsePrefix,
	prefixProblem as prefixLengthProblem,
} from '../packet/address.ts';

const example = 'such as 192.0.2.1 or 2001:db8::1';

/** Why a text without a colon is no IPv4 address. */
function ipv4Problem(text: string): string {
	const parts = text.split('.');
	if (!/^[0-9.]+$/.test(text)) return `is not an IP address; give one ${example}, names are not looked up`;
	if (parts.length !== 4)
		return `has ${parts.length} ${parts.length === 1 ? 'number' : 'numbers'} where an IPv4 address has 4; give all 4`;
	const empty = parts.indexOf('');
	if (empty >= 0) return 'has an empty part; give 4 numbers from 0 to 255';
	const octal = parts.find((part) => /^0[0-9]/.test(part));
	if (octal !== undefined)
		return `has a leading zero in ${octal}, which some programs read as octal; write it without`;
	return `has the part ${parts.find((part) => Number(part) > 255)}; give numbers from 0 to 255`;
}

/** Why a text with a colon is no IPv6 address. */
function ipv6Problem(text: string): string {
	if (text.includes('%')) return 'has a zone, which a tunnel cannot have; give an address that needs none';
	if (/^\[.*\]$/.test(text)) return 'has brackets; remove them';
	if (text.indexOf('::') !== text.lastIndexOf('::') || text.includes(':::'))
		return 'has more than one ::, or three colons in a row; write :: once';
	const wrong = text.split(':').find((part) => part !== '' && !/^[0-9a-fA-F]{1,4}$/.test(part));
	if (wrong !== undefined && !(wrong.includes('.') && parseIpv4(wrong)))
		return `has the part "${wrong}"; give up to 4 hexadecimal digits between colons`;
	return `is not an IPv6 address; give 8 groups, or :: once for those that are 0`;
}

/** Undefined when it is an IP address. */
export function ipProblem(text: string): string | undefined {
	if (parseIp(text) !== undefined) return undefined;
	if (text === '') return `is empty; give an address ${example}`;
	if (/^\s|\s$/.test(text)) return 'has white space around it; remove it';
	if (text.includes('/') && parseIp(text.slice(0, text.indexOf('/'))) !== undefined)
		return `is a prefix; give one address, without ${text.slice(text.indexOf('/'))}`;
	return text.includes(':') ? ipv6Problem(text) : ipv4Problem(text);
}

/** Undefined when it is a prefix whose other bits are zero. */
export function prefixProblem(text: string): string | undefined {
	if (parsePrefix(text) !== undefined) return undefined;
	if (text === '') return 'is empty; give a prefix such as 10.0.0.0/8 or 2001:db8::/32';
	const slash = text.indexOf('/');
	const problem = ipProblem(slash < 0 ? text : text.slice(0, slash));
	if (problem !== undefined) return problem;
	const reason = prefixLengthProblem(text) ?? '';
	const network = /the network is (\S+)$/.exec(reason)?.[1];
	if (network !== undefined) return `has bits set behind its length; the network is ${network}, write that`;
	return `has the length "${text.slice(slash + 1)}"; give ${text.includes(':') ? '0 to 128' : '0 to 32'}`;
}

/** Undefined when it is an Ethernet address that the member can have. */
export function macProblem(text: string, member: 'innerSource' | 'innerDestination'): string | undefined {
	const bytes = parseMac(text);
	if (bytes === undefined)
		return 'is not an Ethernet address; give six pairs of hexadecimal digits such as 02:00:0a:0b:02:01';
	if (bytes.every((byte) => byte === 0)) return 'is no device’s address; give that of the tunnel’s end';
	if (member === 'innerSource' && ((bytes[0] ?? 0) & 1) === 1)
		return 'is a group’s address, and no group sends; give one with an even first byte';
	return undefined;
}

/** Of which special block an address is, in words. */
function specialBlock({ family, bytes }: IpAddress): string | undefined {
	const [first = 0, second = 0] = bytes;
	if (bytes.every((byte) => byte === 0)) return 'the unspecified address';
	if (family === 'ipv4') {
		if (first === 0) return 'an address of this network (RFC 1122)';
		if (first === 127) return 'a loopback address';
		if (bytes.every((byte) => byte === 255)) return 'the broadcast address';
		if (first >= 240) return 'a reserved address (RFC 1112)';
		return first >= 224 ? 'a multicast address' : undefined;
	}
	const head = bytes.subarray(0, 12);
	const zeros = (length: number): boolean => head.subarray(0, length).every((byte) => byte === 0);
	if (zeros(10) && bytes[10] === 255 && bytes[11] === 255) return 'an IPv4-mapped address';
	if (zeros(12) && bytes.subarray(12, 15).every((byte) => byte === 0) && bytes[15] === 1)
		return 'the loopback address';
	if (first === 0xff) return 'a multicast address';
	return first === 0xfe && (second & 0xc0) === 0x80 ? 'a link-local address' : undefined;
}

/** Why no router would carry a packet from or to an address or all of a prefix; undefined when it would. */
export function endpointProblem(text: string): string | undefined {
	const prefix = parsePrefix(text);
	if (prefix === undefined) return undefined;
	const ones = new Uint8Array(prefix.bytes.length).fill(255);
	const host = maskBytes(ones, prefix.length).map(
		(mask, index) => (prefix.bytes[index] ?? 0) | (~mask & 255),
	);
	const isOne = prefix.length === ones.length * 8;
	for (const bytes of [prefix.bytes, host]) {
		const block = specialBlock({ family: prefix.family, bytes });
		if (block === undefined) continue;
		return `${isOne ? 'is' : 'holds'} ${block}, which no router forwards; give a unicast address`;
	}
	return undefined;
}
