import { expect, test } from 'vitest';
import { EncapForwardError, problemText } from '../error.ts';
import { tunnelAt } from '../tunnel/tunnel-table.ts';
import { parseConfiguration } from './parse.ts';
import { configurationText } from './summary.ts';

/** Every problem of a configuration in one line each, without the file's name; none when it is valid. */
function problemsOf(text: string | Uint8Array, files: Readonly<Record<string, string>> = {}): string[] {
	try {
		parseConfiguration(text, {
			file: 'c',
			read: (name) => {
				const content = files[name];
				if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
				const bytes = new TextEncoder().encode(content);
				return { file: name, size: bytes.length, pieces: [bytes] };
			},
		});
		return [];
	} catch (error) {
		if (!(error instanceof EncapForwardError)) throw error;
		expect(error.code).toBe('EF_CONFIGURATION');
		const [first] = error.problems;
		expect(error.message).toBe(first && problemText(first));
		return error.problems.map((problem) => problemText(problem).replace(/^c:/, ''));
	}
}

const issueExample = `interfaces: [eth0]                 # where packets come in
tunnels:
  - match: 2001:db8:1::/48         # inner destination, IPv4 or IPv6, longest prefix wins
    encapsulation: ip              # ip, gre, gue, vxlan, geneve
    source: 10.11.2.2              # an address, or a prefix whose host bits are hashed from the inner flow
    destination: 10.11.2.1
decapsulate:
  - encapsulation: ip
    local: 10.11.2.1
`;

test('a configuration, every default filled in', () => {
	const { configuration, tunnels, decapsulate } = parseConfiguration(issueExample, { file: 'c' });
	expect(configuration).toEqual({
		interfaces: ['eth0'],
		hook: 'automatic',
		xdpMode: 'automatic',
		tunnels: [
			{
				match: '2001:db8:1::/48',
				encapsulation: 'ip',
				source: '10.11.2.2',
				destination: '10.11.2.1',
			},
		],
		tunnelFiles: [],
		decapsulate: [{ encapsulation: 'ip', local: '10.11.2.1' }],
	});
	expect(tunnels.count).toBe(1);
	expect(tunnelAt(tunnels, 0)).toMatchObject({ encapsulation: 'ip', ttl: 64, match: { length: 48 } });
	expect(() => tunnelAt(tunnels, 1)).toThrow('there is no tunnel 1 of 1');
	expect(decapsulate).toEqual([
		{ encapsulation: 'ip', local: { family: 'ipv4', bytes: Uint8Array.of(10, 11, 2, 1) } },
	]);
});

test('JSON, with tabs, a byte order mark or CRLF, is the same', () => {
	const { configuration } = parseConfiguration(issueExample, { file: 'c' });
	for (const text of [
		JSON.stringify(configuration),
		JSON.stringify(configuration, undefined, '\t'),
		`\ufeff${issueExample}`,
		issueExample.replaceAll('\n', '\r\n'),
		`%YAML 1.2\n---\n${issueExample}...\n`,
	]) {
		expect(parseConfiguration(text, { file: 'c' }).configuration).toEqual(configuration);
		const bytes = new TextEncoder().encode(text);
		expect(parseConfiguration(bytes, { file: 'c' }).configuration).toEqual(configuration);
	}
});

const start = 'interfaces: [eth0]\n';

test.each<[string, readonly string[]]>([
	['', ['1:1: the file says nothing; give at least interfaces and tunnels']],
	['# only a comment\n', ['1:1: the file says nothing; give at least interfaces and tunnels']],
	['hello', ['1:1: "hello" is text; give a mapping of members such as interfaces and tunnels']],
	['[]', ['1:1: is a list; give a mapping of members such as interfaces and tunnels']],
	['tunnels: []', ['1:1: interfaces is missing; add it']],
	[start, ['1:1: there is nothing to do; give tunnels, tunnelFiles or decapsulate']],
	[`${start}tunnels: []\n`, []],
])('%j as a whole', (text, problems) => {
	expect(problemsOf(text)).toEqual(problems);
});

