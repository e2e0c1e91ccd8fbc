import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipv4Address, ipv6Address } from '../../test/packet/arbitraries.ts';
import { formatIp, formatPrefix, maskBytes } from '../packet/address.ts';
import { endpointProblem } from '../tunnel/text-problem.ts';
import { parseTunnel, type Tunnel } from '../tunnel/tunnel.ts';
import { buildTable, finishTable, tunnelAt } from '../tunnel/tunnel-table.ts';
import type { TunnelFile } from './configuration.ts';
import { readTunnelLines } from './tunnel-lines.ts';

function read(text: string, file: Omit<TunnelFile, 'file'>, limit = 1000, pieceBytes = Infinity) {
	const table = buildTable();
	const problems: string[] = [];
	const bytes = new TextEncoder().encode(text);
	readTunnelLines(
		piecesOf(bytes, pieceBytes),
		{ file: 't', ...file } as TunnelFile,
		table,
		(line, column, path, message) => {
			problems.push(`${line}:${column}: ${path}: ${message}`);
			return problems.length < limit;
		},
	);
	const { lines, columns } = table.columns;
	return { table: finishTable(table), problems, lines, columns };
}

/** As a file is read: each piece is overwritten by the next. */
function* piecesOf(bytes: Uint8Array, most: number): Generator<Uint8Array> {
	const memory = new Uint8Array(Math.min(most, bytes.length));
	for (let at = 0; at < bytes.length; at += memory.length) {
		const piece = bytes.subarray(at, at + memory.length);
		memory.set(piece);
		yield memory.subarray(0, piece.length);
	}
}

const ip: Omit<TunnelFile, 'file'> = { encapsulation: 'ip', source: '192.0.2.1' };
const vxlan: Omit<TunnelFile, 'file'> = { encapsulation: 'vxlan', source: '192.0.2.1' };

test('comments, empty lines, tabs, CRLF, a byte order mark, a last line without its end', () => {
	const text =
		'\ufeff# a file\r\n\r\n  10.0.0.0/8\t192.0.2.2  # far\n\n#\n2001:db8::/32 192.0.2.3 ttl=9 dscp=inherit';
	const { table, problems, lines, columns } = read(text, ip);
	expect(problems).toEqual([]);
	expect(table.count).toBe(2);
	expect([...lines.subarray(0, 2)]).toEqual([3, 6]);
	expect([...columns.subarray(0, 2)]).toEqual([3, 1]);
	const ends = { encapsulation: 'ip', source: '192.0.2.1' } as const;
	expect(tunnelAt(table, 0)).toEqual(parseTunnel({ ...ends, match: '10.0.0.0/8', destination: '192.0.2.2' }));
	expect(tunnelAt(table, 1)).toEqual(
		parseTunnel({ ...ends, match: '2001:db8::/32', destination: '192.0.2.3', ttl: 9 }),
	);
});

test('lines that say the same share a template; VNIs and keys do not make one each', () => {
	const numbers = Array.from({ length: 50 }, (_, index) => index);
	const text = numbers.map(
		(index) => `10.0.0.${index}/32 192.0.2.${index + 2} ttl=${index % 2 ? 5 : 6} vni=${index}`,
	);
	const { table, problems } = read(text.join('\n'), vxlan);
	expect(problems).toEqual([]);
	expect(table.templates).toHaveLength(2);
	for (const index of numbers) {
		expect(tunnelAt(table, index)).toEqual(
			parseTunnel({
				match: `10.0.0.${index}/32`,
				encapsulation: 'vxlan',
				source: '192.0.2.1',
				destination: `192.0.2.${index + 2}`,
				ttl: index % 2 ? 5 : 6,
				vni: index,
			}),
		);
	}
});

