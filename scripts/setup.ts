/**
 * `npm run setup`: installs what only the tests need and this machine lacks, by apt-get. promtool comes in
 * a package with a service: it is unpacked into .cache/bin instead, so that no service runs.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, isRightVersion, ownPrograms, type Program, packages, programName } from './programs.ts';

const programs = Object.keys(packages) as Program[];
const unpacked: Program = 'promtool';

function fail(message: string): never {
	console.error(`setup: ${message}`);
	process.exit(1);
}

/** Run a command quietly; should it fail, show what it wrote and stop. */
function run(command: string, options: readonly string[], folder?: string): void {
	const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
	const { status, stdout, stderr, error } = spawnSync(command, options, {
		cwd: folder,
		env,
		encoding: 'utf8',
	});
	if (status === 0) return;
	console.error(`${stdout ?? ''}${stderr ?? ''}`.trimEnd());
	fail(`${command} ${options.join(' ')} failed${error === undefined ? '' : `: ${error.message}`}`);
}

/** Another apt-get, such as a new machine's own updates, may hold the lock: wait for it. */
function aptGet(options: readonly string[], folder?: string): void {
	run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...options], folder);
}

function unpack(program: Program): void {
	const folder = mkdtempSync(join(tmpdir(), 'encap-forward-setup-'));
	try {
		aptGet(['-o', 'APT::Sandbox::User=root', 'download', packages[program]], folder);
		const [archive = ''] = readdirSync(folder);
		run('dpkg-deb', ['--extract', archive, 'content'], folder);
		mkdirSync(ownPrograms, { recursive: true });
		copyFileSync(join(folder, 'content/usr/bin', program), join(ownPrograms, program));
	} finally {
		rmSync(folder, { recursive: true });
	}
}

function timed(what: string, work: () => void): void {
	console.log(what);
	const start = performance.now();
	work();
	console.log(`  ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

type State = { readonly program: Program; readonly file: string | undefined; readonly right: boolean };

function stateOf(program: Program): State {
	const file = findProgram(program);
	return { program, file, right: file !== undefined && isRightVersion(program, file) };
}

function print(states: readonly State[]): void {
	for (const { program, file, right } of states) {
		const what = file === undefined ? 'missing' : right ? file : `${file}, another version`;
		console.log(`  ${programName(program).padEnd(16)} ${packages[program].padEnd(16)} ${what}`);
	}
}

console.log('What the tests need: program, Debian package, and where it is');
const before = programs.map(stateOf);
print(before);
const wanted = before.filter(({ right }) => !right).map(({ program }) => program);
const missing = before.filter(({ file }) => file === undefined).map(({ program }) => programName(program));
const canInstall = findProgram('apt-get') !== undefined && process.getuid?.() === 0;

if (wanted.length > 0 && canInstall) {
	const names = new Set(wanted.filter((program) => program !== unpacked).map((program) => packages[program]));
	timed('apt-get update', () => aptGet(['update']));
	if (names.size > 0) {
		const install = ['install', '--yes', '--no-install-recommends', ...names];
		timed(`apt-get ${install.join(' ')}`, () => aptGet(install));
	}
	if (wanted.includes(unpacked)) {
		timed(`${unpacked} of Debian's ${packages[unpacked]}, into .cache/bin`, () => unpack(unpacked));
	}
	console.log('Now');
	print(wanted.map(stateOf));
} else if (missing.length > 0) {
	fail(
		process.getuid?.() === 0
			? `no apt-get here; install these by your system's own means: ${missing.join(', ')}`
			: `these are missing: ${missing.join(', ')}; run it as root on Debian, or install them by your system's own means`,
	);
}

for (const { program, file, right } of wanted.map(stateOf)) {
	if (file === undefined) fail(`${program} is still missing: Debian's ${packages[program]} did not bring it`);
	if (!right)
		console.log(`${file} is not ${programName(program)}: the check of the BPF objects will be skipped`);
}