test.each<[string, readonly string[]]>([
	['a:\n\tb: 1\n', ['2:1: a tab indents here, which YAML does not allow; indent with spaces']],
	['a: 1\n---\nb: 2\n', ['2:1: a second document begins here; keep one configuration in a file']],
	[
		'a: [1, 2\n',
		[
			'2:1: is not YAML: flow sequence in block collection must be sufficiently indented and end with a ]; correct it',
		],
	],
	['a: "x\n', ['2:1: is not YAML: missing closing "quote; correct it']],
	['a: b: c\n', ['1:4: is not YAML: nested mappings are not allowed in compact mappings; correct it']],
	[
		'a: 2001:db8::\n',
		['1:4: a value that ends with a colon reads as the name of a member; put quotes around it'],
	],
	[
		'{ a: 2001:db8::, b: 1 }\n',
		['1:6: a value that ends with a colon reads as the name of a member; put quotes around it'],
	],
	['a: @x\n', ['1:4: is not YAML: plain value cannot start with reserved character @; correct it']],
	['a: *x\n', ['1:4: a: *x is an alias; write the value itself']],
	['a: !foo 1\n', ['1:4: a tag stands here; remove it']],
	['%FOO\n---\na: 1\n', ['1:1: a directive stands here; remove the line']],
	['['.repeat(100_000), ['1:101: is nested more than 100 deep; a configuration is a flat list of members']],
	['- '.repeat(100_000), ['1:1: is nested more than 100 deep; a configuration is a flat list of members']],
])('YAML that is none, or more than JSON can say: %j', (text, problems) => {
	expect(
		problemsOf(text).filter((each) => !/there is no such member|is missing|nothing to do/.test(each)),
	).toEqual(problems);
});

test.each<[string, readonly string[]]>([
	['hook: xdp\nhook: tc', ['3:1: hook: is given twice, first on line 2; remove one']],
	['hook: &a tc', ['2:10: hook: the anchor &a stands before the value; remove it']],
	['hook: !!str tc', ['2:13: hook: the tag tag:yaml.org,2002:str stands before the value; remove it']],
	[
		'hook: &a tc\nxdpMode: *a',
		[
			'2:10: hook: the anchor &a stands before the value; remove it',
			'3:10: xdpMode: *a is an alias; write the value itself',
		],
	],
	[
		'<<: { hook: tc }',
		['2:1: <<: there is no such member; give the members themselves: there are no merge keys'],
	],
	['? [a]\n: b', ['2:3: the name of a member is a list or a mapping; give text']],
	['hooks: tc', ['2:1: hooks: there is no such member; did you mean hook?']],
	['hook: tc\nhooks: tc', ['3:1: hooks: there is no such member; hook is given already, remove this']],
	[
		'toString: 1',
		[
			'2:1: toString: there is no such member; give one of hook, xdpMode, egress, tunnelCounters, tunnelFiles, decapsulate',
		],
	],
	[
		'__proto__: {a: 1}',
		[
			'2:1: __proto__: there is no such member; give one of hook, xdpMode, egress, tunnelCounters, tunnelFiles, decapsulate',
		],
	],
	['hook: xpd', ['2:7: hook: "xpd" is none of xdp, tc, automatic; did you mean xdp?']],
	['hook:', ['2:6: hook: has no value; give one of xdp, tc, automatic']],
	['hook: 1', ['2:7: hook: 1 is a number; give one of xdp, tc, automatic']],
	['hook: [xdp]', ['2:7: hook: is a list; give one of xdp, tc, automatic']],
	[
		'hook: tc\nxdpMode: native',
		['3:10: xdpMode: native means nothing with hook tc; remove it, or give hook xdp'],
	],
	['egress: []', ['2:9: egress: is empty; leave it out to allow every device']],
	['egress: eth0', ['2:9: egress: "eth0" is text; give a list of devices, such as [eth0]']],
	['egress: [eth1, eth2, eth1]', ['2:22: egress[2]: "eth1" is egress[0] already; remove one']],
	['tunnelFiles: [[a]]', ['2:15: tunnelFiles[0]: is a list; give a file and what its tunnels share']],
	['decapsulate: {}', ['2:14: decapsulate: is a mapping; give a list of decapsulations']],
	['decapsulate: [ip]', ['2:15: decapsulate[0]: "ip" is text; give the members of a decapsulation']],
])('a member of the whole: %j', (members, problems) => {
	expect(problemsOf(`${start}${members}\ntunnels: []\n`)).toEqual(problems);
});

