/** Reads the words of a packet's description one after the other; every refusal names its column. */

import { suggestion } from '../configuration/suggestion.ts';
import { EncapForwardError } from '../error.ts';

export interface Words {
	/** The next word, which stays; undefined at the end. */
	peek(): string | undefined;
	/** Take the next word if it is this one. */
	take(word: string): boolean;
	/** Take the next word. @param what is expected there */
	next(what: string): string;
	/** Take a whole number, decimal or hexadecimal, within limits. */
	number(what: string, least: number, most: number): number;
	/** EF_PACKET about the word that was taken last. */
	wrong(what: string): EncapForwardError;
	/** EF_PACKET about the next word, which is none of these. */
	unexpected(words: readonly string[]): EncapForwardError;
}

export function readWords(text: string): Words {
	const words = [...text.matchAll(/>|[^\s>]+/g)].map((match) => ({
		text: match[0],
		column: match.index + 1,
	}));
	let at = 0;
	const refusal = (column: number, what: string): EncapForwardError =>
		new EncapForwardError('EF_PACKET', `the packet "${text.trim()}", column ${column}: ${what}`);
	const end = text.trimEnd().length + 1;
	const wrong = (what: string): EncapForwardError => refusal(words[at - 1]?.column ?? 1, what);
	const next = (what: string): string => {
		const word = words[at];
		if (word === undefined) throw refusal(end, `it ends where ${what} is to follow`);
		at++;
		return word.text;
	};
	return {
		peek: () => words[at]?.text,
		take: (word) => {
			if (words[at]?.text !== word) return false;
			at++;
			return true;
		},
		next,
		number: (what, least, most) => {
			const word = next(what);
			const value = /^(0x[0-9a-fA-F]+|[0-9]+)$/.test(word) ? Number(word) : Number.NaN;
			if (value >= least && value <= most) return value;
			throw wrong(`"${word}" is no ${what}; give a number from ${least} to ${most}`);
		},
		wrong,
		unexpected: (known) => {
			const word = words[at];
			if (word === undefined) return refusal(end, `it ends too early; give one of ${known.join(', ')}`);
			return refusal(word.column, `"${word.text}" is not known here; ${suggestion(word.text, known)}`);
		},
	};
}