test.each<[string, Omit<TunnelFile, 'file'>, readonly string[]]>([
	['10.0.0.0/8', ip, ['1:11: destination: is missing; give MATCH DESTINATION in each line']],
	['10.0.0.0/8 # x', ip, ['1:11: destination: is missing; give MATCH DESTINATION in each line']],
	[
		'10.0.0.1/8 192.0.2.2',
		ip,
		['1:1: match: "10.0.0.1/8" has bits set behind its length; the network is 10.0.0.0/8, write that'],
	],
	['10.0.0.0/08 192.0.2.2', ip, ['1:1: match: "10.0.0.0/08" has the length "08"; give 0 to 32']],
	['10.0.0.0/ 192.0.2.2', ip, ['1:1: match: "10.0.0.0/" has the length ""; give 0 to 32']],
	[
		'x  y',
		ip,
		[
			'1:1: match: "x" is not an IP address; give one such as 192.0.2.1 or 2001:db8::1, names are not looked up',
			'1:4: destination: "y" is not an IP address; give one such as 192.0.2.1 or 2001:db8::1, names are not looked up',
		],
	],
	[
		'é 192.0.2.256',
		ip,
		[
			'1:1: match: "é" is not an IP address; give one such as 192.0.2.1 or 2001:db8::1, names are not looked up',
			'1:3: destination: "192.0.2.256" has the part 256; give numbers from 0 to 255',
		],
	],
	[
		'10.0.0.0/8 224.0.0.1',
		ip,
		[
			'1:12: destination: "224.0.0.1" is a multicast address, which no router forwards; give a unicast address',
		],
	],
	['10.0.0.0/8 fc00::1', ip, ['1:12: source: it is IPv4 and the destination IPv6; give both of one family']],
	['10.0.0.0/8 fc00::1 source=fc00::2', ip, []],
	[
		'10.0.0.0/8 192.0.2.2',
		{ encapsulation: 'ip' },
		['1:21: source: is missing; give it in the line or for the whole file'],
	],
	['10.0.0.0/8 192.0.2.2', vxlan, ['1:21: vni: is missing; give it in the line or for the whole file']],
	[
		'10.0.0.0/8 192.0.2.2 vni=16777216',
		vxlan,
		['1:26: vni: 16777216 is out of range; give a whole number from 0 to 16777215'],
	],
	['10.0.0.0/8 192.0.2.2 vni=', vxlan, ['1:26: vni: "" is text; give a whole number from 0 to 16777215']],
	['10.0.0.0/8 192.0.2.2 vni=01', vxlan, ['1:26: vni: "01" is text; give a whole number from 0 to 16777215']],
	['10.0.0.0/8 192.0.2.2 vni=1 vni=2', vxlan, ['1:28: vni: is given twice in this line; remove one']],
	[
		'10.0.0.0/8 192.0.2.2 vni=1 vnx=2',
		vxlan,
		['1:28: vnx: a line of vxlan has no such option; did you mean vni?'],
	],
	['10.0.0.0/8 192.0.2.2 vni=0xff', vxlan, []],
	['10.0.0.0/8 192.0.2.2 vni', vxlan, ['1:22: : "vni" has no =; give options as name=value']],
	[
		'10.0.0.0/8 192.0.2.2 key=1',
		ip,
		['1:22: key: a line of ip has no such option; give one of source, ttl, dscp, dontFragment'],
	],
	[
		'10.0.0.0/8 192.0.2.2 ttl=0  dscp=x',
		ip,
		[
			'1:26: ttl: 0 is out of range; give a whole number from 1 to 255, or inherit',
			'1:34: dscp: "x" is text; give a whole number from 0 to 63, or inherit',
		],
	],
	['10.0.0.0/8 192.0.2.2 dontFragment=no', ip, ['1:35: dontFragment: no is text in YAML 1.2; give false']],
	['10.0.0.0/8 192.0.2.2 dontFragment=false', ip, []],
	[
		'10.0.0.0/8 fc00::2 source=fc00::1 dontFragment=false',
		ip,
		[
			'1:48: dontFragment: an outer IPv6 header has no such bit, routers never fragment it; remove the member',
		],
	],
	[
		'10.0.0.0/8 192.0.2.2 source=192.0.2',
		ip,
		['1:29: source: "192.0.2" has 3 numbers where an IPv4 address has 4; give all 4'],
	],
])('the line %j', (line, file, problems) => {
	expect(read(line, file).problems).toEqual(problems);
	// Behind other lines and before others, the same.
	const shifted = problems.map((each) => each.replace(/^1:/, '2:'));
	const good = '11.0.0.0/8 192.0.2.9 source=192.0.2.1';
	const goodLine = file.encapsulation === 'vxlan' ? `${good} vni=1` : good;
	const { problems: found, table } = read(`${goodLine}\n${line}\n${goodLine}\n`, file);
	expect(found).toEqual(shifted);
	expect(table.count).toBe(problems.length === 0 ? 3 : 2);
	expect(tunnelAt(table, table.count - 1)).toEqual(tunnelAt(table, 0));
});