test.each<[string, string | undefined]>([
	['eth0', undefined],
	['a.b-c_d@e', undefined],
	['fifteen-bytes--', undefined],
	['no', undefined],
	[
		'sixteen-bytes---',
		'"sixteen-bytes---" has 16 bytes, and a device\'s name at most 15; give its name in the kernel',
	],
	['ééééééé1', undefined],
	['éééééééé', '"éééééééé" has 16 bytes, and a device\'s name at most 15; give its name in the kernel'],
	['""', '"" is empty; give the name of a device'],
	['a/b', '"a/b" has a /, which no device\'s name has; give one that ip link shows'],
	['a:b', '"a:b" has a :, which no device\'s name has; give one that ip link shows'],
	['"a b"', '"a b" has white space, which no device\'s name has; remove it'],
	['"a\\tb"', '"a\\tb" has white space, which no device\'s name has; remove it'],
	['"a\\0b"', '"a\\u0000b" has white space, which no device\'s name has; remove it'],
	['à', '"à" has white space, which no device\'s name has; remove it'],
	['".."', '".." is no name of a device; give one that ip link shows'],
	['123', '123 is a number; give the name of a device, in quotes'],
	['true', 'true is true or false to YAML; give the name of a device, in quotes'],
])('the device %s', (name, problem) => {
	const problems = problem === undefined ? [] : [`1:14: interfaces[0]: ${problem}`];
	expect(problemsOf(`interfaces: [${name}]\ntunnels: []\n`)).toEqual(problems);
});

/** One tunnel, its members by name: given ones replace, undefined ones remove. */
function tunnelText(changed: Readonly<Record<string, string | undefined>>): string {
	const members = {
		match: '10.0.0.0/8',
		encapsulation: 'ip',
		source: '192.0.2.1',
		destination: '192.0.2.2',
		...changed,
	};
	const lines = Object.entries(members).filter(([, value]) => value !== undefined);
	return `${start}tunnels:\n  - ${lines.map(([name, value]) => `${name}: ${value}`).join('\n    ')}\n`;
}

const v6 = { source: 'fc00::1', destination: 'fc00::2' };
const vxlan = { encapsulation: 'vxlan', vni: '1' };

