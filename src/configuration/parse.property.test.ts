/** Any valid configuration is read back; any text is read or refused, never anything else. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { configuration } from '../../test/configuration/arbitraries.ts';
import { EncapForwardError } from '../error.ts';
import { parseIp, parsePrefix, prefixContains } from '../packet/address.ts';
import { parseTunnel } from '../tunnel/tunnel.ts';
import { tunnelAt } from '../tunnel/tunnel-table.ts';
import type { Configuration } from './configuration.ts';
import { parseConfiguration } from './parse.ts';

const valid = configuration.filter(({ tunnels }) =>
	tunnels.every(({ match, destination }) => {
		const prefix = parsePrefix(match);
		const ip = parseIp(destination);
		return prefix?.length === 0 || !(prefix && ip && prefixContains(prefix, ip.bytes));
	}),
);

function toTexts(written: Configuration): string[] {
	return [
		stringify(written),
		stringify(written, { collectionStyle: 'flow' }),
		stringify(written, { defaultStringType: 'QUOTE_SINGLE', indent: 5 }),
		JSON.stringify(written),
		JSON.stringify(written, undefined, '\t'),
	];
}

test('what is written as YAML or JSON is read back', () => {
	fc.assert(
		fc.property(valid, (written) => {
			for (const text of toTexts(written)) {
				const read = parseConfiguration(text, { file: 'c' });
				expect(read.configuration).toEqual(written);
				expect(read.tunnels.count).toBe(written.tunnels.length);
				expect(written.tunnels.map((_, index) => tunnelAt(read.tunnels, index))).toEqual(
					written.tunnels.map(parseTunnel),
				);
			}
		}),
		{ numRuns: 100 },
	);
});

/** Reads it; a refusal must be ours, and every problem inside the text. */
function expectRefusalInside(text: string | Uint8Array): void {
	try {
		parseConfiguration(text, { file: 'c' });
	} catch (error) {
		if (!(error instanceof EncapForwardError)) throw error;
		expect(error.code).toBe('EF_CONFIGURATION');
		expect(error.problems.length).toBeGreaterThan(0);
		const decoded = typeof text === 'string' ? text.replace(/^\ufeff/, '') : new TextDecoder().decode(text);
		const lines = decoded.split('\n');
		for (const { line, column, message } of error.problems) {
			expect(message).toMatch(/^.+; .+$/);
			expect(lines[line - 1]).toBeDefined();
			expect(column).toBeGreaterThan(0);
			expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
		}
	}
}

const piece = fc.constantFrom(
	...[
		'\n',
		'\t',
		'  ',
		'- ',
		': ',
		':',
		',',
		'[',
		']',
		'{',
		'}',
		'"',
		"'",
		'#',
		'&a ',
		'*a',
		'!!str ',
		'? ',
		'|\n',
		'>\n',
	],
	...[
		'---\n',
		'...\n',
		'%YAML 1.1\n',
		'<<: ',
		'\ufeff',
		'\0',
		'\r',
		'010',
		'1e9',
		'.nan',
		'no',
		'~',
		'é',
		'😀',
		'__proto__: ',
	],
	...['match', 'tunnels: ', 'encapsulation: gre', 'vni: 1', '0.0.0.0/0', '::', '99999999999999999999999'],
);

test('a mutated configuration is read or refused, every problem inside the text', () => {
	const mutated = fc
		.tuple(
			fc.noShrink(configuration),
			fc.nat(4),
			fc.array(fc.tuple(fc.nat(), fc.nat(12), piece), { minLength: 1, maxLength: 6 }),
		)
		.map(([written, style, changes]) => {
			let text = toTexts(written)[style] ?? '';
			for (const [at, removed, inserted] of changes) {
				const from = at % (text.length + 1);
				text = text.slice(0, from) + inserted + text.slice(from + removed);
			}
			return text;
		});
	fc.assert(fc.property(mutated, expectRefusalInside), { numRuns: 300 });
});

test('any text and any bytes', () => {
	fc.assert(fc.property(fc.string({ unit: 'binary' }), expectRefusalInside), { numRuns: 1000 });
	fc.assert(
		fc.property(
			fc.array(piece).map((pieces) => pieces.join('')),
			expectRefusalInside,
		),
		{ numRuns: 1000 },
	);
	fc.assert(fc.property(fc.uint8Array(), expectRefusalInside), { numRuns: 1000 });
});
