/**
 * Closes a test run: every skipped test with its reason, then one last line `N passed, N failed, N skipped`.
 * Where CI is set the machine has everything: a test skipped for what is missing, or for no reason, fails the run.
 */
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';

interface Skip {
	readonly test: string;
	readonly reason: string;
	readonly allowedInCi: boolean;
}

interface Summary {
	readonly passed: number;
	/** Tests, and files, suites and errors outside of any test: none is lost. */
	readonly failed: number;
	readonly skipped: readonly Skip[];
}

/** Whether a `beforeAll` around it failed: the failure is counted there. */
function isInBroken(test: TestCase): boolean {
	for (let group = test.parent; ; group = group.parent) {
		if (group.errors().length > 0) return true;
		if (group.type === 'module') return false;
	}
}

function skipOf(test: TestCase): Skip {
	const name = `${test.module.relativeModuleId} > ${test.fullName}`;
	const { missing } = test.meta();
	if (missing !== undefined) return { test: name, reason: missing, allowedInCi: false };
	const result = test.result();
	const note = result.state === 'skipped' ? result.note : undefined;
	if (note !== undefined) return { test: name, reason: note, allowedInCi: true };
	if (test.options.mode === 'todo') return { test: name, reason: 'to do', allowedInCi: true };
	if (isInBroken(test)) return { test: name, reason: 'what it is part of failed', allowedInCi: true };
	return { test: name, reason: 'no reason given', allowedInCi: false };
}

function summarize(modules: readonly TestModule[], unhandled: readonly SerializedError[]): Summary {
	const tests = modules.flatMap((module) => [...module.children.allTests()]);
	const groups = modules.flatMap((module) => [module, ...module.children.allSuites()]);
	const inState = (state: string) => tests.filter((test) => test.result().state === state);
	return {
		passed: inState('passed').length,
		// A test still pending never ran to its end: its worker died.
		failed:
			inState('failed').length +
			inState('pending').length +
			groups.filter((group) => group.errors().length > 0).length +
			unhandled.length,
		skipped: inState('skipped').map(skipOf),
	};
}

/** The reporter, to stand behind vitest's own in its configuration. */
export function summaryReporter(): Reporter {
	let isWhole = true;
	let summary: Summary | undefined;
	const close = (): void => {
		if (summary === undefined) return;
		const { passed, failed, skipped } = summary;
		const refused = process.env.CI && isWhole ? skipped.filter(({ allowedInCi }) => !allowedInCi) : [];
		const lines = isWhole ? skipped.map(({ test, reason }) => `SKIPPED ${test}: ${reason}`) : [];
		if (refused.length > 0)
			lines.push(`FAILED: CI is set, where every test must run; skipped: ${refused.length}`);
		lines.push(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
		process.stdout.write(`${lines.join('\n')}\n`);
		if (failed > 0 || refused.length > 0) process.exitCode = 1;
	};
	return {
		onInit: (vitest) => {
			isWhole = vitest.config.testNamePattern === undefined;
			// At exit, so that nothing is written after it.
			process.once('exit', close);
		},
		onTestRunEnd: (modules, unhandled) => {
			summary = summarize(modules, unhandled);
		},
	};
}
