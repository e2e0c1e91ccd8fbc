/** `npm test`: every check in order, up to the first that fails. The tests come last: their summary line closes it. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const options = {
	cwd: fileURLToPath(new URL('..', import.meta.url)),
	encoding: 'utf8',
	env: process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1' },
} as const;

/** Commands are spelled out where they are called: knip reads there which dependencies are used. */
const checks = {
	'format and lint': () => spawnSync('biome', ['ci', '--error-on-warnings', '--colors=off'], options),
	types: () => spawnSync('tsc', ['-p', 'tsconfig.json'], options),
	'dead code': () => spawnSync('knip', [], options),
	build: () => spawnSync('npm', ['run', '--silent', 'build'], options),
	package: () => spawnSync('publint', ['--strict'], options),
} as const;

for (const [name, check] of Object.entries(checks)) {
	const start = performance.now();
	const { status, stdout, stderr, error } = check();
	const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(5);
	console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(16)} ${seconds} s`);
	if (status === 0) continue;
	console.log(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trimEnd());
	process.exit(1);
}
process.exitCode = spawnSync('vitest', ['run'], { ...options, stdio: 'inherit' }).status ?? 1;
