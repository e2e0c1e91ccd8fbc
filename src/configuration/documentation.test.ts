/** The examples of docs/configuration.md are what the parser takes. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseConfiguration } from './parse.ts';
import { configurationText } from './summary.ts';

const text = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

function blocks(language: string): string[] {
	const found = text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm);
	return [...found].filter(([, name]) => name === language).map(([, , content]) => content ?? '');
}

const [lines = ''] = blocks('tunnels');

function parse(example: string) {
	const bytes = new TextEncoder().encode(lines);
	const read = () => ({ file: 'east.tunnels', size: bytes.length, pieces: [bytes] });
	return parseConfiguration(example, { file: 'encap-forward.yaml', read });
}

test('every example is valid, and is what it is there for', () => {
	expect(blocks('yaml').map((example) => parse(example).tunnels.count)).toEqual([1, 3, 3, 0]);
});

test('the first one’s output', () => {
	const said = ['encap-forward.yaml is valid.', ...configurationText(parse(blocks('yaml')[0] ?? ''))];
	expect(blocks('')[0]).toBe(`${said.join('\n')}\n`);
});

test('the mistakes', () => {
	const example = `hooks: xdp
interfaces: [eth0]
tunnels:
  - match: 10.0.0.0/8
    encapsulation: ip
    source: 192.0.2.1
    ttl: 300
    dontFragment: no
    destination: 192.0.2.2
`;
	const [, ...said] = (blocks('')[1] ?? '').trim().split('\n');
	expect(said).toHaveLength(2);
	expect(() => parseConfiguration(example, { file: 'a.yaml' })).toThrow(
		expect.objectContaining({
			message: 'a.yaml:1:1: hooks: there is no such member; did you mean hook?',
			problems: [
				expect.anything(),
				expect.objectContaining({ line: 7, column: 10 }),
				expect.objectContaining({ line: 8, column: 19 }),
			],
		}),
	);
});
