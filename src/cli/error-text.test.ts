import { expect, test } from 'vitest';
import { EncapForwardError, type ErrorCode, errorCodes } from '../error.ts';
import { asOurs, errorText, exitStatus, usage } from './error-text.ts';

test('for people: one line with the code at its end', () => {
	const error = new EncapForwardError('EF_NO_TOOL', 'the program "ip" is not on the PATH');
	expect(errorText(error, false)).toBe('encap-forward: the program "ip" is not on the PATH [EF_NO_TOOL]');
});

test('the end of a long detail is shown below, indented, with a word on what is left out', () => {
	const detail = Array.from({ length: 50 }, (_, index) => `line ${index}`).join('\n\n');
	const lines = errorText(new EncapForwardError('EF_BPF_LOAD', 'refused', { detail }), false).split('\n');
	expect(lines[0]).toBe('encap-forward: refused [EF_BPF_LOAD]');
	expect(lines[1]).toBe('  … 30 lines before');
	expect(lines.slice(2)).toEqual(Array.from({ length: 20 }, (_, index) => `  line ${index + 30}`));
});

test('a short detail is shown whole', () => {
	const error = new EncapForwardError('EF_KERNEL', 'refused', { detail: 'libbpf: no\n' });
	expect(errorText(error, false)).toBe('encap-forward: refused [EF_KERNEL]\n  libbpf: no');
});

test('for programs: an object on one line, the whole detail in it', () => {
	const error = new EncapForwardError('EF_BPF_LOAD', 'refused', { detail: 'a\nb' });
	expect(JSON.parse(errorText(error, true))).toEqual({
		error: { code: 'EF_BPF_LOAD', message: 'refused', detail: 'a\nb' },
	});
	expect(errorText(error, true)).not.toContain('\n');
});

test('every problem of a configuration is shown, the first as the message; an array for programs', () => {
	const problems = [
		{ file: 'a.yaml', line: 1, column: 2, path: 'hook', message: 'x; y' },
		{ file: 'a.yaml', line: 3, column: 4, path: '', message: 'z' },
	];
	const error = new EncapForwardError('EF_CONFIGURATION', 'a.yaml:1:2: hook: x; y', { problems });
	expect(errorText(error, false)).toBe(
		'encap-forward: a.yaml:1:2: hook: x; y [EF_CONFIGURATION]\n  a.yaml:3:4: z',
	);
	expect(JSON.parse(errorText(error, true)).error.problems).toEqual(problems);
});

test('an error of ours is left as it is; an abort is an interruption; anything else is a mistake of ours', () => {
	const ours = new EncapForwardError('EF_FILE', 'x');
	expect(asOurs(ours)).toBe(ours);
	expect(asOurs(AbortSignal.abort().reason)).toMatchObject({ code: 'EF_INTERRUPTED' });
	const bug = asOurs(new TypeError('x is not a function'));
	expect(bug.code).toBe('EF_BUG');
	expect(bug.message).toContain('x is not a function');
	expect(bug.detail).toContain('error-text.test.ts');
	expect(asOurs('a text')).toMatchObject({ code: 'EF_BUG' });
	expect(asOurs(undefined)).toMatchObject({ code: 'EF_BUG' });
});

test('usage says where to look', () => {
	expect(usage('there is no command "lib"').message).toBe(
		'there is no command "lib"; --help lists what there is',
	);
});

test('the exit status: 2 for usage, configuration and what is asked of explain, 130 for an interruption, 1 for every other failure', () => {
	const statuses = Object.fromEntries(
		(Object.keys(errorCodes) as ErrorCode[]).map((code) => [
			code,
			exitStatus(new EncapForwardError(code, 'x')),
		]),
	);
	const { EF_USAGE, EF_CONTRADICTION, EF_CONFIGURATION, EF_INTERRUPTED, ...rest } = statuses;
	const { EF_SNAPSHOT, EF_PACKET, EF_NO_DEVICE, ...others } = rest;
	expect([EF_USAGE, EF_CONTRADICTION, EF_CONFIGURATION, EF_INTERRUPTED]).toEqual([2, 2, 2, 130]);
	expect([EF_SNAPSHOT, EF_PACKET, EF_NO_DEVICE]).toEqual([2, 2, 2]);
	expect(new Set(Object.values(others))).toEqual(new Set([1]));
});
