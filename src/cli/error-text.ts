/** An error as the command shows it: one line for people, an object for programs. */
import { ArgumentScannerError } from '@stricli/core';
import { EncapForwardError } from '../error.ts';

/** Lines of detail shown to people: the end of a verifier's log says what it objects to. */
const detailLines = 20;

/** Every error in our own form: usage errors of the argument scanner, interruptions, mistakes of ours. */
export function asOurs(error: unknown): EncapForwardError {
	if (error instanceof EncapForwardError) return error;
	if (error instanceof ArgumentScannerError) return usage(error.message);
	if (error instanceof Error && error.name === 'AbortError') {
		return new EncapForwardError('EF_INTERRUPTED', 'interrupted; everything that was set up is removed');
	}
	const text = error instanceof Error ? error.message : String(error);
	return new EncapForwardError('EF_BUG', `${text}; this is a mistake of encap-forward, please report it`, {
		cause: error,
		detail: error instanceof Error ? (error.stack ?? '') : '',
	});
}

export function usage(message: string): EncapForwardError {
	return new EncapForwardError('EF_USAGE', `${message.replace(/\.$/, '')}; --help lists what there is`);
}

export function errorText(error: EncapForwardError, asJson: boolean): string {
	if (asJson) return JSON.stringify({ error });
	const lines = [`encap-forward: ${error.message} [${error.code}]`];
	const detail = error.detail?.split('\n').filter((line) => line.trim() !== '') ?? [];
	if (detail.length > detailLines) lines.push(`  … ${detail.length - detailLines} lines before`);
	return [...lines, ...detail.slice(-detailLines).map((line) => `  ${line}`)].join('\n');
}

/** design: 2 for bad usage, 1 for a failure; a signal's own status where one ended the command. */
export function exitStatus({ code }: EncapForwardError): number {
	if (code === 'EF_USAGE' || code === 'EF_CONTRADICTION') return 2;
	if (code === 'EF_INTERRUPTED') return 130;
	return 1;
}
