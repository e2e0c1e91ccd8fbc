/** What a run in a guest came to. Pure: what it wrote in, counts out. */
import type { LabJson } from '../../src/lab/json.ts';
import { labVerdict } from '../../test/support/lab-rule.ts';

export interface Result {
	readonly passed: number;
	/** A line or more for each: what failed, and how. */
	readonly failed: readonly string[];
	/** For each: what was skipped, and why. */
	readonly skipped: readonly string[];
}

/** What a program left: its exit status and its output. */
export interface Ended {
	readonly status: number;
	readonly stdout: string;
	readonly stderr: string;
}

const lastLines = 12;

function tail(text: string): string {
	return text.trim().split('\n').slice(-lastLines).join('\n');
}

/** timeout(1) ends with it when the time is up. */
const timedOut = 124;

function failure({ status, stdout, stderr }: Ended): string {
	const what = status === timedOut ? 'it took longer than its budget' : `it ended with status ${status}`;
	return [what, tail(`${stdout}\n${stderr}`)].join('\n');
}

/** What counts as one: its exit status decides. */
export function readStatus(ended: Ended): Result {
	return ended.status === 0
		? { passed: 1, failed: [], skipped: [] }
		: { passed: 0, failed: [failure(ended)], skipped: [] };
}

/** Lines of run-tests.ts: `passed …`, `SKIPPED …`, and `FAILED …` with what follows it. */
export function readTests(ended: Ended): Result {
	const passed = ended.stdout.match(/^passed /gm)?.length ?? 0;
	const blocks = ended.stdout
		.split(/^(?=passed |FAILED |SKIPPED |\d+ passed, )/m)
		.map((block) => block.trim());
	const kind = (word: string): string[] =>
		blocks.filter((block) => block.startsWith(word)).map((block) => block.slice(word.length));
	const failed = kind('FAILED ');
	const isWhole = /^\d+ passed, \d+ failed, \d+ skipped$/.test(blocks.at(-1) ?? '');
	if (!isWhole || (ended.status !== 0 && failed.length === 0)) failed.push(failure(ended));
	return { passed, failed, skipped: kind('SKIPPED ') };
}

/** The lab's JSON: each cell whose outcome and cause are those of the rule is one that passed. */
export function readLab(ended: Ended): Result {
	let lab: LabJson;
	try {
		lab = JSON.parse(ended.stdout) as LabJson;
	} catch {
		return { passed: 0, failed: [failure(ended)], skipped: [] };
	}
	const failed = lab.cells.flatMap((cell) => {
		const expected = labVerdict(cell);
		const { outcome, cause, hook, outer, source, forwarding, neighbour, rpFilter, acceptLocal } = cell;
		const found = outcome === 'dropped' ? cause : outcome;
		if (found === expected) return [];
		const what = { hook, outer, source, forwarding, neighbour, rpFilter, acceptLocal };
		return [`${JSON.stringify(what)}: ${found} at ${cell.where}, not ${expected}`];
	});
	return { passed: lab.cells.length - failed.length, failed, skipped: [] };
}

/** The kernel's own log: it is to hold no warning and no bug. What a busy host brings about is none. */
export function readKernelLog(text: string): Result {
	const wrong = text
		.split('\n')
		.filter((line) => /WARNING: |BUG: |Oops|general protection|KASAN|Kernel panic/.test(line))
		.filter((line) => !/soft lockup|workqueue lockup/.test(line));
	return { passed: wrong.length === 0 ? 1 : 0, failed: wrong, skipped: [] };
}
