/** What is to run in a browser one day reaches neither Node nor the kernel by any way of imports. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('.', import.meta.url));

const clean = [
	...['packet', 'journey', 'scenario', 'tunnel', 'configuration', 'bpf', 'engines/model'].flatMap((folder) =>
		readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
	),
	...readdirSync(join(root, 'explain'))
		.filter((file) => !['take-snapshot.ts', 'configured-tunnels.ts'].includes(file))
		.map((file) => join('explain', file)),
	'datapath/layout.ts',
	'datapath/event.ts',
	'datapath/outcome-count.ts',
	'datapath/tunnel-map.ts',
].filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));

/** Packages that use nothing of Node.js either. */
const cleanPackages = ['valibot', 'yaml'];

/** What a file imports when it runs: `import type` is erased. */
function importsOf(file: string): string[] {
	const text = readFileSync(join(root, file), 'utf8');
	const statements = text.matchAll(
		/^(?:import|export)\s(?!type\s)[^;]*?from\s+'([^']+)'|import\(?\s*'([^']+)'/gm,
	);
	return [...statements].map(([, from, alone]) => from ?? alone ?? '');
}

/** Every file reached from one, each with the file that imports it. */
function reached(start: string): Map<string, string> {
	const found = new Map<string, string>();
	const visit = (file: string): void => {
		for (const name of importsOf(file)) {
			const target = name.startsWith('.') ? relative(root, join(root, dirname(file), name)) : name;
			if (found.has(target)) continue;
			found.set(target, file);
			if (name.startsWith('.')) visit(target);
		}
	};
	visit(start);
	return found;
}

test('the walk sees the imports of a file that is not clean', () => {
	expect([...reached('lab/run.ts').keys()]).toContain('packet/dissect.ts');
	expect([...reached('cli/lab.ts').keys()]).toEqual(expect.arrayContaining(['node:fs', 'kernel/libbpf.ts']));
	expect(clean.length).toBeGreaterThan(20);
});

test.each(clean)('%s', (file) => {
	const offenders = [...reached(file)].filter(
		([target]) =>
			!(target.endsWith('.ts') || cleanPackages.includes(target)) ||
			/^(kernel|engines\/linux|forwarder|cli)\//.test(target) ||
			(!file.startsWith('engines/') && target.startsWith('engines/')),
	);
	expect(offenders.map(([target, by]) => `${by} imports ${target}`)).toEqual([]);
	expect(readFileSync(join(root, file), 'utf8')).not.toMatch(/\b(Buffer|process|require)[.(]/);
});