test('a mistake is told of in every line that has it, until enough is heard', () => {
	const text = '10.0.0.0/8 192.0.2.2 ttl=0\n'.repeat(10);
	expect(read(text, ip).problems).toHaveLength(10);
	expect(read(text, ip, 3).problems).toHaveLength(3);
});

const prefix = fc
	.oneof(
		fc.tuple(ipv4Address, fc.nat(32), fc.constant('ipv4' as const)),
		fc.tuple(ipv6Address, fc.nat(128), fc.constant('ipv6' as const)),
	)
	.map(([bytes, length, family]) => ({ family, bytes: maskBytes(bytes, length), length }));
const end = fc
	.oneof(ipv4Address, ipv6Address)
	.map(formatIp)
	.filter((text) => endpointProblem(text) === undefined);

test('any tunnel as a line is the tunnel', () => {
	const tunnel = fc
		.record({
			match: prefix.map(formatPrefix),
			destination: end,
			ttl: fc.option(fc.integer({ min: 1, max: 255 }), { nil: undefined }),
			key: fc.option(fc.nat(0xffff_ffff), { nil: undefined }),
		})
		.map(
			({ ttl, key, ...ends }): Tunnel => ({
				...ends,
				encapsulation: 'gre',
				source: ends.destination.includes(':') ? 'fc00::1' : '192.0.2.1',
				...(ttl === undefined ? {} : { ttl }),
				...(key === undefined ? {} : { key }),
			}),
		);
	fc.assert(
		fc.property(fc.array(tunnel, { maxLength: 20 }), (tunnels) => {
			const lines = tunnels.map(({ match, destination, encapsulation: _, ...options }) => {
				const words = Object.entries(options).map(([name, value]) => `${name}=${value}`);
				return [match, destination, ...words].join(' ');
			});
			const { table, problems } = read(lines.join('\n'), { encapsulation: 'gre' });
			expect(problems).toEqual([]);
			expect(tunnels.map((_, index) => tunnelAt(table, index))).toEqual(tunnels.map(parseTunnel));
		}),
	);
});

test('in whatever pieces it comes, a file is the same', () => {
	const line = fc.constantFrom(
		'10.0.0.0/8 192.0.2.2 vni=7',
		'2001:db8::/32 192.0.2.3 ttl=9 # far',
		'10.1.0.0/16 192.0.2.3 ttl=900',
		'# ü',
		'10.2.0.0/16',
		'',
	);
	fc.assert(
		fc.property(
			fc.array(line),
			fc.constantFrom('\n', '\r\n'),
			fc.integer({ min: 1, max: 60 }),
			(lines, end, size) => {
				const text = `\ufeff${lines.join(end)}`;
				expect(read(text, vxlan, 1000, size)).toEqual(read(text, vxlan));
			},
		),
	);
});

test('any bytes are read to their end, every problem inside of them', () => {
	const bytes = fc.oneof(
		fc.uint8Array({ maxLength: 200 }),
		fc
			.array(
				fc.constantFrom(
					'10.0.0.0/8',
					'::/0',
					'192.0.2.2',
					'fc00::2',
					'vni=1',
					'ttl=',
					'#',
					' ',
					'\t',
					'\n',
					'\r\n',
					'é',
					'=',
					'\0',
				),
			)
			.map((words) => new TextEncoder().encode(words.join(''))),
	);
	fc.assert(
		fc.property(bytes, (content) => {
			const lines = new TextDecoder().decode(content).split('\n');
			readTunnelLines([content], { file: 't', ...vxlan } as TunnelFile, buildTable(), (line, column) => {
				expect(lines[line - 1]).toBeDefined();
				expect(column).toBeGreaterThan(0);
				expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
				return true;
			});
		}),
		{ numRuns: 1000 },
	);
});