test.each<[Readonly<Record<string, string | undefined>>, readonly string[]]>([
	[{ ttl: 'inherit', dscp: '0', dontFragment: 'false' }, []],
	[{ encapsulation: 'gre', key: '0xff' }, []],
	[{ ...v6, ...vxlan, port: '8472', udpChecksum: 'zero', innerSource: '02:00:00:00:00:01' }, []],
	[{ match: '0.0.0.0/0' }, []],
	[{ source: '192.0.2.0/24' }, []],
	[{ match: undefined }, ['3:5: tunnels[0]: match is missing; add it']],
	[
		{ encapsulation: undefined, source: undefined },
		['3:5: tunnels[0]: encapsulation and source are missing; add them'],
	],
	[
		{ encapsulation: 'ipip' },
		['4:20: tunnels[0].encapsulation: "ipip" is none of ip, gre, gue, vxlan, geneve; give ip'],
	],
	[
		{ encapsulation: 'vxlam', vni: '1', ttl: '0' },
		[
			'4:20: tunnels[0].encapsulation: "vxlam" is none of ip, gre, gue, vxlan, geneve; did you mean vxlan?',
			'8:10: tunnels[0].ttl: 0 is out of range; give a whole number from 1 to 255, or inherit',
		],
	],
	[
		{ encapsulation: '' },
		['4:20: tunnels[0].encapsulation: has no value; give one of ip, gre, gue, vxlan, geneve'],
	],
	[{ key: '1' }, ['7:5: tunnels[0].key: ip has no key, gre has; remove it']],
	[{ ...vxlan, key: '1' }, ['8:5: tunnels[0].key: vxlan has no key, gre has; remove it']],
	[{ vni: '1' }, ['7:5: tunnels[0].vni: ip has no vni, vxlan, geneve have; remove it']],
	[{ encapsulation: 'geneve' }, ['3:5: tunnels[0]: vni is missing; add it']],
	[
		{ tos: '4' },
		[
			'7:5: tunnels[0].tos: there is no such member; give dscp, which is tos without its two ECN bits (tos / 4): those follow RFC 6040',
		],
	],
	[
		{ 'dont-fragment': 'true' },
		['7:5: tunnels[0].dont-fragment: there is no such member; did you mean dontFragment?'],
	],
	[{ remote: '1.1.1.1' }, ['7:5: tunnels[0].remote: there is no such member; give destination']],
	[
		{ match: '10.0.0.1/8' },
		[
			'3:12: tunnels[0].match: "10.0.0.1/8" has bits set behind its length; the network is 10.0.0.0/8, write that',
		],
	],
	[{ match: '10.0.0.0/33' }, ['3:12: tunnels[0].match: "10.0.0.0/33" has the length "33"; give 0 to 32']],
	[
		{ match: '2001:db8::/129' },
		['3:12: tunnels[0].match: "2001:db8::/129" has the length "129"; give 0 to 128'],
	],
	[
		{ match: '10' },
		['3:12: tunnels[0].match: 10 is a number; give a prefix such as 10.0.0.0/8 or 2001:db8::/32, in quotes'],
	],
	[
		{ source: 'example.org' },
		[
			'5:13: tunnels[0].source: "example.org" is not an IP address; give one such as 192.0.2.1 or 2001:db8::1, names are not looked up',
		],
	],
	[
		{ source: '192.0.2' },
		['5:13: tunnels[0].source: "192.0.2" has 3 numbers where an IPv4 address has 4; give all 4'],
	],
	[
		{ source: '192.0..2' },
		['5:13: tunnels[0].source: "192.0..2" has an empty part; give 4 numbers from 0 to 255'],
	],
	[
		{ source: '192.0.2.256' },
		['5:13: tunnels[0].source: "192.0.2.256" has the part 256; give numbers from 0 to 255'],
	],
	[
		{ source: '010.1.1.1' },
		[
			'5:13: tunnels[0].source: "010.1.1.1" has a leading zero in 010, which some programs read as octal; write it without',
		],
	],
	[
		{ source: 'fe80::1%eth0' },
		[
			'5:13: tunnels[0].source: "fe80::1%eth0" has a zone, which a tunnel cannot have; give an address that needs none',
		],
	],
	[{ source: '"[2001:db8::1]"' }, ['5:13: tunnels[0].source: "[2001:db8::1]" has brackets; remove them']],
	[
		{ source: '1::2::3' },
		['5:13: tunnels[0].source: "1::2::3" has more than one ::, or three colons in a row; write :: once'],
	],
	[
		{ source: '1::g' },
		['5:13: tunnels[0].source: "1::g" has the part "g"; give up to 4 hexadecimal digits between colons'],
	],
	[
		{ source: '1:2:3' },
		[
			'5:13: tunnels[0].source: "1:2:3" is not an IPv6 address; give 8 groups, or :: once for those that are 0',
		],
	],
	[
		{ source: '" 192.0.2.1"' },
		['5:13: tunnels[0].source: " 192.0.2.1" has white space around it; remove it'],
	],
	[
		{ source: '""' },
		['5:13: tunnels[0].source: "" is empty; give a prefix such as 10.0.0.0/8 or 2001:db8::/32'],
	],
	[
		{ destination: '""' },
		['6:18: tunnels[0].destination: "" is empty; give an address such as 192.0.2.1 or 2001:db8::1'],
	],
	[
		{ destination: '192.0.2.2/32' },
		['6:18: tunnels[0].destination: "192.0.2.2/32" is a prefix; give one address, without /32'],
	],
	[
		{ destination: '224.0.0.1' },
		[
			'6:18: tunnels[0].destination: "224.0.0.1" is a multicast address, which no router forwards; give a unicast address',
		],
	],
	[
		{ destination: '127.0.0.1' },
		[
			'6:18: tunnels[0].destination: "127.0.0.1" is a loopback address, which no router forwards; give a unicast address',
		],
	],
	[
		{ source: '0.0.0.0' },
		[
			'5:13: tunnels[0].source: "0.0.0.0" is the unspecified address, which no router forwards; give a unicast address',
		],
	],
	[
		{ source: '128.0.0.0/1' },
		[
			'5:13: tunnels[0].source: "128.0.0.0/1" holds the broadcast address, which no router forwards; give a unicast address',
		],
	],
	[
		{ source: '::ffff:192.0.2.1' },
		[
			'5:13: tunnels[0].source: "::ffff:192.0.2.1" is an IPv4-mapped address, which no router forwards; give a unicast address',
		],
	],
	[
		{ source: 'fe80::1' },
		[
			'5:13: tunnels[0].source: "fe80::1" is a link-local address, which no router forwards; give a unicast address',
		],
	],
	[
		{ destination: 'fc00::2' },
		['5:13: tunnels[0].source: it is IPv4 and the destination IPv6; give both of one family'],
	],
	[
		{ destination: '10.1.1.1' },
		[
			"6:18: tunnels[0].destination: 10.1.1.1 is in the tunnel's own match, so encapsulated packets would come back; give a destination outside of it, or a longer match",
		],
	],
	[
		{ ...v6, dontFragment: 'true' },
		[
			'7:19: tunnels[0].dontFragment: an outer IPv6 header has no such bit, routers never fragment it; remove the member',
		],
	],
	[
		{ ...vxlan, udpChecksum: 'zero' },
		[
			'8:18: tunnels[0].udpChecksum: it is a choice over IPv6 only, over IPv4 it is always zero; remove the member',
		],
	],
	[
		{ ...vxlan, ...v6, udpChecksum: 'none' },
		['8:18: tunnels[0].udpChecksum: "none" is none of zero, computed; give one of zero, computed'],
	],
	[
		{ ttl: '256' },
		['7:10: tunnels[0].ttl: 256 is out of range; give a whole number from 1 to 255, or inherit'],
	],
	[
		{ ttl: '-1' },
		['7:10: tunnels[0].ttl: -1 is out of range; give a whole number from 1 to 255, or inherit'],
	],
	[
		{ ttl: '1.5' },
		['7:10: tunnels[0].ttl: 1.5 is not a whole number; give a whole number from 1 to 255, or inherit'],
	],
	[
		{ ttl: '.inf' },
		['7:10: tunnels[0].ttl: .inf is not a whole number; give a whole number from 1 to 255, or inherit'],
	],
	[
		{ ttl: '.nan' },
		['7:10: tunnels[0].ttl: .nan is not a whole number; give a whole number from 1 to 255, or inherit'],
	],
	[
		{ ttl: '99999999999999999999' },
		[
			'7:10: tunnels[0].ttl: 99999999999999999999 is out of range; give a whole number from 1 to 255, or inherit',
		],
	],
	[
		{ ttl: 'inherits' },
		['7:10: tunnels[0].ttl: "inherits" is text; give a whole number from 1 to 255, or inherit'],
	],
	[{ ttl: '"64"' }, ['7:10: tunnels[0].ttl: "64" is text; remove the quotes']],
	[{ ttl: '064' }, ['7:10: tunnels[0].ttl: 064 begins with 0, which some programs read as octal; write 64']],
	[{ ttl: '0o77' }, ['7:10: tunnels[0].ttl: 0o77 is an unusual way to write a number; write 63']],
	[{ ttl: '1e2' }, ['7:10: tunnels[0].ttl: 1e2 is an unusual way to write a number; write 100']],
	[{ ttl: '64.0' }, ['7:10: tunnels[0].ttl: 64.0 is an unusual way to write a number; write 64']],
	[
		{ ttl: 'true' },
		['7:10: tunnels[0].ttl: true is true or false to YAML; give a whole number from 1 to 255, or inherit'],
	],
	[
		{ dscp: '64' },
		['7:11: tunnels[0].dscp: 64 is out of range; give a whole number from 0 to 63, or inherit'],
	],
	[{ dontFragment: 'no' }, ['7:19: tunnels[0].dontFragment: no is text in YAML 1.2; give false']],
	[{ dontFragment: 'on' }, ['7:19: tunnels[0].dontFragment: on is text in YAML 1.2; give true']],
	[{ dontFragment: '1' }, ['7:19: tunnels[0].dontFragment: 1 is a number; give true or false']],
	[
		{ encapsulation: 'gre', key: '4294967296' },
		['7:10: tunnels[0].key: 4294967296 is out of range; give a whole number from 0 to 4294967295'],
	],
	[
		{ encapsulation: 'gre', key: '1_000' },
		['7:10: tunnels[0].key: "1_000" is text; give a whole number from 0 to 4294967295'],
	],
	[
		{ encapsulation: 'gue', port: '0' },
		['7:11: tunnels[0].port: 0 is out of range; give a whole number from 1 to 65535'],
	],
	[
		{ ...vxlan, vni: '16777216' },
		['7:10: tunnels[0].vni: 16777216 is out of range; give a whole number from 0 to 16777215'],
	],
	[
		{ ...vxlan, innerSource: '01:00:5e:00:00:01' },
		[
			'8:18: tunnels[0].innerSource: "01:00:5e:00:00:01" is a group’s address, and no group sends; give one with an even first byte',
		],
	],
	[
		{ ...vxlan, innerDestination: '00:00:00:00:00:00' },
		[
			'8:23: tunnels[0].innerDestination: "00:00:00:00:00:00" is no device’s address; give that of the tunnel’s end',
		],
	],
	[
		{ ...vxlan, innerSource: '02-00-00-00-00-01' },
		[
			'8:18: tunnels[0].innerSource: "02-00-00-00-00-01" is not an Ethernet address; give six pairs of hexadecimal digits such as 02:00:0a:0b:02:01',
		],
	],
])('the tunnel %j', (changed, problems) => {
	expect(problemsOf(tunnelText(changed))).toEqual(problems);
});

