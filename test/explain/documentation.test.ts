/** What docs/explain.md shows is what the command says of the cases' snapshots. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandPath } from '../support/command.ts';
import { caseNames, readCase } from './reported.ts';

const text = readFileSync(new URL('../../docs/explain.md', import.meta.url), 'utf8');

interface Example {
	readonly name: string;
	readonly words: readonly string[];
	readonly output: string;
}

const examples: readonly Example[] = [
	...text.matchAll(/<!-- case: (\S+) -->\n```\n\$ encap-forward (.*)\n([\s\S]*?)```/g),
].map(([, name = '', command = '', output = '']) => ({
	name,
	words: [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
	output,
}));

test('there are examples, and every case stands in the table', () => {
	expect(examples.length).toBeGreaterThan(10);
	for (const name of caseNames)
		expect(text).toContain(`](${readCase(name).url}) | ${readCase(name).title} |`);
});

test.each(examples)('$name', ({ name, words, output }) => {
	const folder = mkdtempSync(join(tmpdir(), 'encap-forward-test-'));
	try {
		const file = words[words.indexOf('--snapshot') + 1] ?? '';
		writeFileSync(join(folder, file), JSON.stringify(readCase(name).snapshot));
		const run = spawnSync(process.execPath, [commandPath, ...words], { cwd: folder, encoding: 'utf8' });
		expect([run.status, run.stderr]).toEqual([0, '']);
		expect(run.stdout).toBe(output);
	} finally {
		rmSync(folder, { recursive: true });
	}
});
