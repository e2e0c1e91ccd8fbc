/**
 * Runs bundled tests in a guest: `node run-tests.mjs PATTERN FILE…`, those whose names, after those of what
 * they are part of, the pattern matches. Says of each what became of it, and closes with a line
 * `N passed, N failed, N skipped`, as `npm test` does. Exit status: 1 if anything failed.
 */
import { pathToFileURL } from 'node:url';
import { startTests, type Task, type VitestRunner } from '@vitest/runner';

/** A guest is slow, and the machine it is on may be busy. */
const timeoutMilliseconds = 300_000;

const [pattern, ...paths] = process.argv.slice(2);
const testNamePattern = new RegExp(pattern ?? '');

const runner: VitestRunner = {
	config: {
		root: process.cwd(),
		setupFiles: [],
		name: undefined,
		passWithNoTests: false,
		testNamePattern,
		allowOnly: false,
		sequence: { seed: 0, hooks: 'stack', setupFiles: 'list' },
		chaiConfig: undefined,
		maxConcurrency: 1,
		testTimeout: timeoutMilliseconds,
		hookTimeout: timeoutMilliseconds,
		retry: 0,
		includeTaskLocation: false,
		tags: [],
		tagsFilter: undefined,
		strictTags: false,
	},
	importFile: (path) => import(pathToFileURL(path).href),
};

const counts = { passed: 0, failed: 0, skipped: 0 };

function nameOf(task: Task, separator: string): string {
	return task.suite === undefined ? task.name : [nameOf(task.suite, separator), task.name].join(separator);
}

function errorOf({ result }: Task): string | undefined {
	const [error] = result?.errors ?? [];
	return error && [error.message, error.diff, error.stack].filter(Boolean).join('\n');
}

/** What `context.skip` was told, which the types do not know of. */
function noteOf({ result }: Task): string | undefined {
	return (result as { readonly note?: string } | undefined)?.note;
}

function tell(task: Task): void {
	const error = errorOf(task);
	const name = nameOf(task, ' > ');
	if (task.type === 'suite') {
		if (error !== undefined) {
			counts.failed++;
			console.log(`FAILED ${name}: ${error}`);
		}
		for (const each of task.tasks) tell(each);
		return;
	}
	const seconds = ((task.result?.duration ?? 0) / 1000).toFixed(1);
	if (task.result?.state === 'pass') {
		counts.passed++;
		console.log(`passed ${name} (${seconds} s)`);
	} else if (task.mode === 'skip') {
		if (!testNamePattern.test(nameOf(task, ' '))) return; // it was not asked for
		counts.skipped++;
		const why = task.meta.missing ?? noteOf(task) ?? 'what it is part of was skipped or failed';
		console.log(`SKIPPED ${name}: ${why}`);
	} else {
		counts.failed++;
		console.log(`FAILED ${name} (${seconds} s): ${error ?? task.result?.state ?? 'not run'}`);
	}
}

// One file after the other, so that what is said so far holds should the guest be ended.
for (const path of paths) {
	for (const file of await startTests([path], runner)) tell(file);
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed > 0 ? 1 : 0);