test('two tunnels of one prefix: both places; a longer prefix, and another’s match around a destination, are allowed', () => {
	const tunnel = (match: string, destination: string): string =>
		`  - { match: ${match}, encapsulation: ip, source: 192.0.2.1, destination: ${destination} }\n`;
	const text = (...tunnels: readonly string[]): string => `${start}tunnels:\n${tunnels.join('')}`;
	expect(problemsOf(text(tunnel('10.0.0.0/8', '192.0.2.2'), tunnel('10.0.0.0/8', '192.0.2.3')))).toEqual([
		'4:14: tunnels[1].match: 10.0.0.0/8 has a tunnel already, at c:3:14; remove one',
	]);
	expect(
		problemsOf(text(tunnel('2001:DB8::/32', '192.0.2.2'), tunnel('2001:db8:0::/32', '192.0.2.3'))),
	).toHaveLength(1);
	expect(
		problemsOf(
			text(
				tunnel('10.0.0.0/8', '11.0.0.2'),
				tunnel('10.0.0.0/9', '192.0.2.3'),
				tunnel('11.0.0.0/8', '10.0.0.1'),
			),
		),
	).toEqual([]);
});

test.each<[string, readonly string[]]>([
	['[{ encapsulation: gre, local: 192.0.2.1 }, { encapsulation: gre, local: 192.0.2.1, key: 0 }]', []],
	[
		'[{ encapsulation: vxlan, local: 192.0.2.1, vni: 1 }, { encapsulation: vxlan, local: 192.0.2.1, vni: 2 }]',
		[],
	],
	[
		'[{ encapsulation: ip, local: 192.0.2.1 }, { encapsulation: ip, local: 192.0.2.1 }]',
		['2:56: decapsulate[1]: is the same as decapsulate[0]; remove one'],
	],
	[
		'[{ encapsulation: ip, local: "fc00:0::1" }, { encapsulation: ip, local: "fc00::1" }]',
		['2:58: decapsulate[1]: is the same as decapsulate[0]; remove one'],
	],
	[
		'[{ encapsulation: vxlan, local: 192.0.2.1, vni: 1 }, { encapsulation: vxlan, local: 192.0.2.1, vni: 1, port: 4789 }]',
		['2:67: decapsulate[1]: is the same as decapsulate[0]; remove one'],
	],
	[
		'[{ encapsulation: gue, local: 192.0.2.1, port: 4789 }, { encapsulation: vxlan, local: 192.0.2.1, vni: 1 }]',
		[
			'2:69: decapsulate[1]: its address and port are those of decapsulate[0], which is gue; give another port',
		],
	],
	[
		'[{ encapsulation: gue, local: 192.0.2.1, vni: 1 }]',
		['2:55: decapsulate[0].vni: gue has no vni, vxlan, geneve have; remove it'],
	],
	[
		'[{ encapsulation: geneve, local: 192.0.2.0/24 }]',
		[
			'2:15: decapsulate[0]: vni is missing; add it',
			'2:47: decapsulate[0].local: "192.0.2.0/24" is a prefix; give one address, without /24',
		],
	],
])('decapsulation: %s', (list, problems) => {
	expect(problemsOf(`${start}decapsulate: ${list}\n`)).toEqual(problems);
});

