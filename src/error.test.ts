import { expect, test } from 'vitest';
import { EncapForwardError, errorCodes } from './error.ts';

test('the message is one line, whatever it is made of', () => {
	const error = new EncapForwardError('EF_INPUT', ' two\n\tlines,  and\r\nspaces ');
	expect(error.message).toBe('two lines, and spaces');
	expect(error).toBeInstanceOf(Error);
	expect(error.name).toBe('EncapForwardError');
});

test('as an object for programs: code, message, and a detail only if there is one', () => {
	expect(JSON.stringify(new EncapForwardError('EF_KERNEL', 'refused'))).toBe(
		'{"code":"EF_KERNEL","message":"refused"}',
	);
	expect(JSON.stringify(new EncapForwardError('EF_BPF_LOAD', 'refused', { detail: 'a\nb' }))).toBe(
		'{"code":"EF_BPF_LOAD","message":"refused","detail":"a\\nb"}',
	);
});

test('the cause is kept, and is not there when there is none', () => {
	const cause = new Error('below');
	expect(new EncapForwardError('EF_FILE', 'x', { cause }).cause).toBe(cause);
	expect('cause' in new EncapForwardError('EF_FILE', 'x')).toBe(false);
});

test('codes are upper case with our prefix, each with a meaning', () => {
	for (const [code, meaning] of Object.entries(errorCodes)) {
		expect(code).toMatch(/^EF(_[A-Z]+)+$/);
		expect(meaning).not.toBe('');
	}
});
