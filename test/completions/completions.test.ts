import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completions } from '../../scripts/completions.ts';
import { requires } from '../needs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test.each([...completions()])('%s is what `npm run completions` writes', (file, text) => {
	expect(readFileSync(join(root, file), 'utf8')).toBe(text);
});

/** A line up to the cursor, and what may stand there: exactly, or among others. */
const cases: readonly (readonly [string, readonly string[], 'exactly' | 'among'])[] = [
	['encap-forward ', ['check', 'up', 'status', 'reload', 'down', 'metrics', 'lab'], 'among'],
	['encap-forward st', ['status'], 'exactly'],
	['encap-forward lab ', ['run', 'up', 'ping', 'down'], 'among'],
	['encap-forward lab run --hook ', ['xdp', 'tc'], 'exactly'],
	['encap-forward lab --outer ', ['ipv4', 'ipv6'], 'exactly'],
	['encap-forward reload --', ['--config', '--netns', '--json'], 'among'],
	['encap-forward up --config here/con', ['config.yaml', 'container.yaml'], 'among'],
	['encap-forward check here/conf', ['config.yaml'], 'among'],
];

/** Words and ends of paths, without what a shell adds to them. */
function words(text: string): string[] {
	return text
		.split('\n')
		.map((line) => line.split('\t')[0]?.trim().split('/').at(-1) ?? '')
		.filter((word) => word !== '')
		.sort();
}

function check(found: readonly string[], wanted: readonly string[], how: 'exactly' | 'among'): void {
	if (how === 'exactly') expect(found).toEqual([...wanted].sort());
	else expect(found).toEqual(expect.arrayContaining([...wanted]));
}

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'encap-forward-completions-'));
	mkdirSync(join(folder, 'here'));
	for (const name of ['config.yaml', 'container.yaml']) writeFileSync(join(folder, 'here', name), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('bash', requires('bash'), () => {
	// What bash does when the tabulator is pressed, as far as a completion sees it.
	const program = `
source "$1/completions/encap-forward.bash"
COMP_LINE=$2
read -ra COMP_WORDS <<<"$2"
[[ $2 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_encap_forward
printf '%s\\n' "\${COMPREPLY[@]}"
complete -p encap-forward >/dev/null`;
	test.each(cases)('%s', (line, wanted, how) => {
		const text = execFileSync('bash', ['--norc', '-c', program, 'bash', root, line], {
			encoding: 'utf8',
			cwd: folder,
		});
		check(words(text), wanted, how);
	});
});

describe('fish', requires('fish'), () => {
	test.each(cases)('%s', (line, wanted, how) => {
		const program = `source ${root}/completions/encap-forward.fish; complete -C '${line}'`;
		const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', program], {
			encoding: 'utf8',
			cwd: folder,
			env: { ...process.env, HOME: folder },
		});
		expect(stderr).toBe('');
		check(words(stdout), wanted, how);
	});
});

test('zsh', requires('zsh'), () => {
	// A terminal of its own, in which the tabulator is pressed; what is proposed goes to a file, a line each.
	const program = `
zmodload zsh/zpty
home=$1 folder=$2
shift 2
wait_for() { until [[ -e $1 ]]; do zpty -r -t z _ || sleep 0.02; done }
zpty z "zsh -f -i"
zpty -w z "PROMPT=; cd $folder; fpath=($home/completions \\$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w z 'compadd() { if [[ " $* " == *" -"[OAD]" "* ]]; then builtin compadd "$@"; return; fi; local -a hits; builtin compadd -O hits "$@"; print -rl -- $hits >>"$CAPTURE"; builtin compadd "$@" }'
zpty -w z "echo >$folder/ready"
wait_for $folder/ready
for line in "$@"; do
	print "case $line" >>"$CAPTURE"
	zpty -w -n z "$line"$'\\t'
	zpty -w -n z $'\\C-u'
	zpty -w z "echo >$folder/done"
	wait_for $folder/done
	rm $folder/done
done
zpty -d z
cat "$CAPTURE"`;
	const lines = cases.map(([line]) => line);
	const text = execFileSync('zsh', ['-f', '-c', program, 'zsh', root, folder, ...lines], {
		encoding: 'utf8',
		timeout: 60_000,
		env: { ...process.env, TERM: 'dumb', CAPTURE: join(folder, 'hits') },
	});
	for (const [line, wanted, how] of cases) {
		const found = text.split(`case ${line}\n`)[1]?.split(/^case /m)[0] ?? '';
		check(words(found), wanted, how);
	}
});
