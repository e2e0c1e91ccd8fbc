/** The committed BPF objects, and the TypeScript made from them, are what the pinned clang makes of the sources. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { build, clang } from '../../scripts/bpf.ts';
import { requires } from '../needs.ts';

const root = new URL('../../', import.meta.url);

test('what the BPF sources build is committed', requires(clang.program, clang.strip, 'bpftool'), () => {
	const built = [...build()];
	expect(built.length).toBeGreaterThan(0);
	const named = built.filter(([, bytes]) => bytes.includes(fileURLToPath(root))).map(([file]) => file);
	expect(named, 'they name the folder they were built in, and differ in another').toEqual([]);
	const stale = built.filter(([file, bytes]) => !readFileSync(new URL(file, root)).equals(bytes));
	expect(
		stale.map(([file]) => file),
		'run `npm run bpf` and commit what it writes',
	).toEqual([]);
});
