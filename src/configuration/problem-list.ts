/** Mistakes as they are found, in the order of the files and of their places in them. */
import { EncapForwardError, type Problem, problemText } from '../error.ts';

/** So many are told; who has more has one kind of mistake very often. */
const problemLimit = 1000;

/** What a user wrote may be long, and may hold what a terminal would obey. */
function printable(text: string, most: number): string {
	const short = text.length > most ? `${text.slice(0, most)}…` : text;
	return short.replace(
		/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
		(character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
	);
}

export interface ProblemList {
	/** False when the list is full: then nothing more need be looked for. */
	add(problem: Problem): boolean;
	/** @throws EF_CONFIGURATION when there are any */
	throwIfAny(): void;
}

export function problemList(): ProblemList {
	const problems: Problem[] = [];
	const files: string[] = [];
	return {
		add: (problem) => {
			if (!files.includes(problem.file)) files.push(problem.file);
			if (problems.length <= problemLimit) {
				const { path, message } = problem;
				problems.push({ ...problem, path: printable(path, 100), message: printable(message, 500) });
			}
			return problems.length <= problemLimit;
		},
		throwIfAny: () => {
			if (problems.length === 0) return;
			const shown = problems
				.slice(0, problemLimit)
				.sort(
					(a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
				);
			const [first] = shown;
			const options = {
				problems: shown,
				...(problems.length > problemLimit
					? { detail: `there are more than these ${problemLimit} problems` }
					: {}),
			};
			throw new EncapForwardError('EF_CONFIGURATION', first ? problemText(first) : '', options);
		},
	};
}