test('bytes that are not UTF-8', () => {
	const latin1 = Uint8Array.from('# \ufffd é\nx: \xe9\n', (character) => character.charCodeAt(0) & 255);
	expect(problemsOf(latin1)[0]).toMatch(/^1:3: is not UTF-8 from here on; save the file as UTF-8$/);
	const late = new Uint8Array([...new TextEncoder().encode('# \ufffd é\nx: '), 0xe9, 10]);
	expect(problemsOf(late)).toEqual(['2:4: is not UTF-8 from here on; save the file as UTF-8']);
	const utf16 = Uint8Array.of(0xff, 0xfe, 0x61, 0);
	expect(problemsOf(utf16)).toEqual(['1:1: is not UTF-8 from here on; save the file as UTF-8']);
});

test('what a terminal would obey is shown as text, and what is long is cut', () => {
	expect(problemsOf(`${start}tunnels: []\n"\\e[31m\\n": 1\n`)[0]).toMatch(/^3:1: \\u001b\[31m\\u000a: there/);
	const [long] = problemsOf(`${start}tunnels: []\n${'x'.repeat(900)}: 1\n`);
	expect(long).toHaveLength(
		'3:1: '.length +
			101 +
			': there is no such member; give one of hook, xdpMode, egress, tunnelCounters, tunnelFiles, decapsulate'
				.length,
	);
});

test('columns count UTF-16 code units, as editors do', () => {
	expect(problemsOf(`${start}tunnels: []\n"😀é": 1\n{`)).not.toEqual([]);
	expect(problemsOf('interfaces: ["😀é", 5]\ntunnels: []\n')).toEqual([
		'1:21: interfaces[1]: 5 is a number; give the name of a device, in quotes',
	]);
});

const withFile = `${start}tunnelFiles:\n  - { file: t, encapsulation: vxlan, source: 192.0.2.1 }\n`;

test('a tunnel file beside the configuration’s own tunnels', () => {
	expect(problemsOf(withFile, { t: '10.0.0.0/8 192.0.2.2 vni=7\n' })).toEqual([]);
	expect(problemsOf(withFile)).toEqual([
		'3:13: tunnelFiles[0].file: "t" cannot be read: ENOENT; correct its name or its permissions',
	]);
	const both = tunnelText({}).replace(start, withFile);
	expect(problemsOf(both, { t: '\n10.0.0.0/8 192.0.2.2 vni=7\n' })).toEqual([
		't:2:1: match: 10.0.0.0/8 has a tunnel already, at c:5:12; remove one',
	]);
	expect(problemsOf(`${withFile}  - { file: t, encapsulation: ip }\n`, { t: '' })).toEqual([
		'4:13: tunnelFiles[1].file: "t" is tunnelFiles[0] already; remove one',
	]);
	expect(problemsOf(withFile.replace('source', 'match: 10.0.0.0/8, source'), { t: '' })).toEqual([
		'3:38: tunnelFiles[0].match: there is no such member; give one of ttl, dscp, dontFragment, vni, port, udpChecksum, innerSource, innerDestination',
	]);
});

test.each([
	['no', ['4:17: tunnelCounters: no is text in YAML 1.2; give false']],
	['1', ['4:17: tunnelCounters: 1 is a number; give true or false']],
	['[true]', ['4:17: tunnelCounters: is a list; give true or false']],
	['false', []],
	['true', []],
] as const)('tunnelCounters: %s', (value, problems) => {
	expect(problemsOf(`interfaces: [eth0]\ntunnels: []\nhook: xdp\ntunnelCounters: ${value}\n`)).toEqual(
		problems,
	);
});

test('counters are told of only where the configuration says something of them', () => {
	const text = (more: string): string =>
		configurationText(parseConfiguration(`interfaces: [eth0]\ntunnels: []\n${more}`, { file: 'c' })).join(
			'\n',
		);
	expect(text('')).not.toContain('counters');
	expect(text('tunnelCounters: true')).toContain('  counters       of each tunnel');
	expect(text('tunnelCounters: false')).toContain('  counters       of no tunnel');
});
