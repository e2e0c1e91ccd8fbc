/** An error as the command shows it: one line for people, an object for programs. */
import {
	ArgumentParseError,
	ArgumentScannerError,
	EnumValidationError,
	FlagNotFoundError,
	UnexpectedPositionalError,
} from '@stricli/core';
import { EncapForwardError, type ErrorCode, problemText } from '../error.ts';

/** Lines of detail shown to people: the end of a verifier's log says what it objects to. */
const detailLines = 20;

/** Every error in our own form: usage errors of the argument scanner, interruptions, mistakes of ours. */
export function asOurs(error: unknown): EncapForwardError {
	if (error instanceof EncapForwardError) return error;
	if (error instanceof ArgumentScannerError) return usage(usageProblem(error));
	if (error instanceof Error && error.name === 'AbortError') {
		return new EncapForwardError('EF_INTERRUPTED', 'interrupted; everything that was set up is removed');
	}
	const text = error instanceof Error ? error.message : String(error);
	return new EncapForwardError('EF_BUG', `${text}; this is a mistake of encap-forward, please report it`, {
		cause: error,
		detail: error instanceof Error ? (error.stack ?? '') : '',
	});
}

/** The argument scanner's messages in our words: what, where, and what was meant. */
function usageProblem(error: ArgumentScannerError): string {
	const meant = /did you mean (.*)\?$/.exec(error.message)?.[1]?.replaceAll('"', '');
	const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
	if (error instanceof EnumValidationError) {
		const { externalFlagName, input, values } = error;
		const list = values.join(', ').replace(/, ([^,]*)$/, ' or $1');
		// Of short values everything is near: the list says it already.
		return `--${externalFlagName} takes ${list}, not "${input}"${meant?.includes(',') ? '' : hint}`;
	}
	if (error instanceof FlagNotFoundError) return `there is no option --${error.input}${hint}`;
	if (error instanceof UnexpectedPositionalError) return `"${error.input}" is one argument too many`;
	if (error instanceof ArgumentParseError) {
		const why = error.exception instanceof Error ? error.exception.message : String(error.exception);
		return `--${error.externalFlagNameOrPlaceholder}: ${why}`;
	}
	return error.message;
}

export function usage(message: string): EncapForwardError {
	return new EncapForwardError('EF_USAGE', `${message}; --help lists what there is`);
}

export function errorText(error: EncapForwardError, asJson: boolean): string {
	if (asJson) return JSON.stringify({ error });
	const lines = [`encap-forward: ${error.message} [${error.code}]`];
	for (const problem of error.problems.slice(1)) lines.push(`  ${problemText(problem)}`);
	const detail = error.detail?.split('\n').filter((line) => line.trim() !== '') ?? [];
	if (detail.length > detailLines) lines.push(`  … ${detail.length - detailLines} lines before`);
	return [...lines, ...detail.slice(-detailLines).map((line) => `  ${line}`)].join('\n');
}

/** What was asked for cannot be. */
const badInput: ReadonlySet<ErrorCode> = new Set([
	'EF_USAGE',
	'EF_CONTRADICTION',
	'EF_CONFIGURATION',
	'EF_SNAPSHOT',
	'EF_PACKET',
	'EF_NO_DEVICE',
]);

/** design: 2 for bad usage, 1 for a failure; a signal's own status where one ended the command. */
export function exitStatus({ code }: EncapForwardError): number {
	if (badInput.has(code)) return 2;
	if (code === 'EF_INTERRUPTED') return 130;
	return 1;
}
