import { styleText } from 'node:util';
import { expect, test } from 'vitest';
import { cut, openRenewal } from './renewal.ts';

const red = (text: string): string => styleText('red', text, { validateStream: false });

test('a line is cut where the terminal ends, and its colours are ended', () => {
	expect(cut('0123456789', 4)).toBe('0123');
	expect(cut('0123', 4)).toBe('0123');
	expect(cut(`${red('012345')}6789`, 4)).toBe(red('0123'));
	expect(cut(`0${red('12')}345`, 4)).toBe(`0${red('12')}3`);
	expect(cut('✗✗✗', 2)).toBe('✗✗');
});

test('lines take the place of those before; where there is no room for all, the last one stays', () => {
	let written = '';
	const write = (text: string): boolean => {
		written += text;
		return true;
	};
	const terminal = { rows: 4, columns: 5, write } as unknown as NodeJS.WriteStream;
	const renew = openRenewal(terminal);
	renew(['one', 'two', 'three', 'four']);
	expect(written).toBe('\r\x1b[Jone\ntwo\nfour\n');
	written = '';
	renew(['123456']);
	expect(written).toBe('\x1b[3A\r\x1b[J12345\n');
	written = '';
	renew([]);
	expect(written).toBe('\x1b[1A\r\x1b[J');
});

test('a terminal that does not know its size is one of 24 lines of 80 columns', () => {
	let written = '';
	const write = (text: string): boolean => {
		written += text;
		return true;
	};
	openRenewal({ rows: 0, columns: 0, write } as unknown as NodeJS.WriteStream)(
		Array(30).fill('x'.repeat(99)),
	);
	expect(written).toBe(`\r\x1b[J${`${'x'.repeat(80)}\n`.repeat(23)}`);
});
